//! Tasks in PostgreSQL: the trait, and what changes many tasks of the engine's own accord: recovery, retirement. Claims are in `claims`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use tokio_postgres::Row;

use crate::domain::ids::TaskId;
use crate::domain::task::{Change, Claim, Task};
use crate::stores::postgres::changes::decide;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{Now, TASK, int, task};
use crate::stores::postgres::session::Session;
use crate::stores::postgres::writes::{self, Step};
use crate::stores::postgres::{PostgresDb, Rules, claims, queries, tallies};
use crate::stores::tasks::{
    Backlog, CallerUsage, ClaimRequest, ClaimedTask, TaskPage, TaskQuery, TaskStore, TaskStoreError, TaskView, recovered,
};

impl TaskStore for PostgresDb {
    fn apply(&self, change: Change) -> BoxFuture<'static, Result<Task, TaskStoreError>> {
        self.change(change)
    }

    fn claim(&self, request: ClaimRequest) -> BoxFuture<'static, Result<Vec<ClaimedTask>, TaskStoreError>> {
        let (low_water, looking) = (Arc::clone(&self.low_water), Arc::clone(&self.low_water));
        let start = low_water.start(Instant::now());
        let claimed = self.write::<_, TaskStoreError>(move |session, rules| {
            // Once there is a connection: that there was none for long says nothing of the queue.
            let (looking, begun) = (Arc::clone(&looking), Instant::now());
            let claimed = claims::claim(session, rules, request.clone(), start);
            claimed.inspect_err(move |_| looking.failed(start, Instant::now(), begun.elapsed())).boxed()
        });
        async move {
            let claims::Claimed { tasks, reached } = claimed.await?;
            low_water.reached(start, reached, Instant::now());
            Ok(tasks)
        }
        .boxed()
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
