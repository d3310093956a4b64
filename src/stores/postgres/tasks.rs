//! Tasks in PostgreSQL: the trait, and what changes many tasks of the engine's own accord: claims, recovery, retirement.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_postgres::Row;

use crate::domain::ids::TaskId;
use crate::domain::task::{Change, Claim, Task};
use crate::stores::postgres::changes::decide;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{Now, SET_ASIDE, TASK, int, task};
use crate::stores::postgres::session::{Session, column};
use crate::stores::postgres::writes::{self, Step};
use crate::stores::postgres::{PostgresDb, Rules, queries, tallies, turns};
use crate::stores::tasks::{
    Backlog, CallerUsage, ClaimRequest, ClaimedTask, TaskPage, TaskQuery, TaskStore, TaskStoreError, TaskView, recovered,
};

impl TaskStore for PostgresDb {
    fn apply(&self, change: Change) -> BoxFuture<'static, Result<Task, TaskStoreError>> {
        self.change(change)
    }

    fn claim(&self, request: ClaimRequest) -> BoxFuture<'static, Result<Vec<ClaimedTask>, TaskStoreError>> {
        self.write(move |session, rules| claim(session, rules, request.clone()).boxed())
    }

    fn get(&self, id: TaskId) -> BoxFuture<'static, Result<Option<Task>, TaskStoreError>> {
        self.read(move |session, _| queries::get(session, id).boxed())
    }

    fn view(&self, id: TaskId) -> BoxFuture<'static, Result<Option<TaskView>, TaskStoreError>> {
        self.read(move |session, _| queries::view(session, id).boxed())
    }

    fn list(&self, query: TaskQuery) -> BoxFuture<'static, Result<TaskPage, TaskStoreError>> {
        self.read(move |session, _| queries::page(session, query).boxed())
    }

    fn expired(&self, limit: usize) -> BoxFuture<'static, Result<Vec<Claim>, TaskStoreError>> {
        self.read(move |session, _| queries::expired(session, limit).boxed())
    }

    fn claims(&self) -> BoxFuture<'static, Result<Vec<Claim>, TaskStoreError>> {
        self.read(|session, rules| queries::claims(session, rules).boxed())
    }

    fn recover(&self) -> BoxFuture<'static, Result<u64, TaskStoreError>> {
        self.write(|session, rules| recover(session, rules).boxed())
    }

    fn retire(&self, limit: usize) -> BoxFuture<'static, Result<Vec<Task>, TaskStoreError>> {
        self.write(move |session, rules| retire(session, rules, limit).boxed())
    }

    fn backlog(&self) -> BoxFuture<'static, Result<Backlog, TaskStoreError>> {
        self.read(|session, _| tallies::backlog(session).boxed())
    }

    fn usage(&self) -> BoxFuture<'static, Result<Vec<CallerUsage>, TaskStoreError>> {
        self.read(|session, _| tallies::usage(session).boxed())
    }

    fn next_runnable(&self) -> BoxFuture<'static, Result<Option<Duration>, TaskStoreError>> {
        self.read(|session, _| queries::next_runnable(session).boxed())
    }
}

/// A waiting task, locked, with its rank.
struct Next {
    task: Task,
    rank: i64,
}

async fn claim(session: &Session, rules: &Rules, ClaimRequest { workers, lease }: ClaimRequest) -> Result<Vec<ClaimedTask>, Fault> {
    if workers.is_empty() {
        return Ok(Vec::new());
    }
    let now = Now::read(session).await?;
    end_backoffs(session).await?;
    let next = next_runnable(session, rules, workers.len()).await?;
    let ranks: Vec<i64> = next.iter().map(|next| next.rank).collect();
    let mut steps = Vec::with_capacity(next.len());
    for (Next { task, .. }, worker) in next.into_iter().zip(workers) {
        match task.claim(lease, now.wall) {
            Ok(transition) => steps.push(Step { before: task, transition, worker: Some(worker) }),
            // What the statement saw was changed before its row was locked.
            Err(rejected) => return Err(Fault::Conflict(format!("task {}: {rejected}", task.id))),
        }
    }
    writes::store(session, rules, &steps, now).await?;
    turns::move_on(session, rules, &ranks).await?;
    let claimed = steps.into_iter().map(|Step { transition, worker, .. }| {
        let claim = transition.task.current_claim();
        ClaimedTask { worker: worker.unwrap_or_default(), task: transition.task, claim }
    });
    Ok(claimed.collect())
}

/// Backoffs that end at once: enough for any pause, few enough for any transaction.
const BACKOFFS: i64 = 1000;

/// Tasks whose backoff is over wait like any other. Those that another node is about are left to it.
async fn end_backoffs(session: &Session) -> Result<(), Fault> {
    let statement = "UPDATE tasks SET not_before = NULL WHERE seq IN (
             SELECT seq FROM tasks WHERE not_before <= moment() ORDER BY not_before LIMIT $1 FOR UPDATE SKIP LOCKED
         )";
    session.execute(statement, &[&BACKOFFS]).await.map(drop)
}

/// The tasks that the next free workers get. A row that cannot be read is set aside: it must not hold up those behind it.
async fn next_runnable(session: &Session, rules: &Rules, wanted: usize) -> Result<Vec<Next>, Fault> {
    // Materialized: joined as a plain subquery it could be run more than once, and lock more rows than were asked for.
    let statement = format!(
        "WITH next AS MATERIALIZED (
             SELECT seq FROM tasks WHERE state = 'not_started' AND not_before IS NULL ORDER BY rank, seq LIMIT $1 FOR UPDATE SKIP LOCKED
         ) SELECT {TASK} FROM tasks JOIN next USING (seq) ORDER BY tasks.rank, tasks.seq"
    );
    loop {
        let rows = session.query(&statement, &[&int(wanted as u64)]).await?;
        let read: Vec<_> =
            rows.iter().map(|row| Ok((column(row, "seq")?, column(row, "rank")?, task(row)))).collect::<Result<_, Fault>>()?;
        let broken: Vec<i64> = read.iter().filter(|(seq, _, task)| is_unreadable(*seq, task)).map(|(seq, ..)| *seq).collect();
        if broken.is_empty() {
            let next = read.into_iter().filter_map(|(_, rank, task)| Some(Next { task: task.ok()?, rank }));
            return Ok(next.collect());
        }
        let set_aside = "UPDATE tasks SET not_before = $1, node = $2 WHERE seq = ANY($3)";
        session.execute(set_aside, &[&SET_ASIDE, &rules.node, &broken]).await?;
    }
}

fn is_unreadable(seq: i64, task: &Result<Task, Fault>) -> bool {
    let told = |fault| log::error!(seq, fault:%; "a waiting task cannot be read and is set aside until the next start");
    task.as_ref().inspect_err(|fault| told(*fault)).is_err()
}

/// What this node had in hand; what others have stays theirs.
async fn recover(session: &Session, rules: &Rules) -> Result<u64, Fault> {
    let now = Now::read(session).await?;
    forget_backoffs(session, rules).await?;
    let statement = format!("SELECT {TASK} FROM tasks WHERE state = 'in_progress' AND node = $1 ORDER BY seq FOR UPDATE");
    let rows = session.query(&statement, &[&rules.node]).await?;
    let release = |task: &Task| Change::Release { claim: task.current_claim(), reason: recovered(), refund: true, backoff: Duration::ZERO };
    let steps = steps(&rows, rules, now, release, "a claim could not be taken back");
    writes::store(session, rules, &steps, now).await?;
    Ok(rows.len() as u64)
}

/// The leases of a node that begins anew have ended, and so have the backoffs that it gave.
pub(super) async fn forget_timers(session: &Session, rules: &Rules) -> Result<(), Fault> {
    let leases = "UPDATE tasks SET lease_until = moment() WHERE state = 'in_progress' AND node = $1 AND lease_until > moment()";
    session.execute(leases, &[&rules.node]).await?;
    forget_backoffs(session, rules).await
}

async fn forget_backoffs(session: &Session, rules: &Rules) -> Result<(), Fault> {
    session.execute("UPDATE tasks SET not_before = NULL WHERE not_before IS NOT NULL AND node = $1", &[&rules.node]).await.map(drop)
}

/// In the transaction that finds them, so that a task which is run again at this moment is not taken away.
async fn retire(session: &Session, rules: &Rules, limit: usize) -> Result<Vec<Task>, Fault> {
    let now = Now::read(session).await?;
    let statement = format!("SELECT {TASK} FROM tasks WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED");
    let rows = session.query(&statement, &[&int(now.steady().0), &int(limit as u64)]).await?;
    let hide = |task: &Task| Change::MarkDeleting { id: task.id };
    let steps = steps(&rows, rules, now, hide, "a task that has expired could not be retired");
    writes::store(session, rules, &steps, now).await?;
    Ok(steps.into_iter().map(|step| step.transition.task).collect())
}

/// The same change of every task that can be read and allows it; of the others the log tells why not.
fn steps(rows: &[Row], rules: &Rules, now: Now, change: impl Fn(&Task) -> Change, otherwise: &str) -> Vec<Step> {
    let step = |row| {
        let before: Task = task(row).map_err(TaskStoreError::from)?;
        let transition = decide(&before, &change(&before), rules, now)?;
        Ok(Step { before, transition, worker: None })
    };
    let told = |error: &TaskStoreError| log::error!(error:%; "{otherwise}");
    rows.iter().filter_map(|row| step(row).inspect_err(told).ok()).collect()
}
