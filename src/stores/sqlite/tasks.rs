//! Tasks in SQLite: what runs on the writing thread, and the trait that puts it there.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension};

use crate::domain::ids::TaskId;
use crate::domain::task::{Change, Claim, NewTask, Rejected, RetryPolicy, Task, TaskState, Timer};
use crate::stores::sqlite::fault::Fault;
use crate::stores::sqlite::rows::{self, Now, SET_ASIDE, task_columns};
use crate::stores::sqlite::{SqliteDb, assets, deliveries, events, idempotency, queries, turns, webhooks};
use crate::stores::tasks::{
    Backlog, CallerUsage, ClaimRequest, ClaimedTask, TaskPage, TaskQuery, TaskStore, TaskStoreError, TaskView, recovered,
};
use crate::stores::webhooks::Letter;

impl TaskStore for SqliteDb {
    fn apply(&self, change: Change) -> BoxFuture<'static, Result<Task, TaskStoreError>> {
        let rules = self.rules();
        let changed = self.write::<_, TaskStoreError>(move |connection, now| match change {
            Change::Insert(new) => insert(connection, new, now),
            change => Ok(apply(connection, &change, &rules, now)?.map_err(TaskStoreError::from)),
        });
        async move { changed.await? }.boxed()
    }

    fn claim(&self, request: ClaimRequest) -> BoxFuture<'static, Result<Vec<ClaimedTask>, TaskStoreError>> {
        self.write(move |connection, now| claim(connection, &request, now))
    }

    fn get(&self, id: TaskId) -> BoxFuture<'static, Result<Option<Task>, TaskStoreError>> {
        self.read(move |connection, _| rows::find(connection, id))
    }

    fn view(&self, id: TaskId) -> BoxFuture<'static, Result<Option<TaskView>, TaskStoreError>> {
        if let Some(view) = self.views.find(id) {
            return async move { Ok(Some(Arc::unwrap_or_clone(view))) }.boxed();
        }
        let views = Arc::clone(&self.views);
        self.read(move |connection, _| {
            let era = views.era();
            let view = queries::view(connection, id)?;
            view.iter().for_each(|view| views.keep(era, view));
            Ok(view)
        })
    }

    fn list(&self, query: TaskQuery) -> BoxFuture<'static, Result<TaskPage, TaskStoreError>> {
        self.read(move |connection, _| queries::page(connection, query))
    }

    fn expired(&self, limit: usize) -> BoxFuture<'static, Result<Vec<Claim>, TaskStoreError>> {
        self.read(move |connection, now| queries::expired(connection, limit, now))
    }

    fn claims(&self) -> BoxFuture<'static, Result<Vec<Claim>, TaskStoreError>> {
        self.read(|connection, _| queries::claims(connection, TaskState::InProgress))
    }

    fn recover(&self) -> BoxFuture<'static, Result<u64, TaskStoreError>> {
        let rules = self.rules();
        self.write(move |connection, now| recover(connection, &rules, now))
    }

    fn retire(&self, limit: usize) -> BoxFuture<'static, Result<Vec<Task>, TaskStoreError>> {
        let rules = self.rules();
        self.write(move |connection, now| retire(connection, limit, &rules, now))
    }

    fn backlog(&self) -> BoxFuture<'static, Result<Backlog, TaskStoreError>> {
        self.read(|connection, _| queries::backlog(connection))
    }

    fn usage(&self) -> BoxFuture<'static, Result<Vec<CallerUsage>, TaskStoreError>> {
        self.read(|connection, _| queries::usage(connection))
    }

    fn next_runnable(&self) -> BoxFuture<'static, Result<Option<Duration>, TaskStoreError>> {
        self.read(queries::next_runnable)
    }
}

/// What decides about a change beside the change itself.
struct Rules {
    policy: RetryPolicy,
    letter: Letter,
}

impl SqliteDb {
    fn rules(&self) -> Rules {
        Rules { policy: self.policy, letter: self.letter }
    }
}

/// A new task, with the versions of its assets that their names stand for at this moment.
fn insert(connection: &Connection, new: NewTask, now: Now) -> Result<Result<Task, TaskStoreError>, Fault> {
    if let Some(refusal) = idempotency::refusal(connection, &new)? {
        return Ok(Err(refusal.into()));
    }
    if let Some(webhook) = webhooks::missing(connection, &new)? {
        return Ok(Err(TaskStoreError::NoSuchWebhook(webhook)));
    }
    let idempotency = new.idempotency.clone();
    let variants = match assets::pinned(connection, new.variants)? {
        Ok(variants) => variants,
        Err(asset) => return Ok(Err(TaskStoreError::NoSuchAsset(asset))),
    };
    let Some(task) = rows::insert(connection, Task::create(NewTask { variants, ..new }, 0, now.wall))? else {
        return Ok(Err(Rejected::Duplicate.into()));
    };
    turns::line_up(connection, &task)?;
    assets::hold(connection, &task)?;
    idempotency::keep(connection, &task, idempotency.as_ref())?;
    events::record(connection, None, &task, now)?;
    Ok(Ok(task))
}

/// Load, ask the state machine, write.
fn apply(connection: &Connection, change: &Change, rules: &Rules, now: Now) -> Result<Result<Task, Rejected>, Fault> {
    let Some(task) = rows::find(connection, change.task())? else { return Ok(Err(Rejected::NotFound)) };
    match task.apply(change, &rules.policy, now.wall) {
        Err(rejected) => Ok(Err(rejected)),
        Ok(mut transition) => {
            if let Timer::Retention(time) = transition.timer {
                transition.task.expires_at = Some(now.steady.after(time));
            }
            rows::store(connection, &task, &transition, now)?;
            if matches!(change, Change::Retry { .. }) {
                turns::line_up(connection, &transition.task)?;
            }
            deliveries::enqueue(connection, &task, &transition.task, rules.letter, now)?;
            Ok(Ok(transition.task))
        }
    }
}

fn claim(connection: &Connection, request: &ClaimRequest, now: Now) -> Result<Vec<ClaimedTask>, Fault> {
    connection.prepare_cached("UPDATE tasks SET not_before = NULL WHERE not_before <= ?1")?.execute([rows::micros(now.engine)])?;
    let mut claimed = Vec::new();
    for worker in &request.workers {
        let Some((rank, task)) = next_runnable(connection)? else { break };
        let Ok(transition) = task.claim(request.lease, now.wall) else {
            return Err(Fault::Corrupt(format!("task {} is {} but among the runnable ones", task.id, task.state)));
        };
        turns::move_on(connection, rank)?;
        rows::store(connection, &task, &transition, now)?;
        rows::begin_attempt(connection, &transition.task, worker, now)?;
        let claim = transition.task.current_claim();
        claimed.push(ClaimedTask { worker: worker.clone(), task: transition.task, claim });
    }
    Ok(claimed)
}

/// The task that the next free worker gets, and its rank. A row that cannot be read is set aside: it must not hold up those behind it.
fn next_runnable(connection: &Connection) -> Result<Option<(i64, Task)>, Fault> {
    let mut next = connection.prepare_cached(concat!(
        "SELECT ",
        task_columns!(),
        ", rank FROM tasks INDEXED BY tasks_runnable WHERE state = 'not_started' AND not_before IS NULL ORDER BY rank, seq LIMIT 1"
    ))?;
    loop {
        match next.query_row([], |row| Ok((row.get("seq")?, row.get("rank")?, rows::task(row)))).optional()? {
            None => return Ok(None),
            Some((_, rank, Ok(task))) => return Ok(Some((rank, task))),
            Some((seq, _, Err(fault))) => set_aside(connection, seq, &fault)?,
        }
    }
}

fn set_aside(connection: &Connection, seq: i64, fault: &Fault) -> Result<(), Fault> {
    log::error!(seq, fault:% = fault; "a waiting task cannot be read and is set aside until the next start");
    connection.execute("UPDATE tasks SET not_before = ?1 WHERE seq = ?2", (SET_ASIDE, seq))?;
    Ok(())
}

fn recover(connection: &Connection, rules: &Rules, now: Now) -> Result<u64, Fault> {
    connection.execute("UPDATE tasks SET not_before = NULL WHERE not_before IS NOT NULL", [])?;
    let claims = queries::claims(connection, TaskState::InProgress)?;
    for claim in &claims {
        let change = Change::Release { claim: *claim, reason: recovered(), refund: true, backoff: Duration::ZERO };
        match apply(connection, &change, rules, now) {
            Ok(Ok(_)) => {}
            Ok(Err(rejected)) => log::error!(claim:%, rejected:%; "a claim could not be taken back"),
            Err(fault @ Fault::Corrupt(_)) => log::error!(claim:%, fault:%; "a claim could not be taken back"),
            Err(fault) => return Err(fault),
        }
    }
    Ok(claims.len() as u64)
}

/// In the transaction that finds them, so that a task which is run again at this moment is not taken away.
fn retire(connection: &Connection, limit: usize, rules: &Rules, now: Now) -> Result<Vec<Task>, Fault> {
    let mut retired = Vec::new();
    for id in queries::past_retention(connection, limit, now)? {
        match apply(connection, &Change::MarkDeleting { id }, rules, now) {
            Ok(Ok(task)) => retired.push(task),
            Ok(Err(rejected)) => log::error!(task:% = id, rejected:%; "a task that has expired could not be retired"),
            Err(fault @ Fault::Corrupt(_)) => log::error!(task:% = id, fault:%; "a task that has expired could not be retired"),
            Err(fault) => return Err(fault),
        }
    }
    Ok(retired)
}
