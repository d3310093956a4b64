//! Claims: the tasks whose turn it is, handed to the workers that wait.

use std::time::{Duration, Instant};

use futures::try_join;

use crate::domain::task::Task;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::low_water::{Place, Reached, Start};
use crate::stores::postgres::rows::{Now, SET_ASIDE, TASK, int, task};
use crate::stores::postgres::session::{Session, column};
use crate::stores::postgres::writes::{self, Step};
use crate::stores::postgres::{Rules, turns};
use crate::stores::tasks::{ClaimRequest, ClaimedTask};

/// Tasks that wait and were in nobody's hands yet, in this run. An index has them in the order of their turns.
pub(super) const FRESH: &str = "state = 'not_started' AND not_before IS NULL AND attempts = 0 AND refunds = 0";

/// Those that came back. They had their turn already, so all of them go before the others; they have an index of their own.
pub(super) const RETURNED: &str = "state = 'not_started' AND not_before IS NULL AND (attempts > 0 OR refunds > 0)";

/// What a claim brought.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) tasks: Vec<ClaimedTask>,
    pub(super) reached: Reached,
}

/// A waiting task, locked, with its rank.
struct Next {
    task: Task,
    rank: i64,
}

impl Next {
    /// Where it waited, if that was among those that nobody had before.
    fn fresh_place(&self) -> Option<Place> {
        (self.task.attempts == 0 && self.task.refunds == 0).then(|| (self.rank, int(self.task.seq)))
    }
}

pub(super) async fn claim(
    session: &Session,
    rules: &Rules,
    ClaimRequest { workers, lease }: ClaimRequest,
    start: Start,
) -> Result<Claimed, Fault> {
    let nothing = Reached { tasks: None, backoffs: start.backoffs, took: Duration::ZERO };
    if workers.is_empty() {
        return Ok(Claimed { tasks: Vec::new(), reached: nothing });
    }
    let began = Instant::now();
    let (now, ended, next) =
        try_join!(Now::read(session), end_backoffs(session, start), next_runnable(session, rules, workers.len(), start))?;
    let reached = Reached {
        tasks: next.iter().filter_map(Next::fresh_place).max(),
        backoffs: if ended < BACKOFFS { now.moment() } else { start.backoffs },
        took: began.elapsed(),
    };
    let ranks: Vec<i64> = next.iter().map(|next| next.rank).collect();
    let mut steps = Vec::with_capacity(next.len());
    for (Next { task, .. }, worker) in next.into_iter().zip(workers) {
        match task.claim(lease, now.wall) {
            Ok(transition) => steps.push(Step { before: task, transition, worker: Some(worker) }),
            // What the statement saw was changed before its row was locked.
            Err(rejected) => return Err(Fault::Conflict(format!("task {}: {rejected}", task.id))),
        }
    }
    try_join!(writes::store(session, rules, &steps, now), turns::move_on(session, rules, &ranks))?;
    let tasks = steps.into_iter().map(|Step { transition, worker, .. }| {
        let claim = transition.task.current_claim();
        ClaimedTask { worker: worker.unwrap_or_default(), task: transition.task, claim }
    });
    Ok(Claimed { tasks: tasks.collect(), reached })
}

/// Backoffs that end at once: enough for any pause, few enough for any transaction.
const BACKOFFS: u64 = 1000;

/// Tasks whose backoff is over wait like any other. Those that another node is about are left to it. Returns how many there were.
async fn end_backoffs(session: &Session, start: Start) -> Result<u64, Fault> {
    let statement = "UPDATE tasks SET not_before = NULL WHERE seq IN (
             SELECT seq FROM tasks WHERE not_before >= $1 AND not_before <= moment() ORDER BY not_before LIMIT $2 FOR UPDATE SKIP LOCKED
         )";
    session.execute(statement, &[&start.backoffs, &int(BACKOFFS)]).await
}

/// The tasks that the next free workers get. A row that cannot be read is set aside: it must not hold up those behind it.
async fn next_runnable(session: &Session, rules: &Rules, wanted: usize, start: Start) -> Result<Vec<Next>, Fault> {
    // The second half is read, and its rows are locked, only as far as the first one leaves workers over.
    let statement = format!(
        "SELECT * FROM (
             SELECT * FROM (SELECT {TASK} FROM tasks WHERE {RETURNED} ORDER BY rank, seq LIMIT $1 FOR UPDATE SKIP LOCKED) AS returned
             UNION ALL
             SELECT * FROM (SELECT {TASK} FROM tasks WHERE {FRESH} AND (rank, seq) >= ($2, $3)
                 ORDER BY rank, seq LIMIT $1 FOR UPDATE SKIP LOCKED) AS fresh
         ) AS next LIMIT $1"
    );
    let (rank, seq) = start.tasks;
    loop {
        let rows = session.query(&statement, &[&int(wanted as u64), &rank, &seq]).await?;
        let read: Vec<_> =
            rows.iter().map(|row| Ok((column(row, "seq")?, column(row, "rank")?, task(row)))).collect::<Result<_, Fault>>()?;
        let broken: Vec<i64> = read.iter().filter(|(seq, _, task)| is_unreadable(*seq, task)).map(|(seq, ..)| *seq).collect();
        if broken.is_empty() {
            let next = read.into_iter().filter_map(|(_, rank, task)| Some(Next { task: task.ok()?, rank }));
            let mut next: Vec<Next> = next.collect();
            next.sort_by_key(|next| (next.rank, next.task.seq));
            return Ok(next);
        }
        let set_aside = "UPDATE tasks SET not_before = $1, node = $2 WHERE seq = ANY($3)";
        session.execute(set_aside, &[&SET_ASIDE, &rules.node, &broken]).await?;
    }
}

fn is_unreadable(seq: i64, task: &Result<Task, Fault>) -> bool {
    let told = |fault| log::error!(seq, fault:%; "a waiting task cannot be read and is set aside until the next start");
    task.as_ref().inspect_err(|fault| told(*fault)).is_err()
}
