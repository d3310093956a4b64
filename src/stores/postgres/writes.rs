//! What the state machine decided about some tasks, written at once: each statement takes the rows of all of them. `seq = ANY` says again what
//! the join says already: then no plan, however old, reads the whole table for it.

use std::collections::{BTreeMap, HashSet};

use futures::future::BoxFuture;
use futures::{FutureExt, try_join};

use crate::domain::ids::{ClaimNo, TaskId};
use crate::domain::task::{Failure, Results, Task, TaskState, Timer, Transition};
use crate::domain::timestamp::Timestamp;
use crate::stores::hints::Hint;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{Now, TASK, int, task, task_id, text};
use crate::stores::postgres::session::Session;
use crate::stores::postgres::{Rules, deliveries, events, history, tallies};

/// What becomes of one task.
pub(super) struct Step {
    /// Its row as it was loaded and locked.
    pub(super) before: Task,
    /// The answer of the state machine.
    pub(super) transition: Transition,
    /// The worker that it is handed to, if it is.
    pub(super) worker: Option<String>,
}

impl Step {
    pub(super) fn after(&self) -> &Task {
        &self.transition.task
    }

    /// A heartbeat changes nothing that anybody can see.
    fn is_heartbeat(&self) -> bool {
        !self.transition.gone && *self.after() == self.before
    }

    /// What other servers may want to look at. The end of a backoff is left to their looks, and to whoever gave it.
    fn hint(&self) -> Hint {
        let (before, after) = (self.before.state, self.after().state);
        let runnable = before != TaskState::NotStarted && after == TaskState::NotStarted;
        Hint::RUNNABLE.when(runnable) | Hint::WITHDRAWN.when(before == TaskState::InProgress && after == TaskState::Cancelled)
    }

    fn lease_until(&self, now: Now) -> Option<i64> {
        match self.transition.timer {
            Timer::Lease(lease) => Some(now.deadline(lease)),
            Timer::Backoff(_) | Timer::Retention(_) | Timer::Off => None,
        }
    }

    fn not_before(&self, now: Now) -> Option<i64> {
        match self.transition.timer {
            Timer::Backoff(backoff) if !backoff.is_zero() => Some(now.deadline(backoff)),
            Timer::Backoff(_) | Timer::Lease(_) | Timer::Retention(_) | Timer::Off => None,
        }
    }
}

/// Loads tasks and locks their rows, always in the same order. Those that are not there are left out; one that cannot be read is told as such.
pub(super) async fn lock(session: &Session, ids: &[TaskId]) -> Result<Vec<(TaskId, Result<Task, Fault>)>, Fault> {
    let ids: Vec<_> = ids.iter().map(|id| *id.as_uuid()).collect();
    // Sorted by an expression, for which no plan can walk along the index of numbers instead of that of ids.
    let statement = format!("SELECT {TASK} FROM tasks WHERE id = ANY($1) ORDER BY seq + 0 FOR UPDATE");
    let rows = session.query(&statement, &[&ids]).await?;
    rows.iter().map(|row| Ok((task_id(row, "id")?, task(row)))).collect()
}

/// Writes steps of different tasks, with everything that follows from them: the history, events, counts and deliveries.
pub(super) fn store<'a>(session: &'a Session, rules: &'a Rules, steps: &'a [Step], now: Now) -> BoxFuture<'a, Result<(), Fault>> {
    write(session, rules, steps, now).boxed()
}

async fn write(session: &Session, rules: &Rules, steps: &[Step], now: Now) -> Result<(), Fault> {
    let (gone, left): (Vec<&Step>, Vec<&Step>) = steps.iter().partition(|step| step.transition.gone);
    let (heartbeats, changed): (Vec<&Step>, Vec<&Step>) = left.into_iter().partition(|step| step.is_heartbeat());
    let heartbeats = alone(heartbeats, &changed);
    let news: Vec<_> = steps.iter().map(|step| (Some(&step.before), step.after())).collect();
    steps.iter().for_each(|step| session.hint(step.hint()));
    try_join!(
        history::note_memory(session, steps),
        history::begin_attempts(session, steps, now),
        history::end_attempts(session, steps, now),
        prolong(session, &heartbeats, now),
        update(session, rules, &changed, now),
        remove(session, &gone),
        let_go(session, steps),
        events::record(session, &news, now),
        tallies::add(session, rules, steps),
        deliveries::enqueue(session, rules, steps, now),
    )?;
    Ok(())
}

/// One heartbeat for each row: of several the last one counts, and any other change of the row brings a lease of its own, or none.
fn alone<'a>(heartbeats: Vec<&'a Step>, changed: &[&Step]) -> Vec<&'a Step> {
    let changed: HashSet<u64> = changed.iter().map(|step| step.before.seq).collect();
    let last: BTreeMap<u64, &Step> = heartbeats.into_iter().map(|step| (step.before.seq, step)).collect();
    last.into_values().filter(|step| !changed.contains(&step.before.seq)).collect()
}

/// A value of each step, for one parameter of a statement.
pub(super) fn each<'a, T>(steps: impl IntoIterator<Item = &'a Step>, of: impl Fn(&'a Step) -> T) -> Vec<T> {
    steps.into_iter().map(of).collect()
}

pub(super) fn seq(step: &Step) -> i64 {
    int(step.before.seq)
}

pub(super) fn claim_no(step: &Step) -> i64 {
    let ClaimNo(claim_no) = step.before.claim_no;
    int(claim_no)
}

fn millis(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(|moment| int(moment.0))
}

/// The results as they are stored.
pub(super) fn stored(results: &Results) -> String {
    serde_json::to_string(results).expect("names, numbers and digests can be written as JSON")
}

/// Every row was locked as it is expected, so each must be there.
fn all(changed: u64, steps: &[&Step]) -> Result<(), Fault> {
    if changed == steps.len() as u64 { Ok(()) } else { Err(Fault::Conflict("a task was changed by another program".into())) }
}

/// Heartbeats: no column that an index knows, so no index is written.
async fn prolong(session: &Session, steps: &[&Step], now: Now) -> Result<(), Fault> {
    if steps.is_empty() {
        return Ok(());
    }
    let steps_of = || steps.iter().copied();
    let statement = "UPDATE tasks SET lease_until = step.lease_until
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS step (seq, claim_no, lease_until)
         WHERE tasks.seq = step.seq AND tasks.seq = ANY($1) AND tasks.claim_no = step.claim_no AND tasks.state = 'in_progress'";
    let lease_until = each(steps_of(), |step| step.lease_until(now));
    all(session.execute(statement, &[&each(steps_of(), seq), &each(steps_of(), claim_no), &lease_until]).await?, steps)
}

async fn update(session: &Session, rules: &Rules, steps: &[&Step], now: Now) -> Result<(), Fault> {
    if steps.is_empty() {
        return Ok(());
    }
    let of = || steps.iter().copied();
    fn failure(step: &Step) -> Option<&Failure> {
        step.after().failure.as_ref()
    }
    let statement = "UPDATE tasks SET state = step.state, run = step.run, claim_no = step.claim_no, attempts = step.attempts,
             refunds = step.refunds, started_at = step.started_at, ended_at = step.ended_at, results = step.results, probe = step.probe,
             failure_code = step.failure_code, failure_detail = step.failure_detail, lease_until = step.lease_until,
             not_before = step.not_before, expires_at = step.expires_at, node = coalesce(step.node, tasks.node)
         FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
             $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::bigint[], $17::bigint[], $18::text[])
             AS step (seq, state_before, claim_no_before, state, run, claim_no, attempts, refunds, started_at, ended_at, results, probe,
                 failure_code, failure_detail, lease_until, not_before, expires_at, node)
         WHERE tasks.seq = step.seq AND tasks.seq = ANY($1) AND tasks.state = step.state_before AND tasks.claim_no = step.claim_no_before";
    let probe = |step: &Step| {
        let probe = step.after().probe.as_ref();
        probe.map(|probe| text(&serde_json::to_string(probe).expect("texts and numbers can be written as JSON")))
    };
    let changed = session
        .execute(
            statement,
            &[
                &each(of(), seq),
                &each(of(), |step| step.before.state.as_str()),
                &each(of(), claim_no),
                &each(of(), |step| step.after().state.as_str()),
                &each(of(), |step| i64::from(step.after().run)),
                &each(of(), |step| int(step.after().claim_no.0)),
                &each(of(), |step| i64::from(step.after().attempts)),
                &each(of(), |step| i64::from(step.after().refunds)),
                &each(of(), |step| millis(step.after().started_at)),
                &each(of(), |step| millis(step.after().ended_at)),
                &each(of(), |step| stored(&step.after().results)),
                &each(of(), probe),
                &each(of(), |step| failure(step).map(|failure| failure.code.code())),
                &each(of(), |step| failure(step).map(|failure| text(&failure.detail))),
                &each(of(), |step| step.lease_until(now)),
                &each(of(), |step| step.not_before(now)),
                &each(of(), |step| millis(step.after().expires_at)),
                &each(of(), |step| step.worker.as_ref().map(|_| rules.node.as_str())),
            ],
        )
        .await?;
    all(changed, steps)
}

async fn remove(session: &Session, steps: &[&Step]) -> Result<(), Fault> {
    if steps.is_empty() {
        return Ok(());
    }
    let of = || steps.iter().copied();
    let statement = "DELETE FROM tasks USING unnest($1::bigint[], $2::text[], $3::bigint[]) AS step (seq, state, claim_no)
         WHERE tasks.seq = step.seq AND tasks.seq = ANY($1) AND tasks.state = step.state AND tasks.claim_no = step.claim_no";
    let state = each(of(), |step| step.before.state.as_str());
    all(session.execute(statement, &[&each(of(), seq), &state, &each(of(), claim_no)]).await?, steps)
}

/// What a task holds goes when it will not be needed any more: assets once it can run no more, its key once nobody sees it.
async fn let_go(session: &Session, steps: &[Step]) -> Result<(), Fault> {
    let became = |states: &[TaskState]| {
        let became = |step: &&Step| step.before.state != step.after().state && states.contains(&step.after().state);
        each(steps.iter().filter(became), seq)
    };
    let (run_no_more, unseen) = (became(&[TaskState::Finished, TaskState::Deleting]), became(&[TaskState::Deleting]));
    if !run_no_more.is_empty() {
        session.execute("DELETE FROM task_assets WHERE seq = ANY($1)", &[&run_no_more]).await?;
    }
    if !unseen.is_empty() {
        session.execute("DELETE FROM idempotency_keys WHERE seq = ANY($1)", &[&unseen]).await?;
    }
    Ok(())
}
