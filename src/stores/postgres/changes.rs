//! Changes of different tasks, made in one transaction: loaded and locked at once, decided one by one by the state machine, written at once.

use std::collections::{HashMap, HashSet};

use futures::try_join;

use crate::domain::ids::TaskId;
use crate::domain::task::{Change, NewTask, Rejected, Task, Timer, Transition};
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{Now, int};
use crate::stores::postgres::session::Session;
use crate::stores::postgres::writes::{self, Step};
use crate::stores::postgres::{Rules, insertion, turns};
use crate::stores::tasks::TaskStoreError;

/// What became of a change.
pub(super) type Verdict = Result<Task, TaskStoreError>;

/// Makes those changes that nothing speaks against; the verdicts are in the order of `changes`. They name different tasks, but for those that
/// only say that a claim is worked on: such a one may stand before or behind another of its task.
pub(super) async fn apply(session: &Session, rules: &Rules, changes: &[&Change]) -> Result<Vec<Verdict>, Fault> {
    let ids: Vec<TaskId> = changes.iter().map(|change| change.task()).collect();
    let (now, locked) = try_join!(Now::read(session), writes::lock(session, &ids))?;
    let mut there: HashMap<TaskId, Result<Task, Fault>> = locked.into_iter().collect();
    let inserted = insertion::insert(session, rules, &new_tasks(changes), &there.keys().copied().collect::<HashSet<_>>(), now).await?;
    let mut inserted = inserted.into_iter();
    let (mut verdicts, mut steps) = (Vec::with_capacity(changes.len()), Vec::new());
    for change in changes {
        let verdict = match (change, there.get_mut(&change.task())) {
            (Change::Insert(_), _) => inserted.next().ok_or_else(|| Fault::Corrupt("an insertion without a verdict".into()))?,
            (_, None) => Err(Rejected::NotFound.into()),
            (_, Some(Err(fault))) => Err(fault.clone().into()),
            (change, Some(Ok(task))) => match decide(task, change, rules, now) {
                Err(rejected) => Err(rejected.into()),
                Ok(transition) => {
                    let before = std::mem::replace(task, transition.task.clone());
                    steps.push(Step { before, transition, worker: None });
                    Ok(task.clone())
                }
            },
        };
        verdicts.push(verdict);
    }
    writes::store(session, rules, &steps, now).await?;
    let begin_anew: Vec<&Task> =
        steps.iter().filter(|step| step.transition.task.run > step.before.run).map(|step| &step.transition.task).collect();
    send_to_the_end(session, rules, &begin_anew).await?;
    Ok(verdicts)
}

fn new_tasks<'a>(changes: &[&'a Change]) -> Vec<&'a NewTask> {
    let new = changes.iter().filter_map(|change| match change {
        Change::Insert(new) => Some(new),
        _ => None,
    });
    new.collect()
}

/// Asks the state machine, and sets the calendar of retention.
pub(super) fn decide(task: &Task, change: &Change, rules: &Rules, now: Now) -> Result<Transition, Rejected> {
    let mut transition = task.apply(change, &rules.policy, now.wall)?;
    if let Timer::Retention(time) = transition.timer {
        transition.task.expires_at = Some(now.steady().after(time));
    }
    Ok(transition)
}

/// Tasks that are run again go to the end of their lines.
async fn send_to_the_end(session: &Session, rules: &Rules, tasks: &[&Task]) -> Result<(), Fault> {
    if tasks.is_empty() {
        return Ok(());
    }
    let ranks = turns::line_up(session, rules, tasks).await?;
    let seqs: Vec<i64> = tasks.iter().map(|task| int(task.seq)).collect();
    let statement = "UPDATE tasks SET rank = line.rank FROM unnest($1::bigint[], $2::bigint[]) AS line (seq, rank)
             WHERE tasks.seq = line.seq AND tasks.seq = ANY($1)";
    session.execute(statement, &[&seqs, &ranks]).await.map(drop)
}
