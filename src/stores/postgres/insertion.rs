//! New tasks, all of a transaction at once.

use std::collections::{HashMap, HashSet};

use futures::try_join;

use crate::domain::ids::TaskId;
use crate::domain::task::{Metadata, NewTask, Rejected, Task};
use crate::stores::hints::Hint;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::idempotency::{self, Keyed};
use crate::stores::postgres::order::{Numbers, announce};
use crate::stores::postgres::rows::{Now, int, number, task_id, text};
use crate::stores::postgres::session::Session;
use crate::stores::postgres::writes::stored;
use crate::stores::postgres::{Rules, assets, events, tallies, turns, webhooks};
use crate::stores::tasks::TaskStoreError;

/// What became of a new task.
type Verdict = Result<Task, TaskStoreError>;

/// Inserts those of the new tasks that nothing speaks against; `there` are the ids that tasks have. The verdicts are in the order of `new`.
pub(super) async fn insert(
    session: &Session,
    rules: &Rules,
    new: &[&NewTask],
    there: &HashSet<TaskId>,
    now: Now,
) -> Result<Vec<Verdict>, Fault> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let (taken, webhooks, pins) = try_join!(idempotency::taken(session, new), webhooks::known(session, new), assets::pins(session, new))?;
    let verdicts: Vec<Verdict> = new
        .iter()
        .map(|new| {
            if let Some(refusal) = taken.refusal(new) {
                return Err(refusal.into());
            }
            if let Some(webhook) = webhooks.missing(new) {
                return Err(TaskStoreError::NoSuchWebhook(webhook));
            }
            let variants = pins.pinned(new.variants.clone()).map_err(TaskStoreError::NoSuchAsset)?;
            if there.contains(&new.id) {
                return Err(Rejected::Duplicate.into());
            }
            Ok(Task::create(NewTask { variants, ..(*new).clone() }, 0, now.wall))
        })
        .collect();
    let accepted: Vec<&Task> = verdicts.iter().flatten().collect();
    let seqs = write(session, rules, &accepted).await?;
    let verdicts = number_them(verdicts, &seqs)?;
    follow_up(session, rules, new, &verdicts, now).await?;
    Ok(verdicts)
}

fn number_them(verdicts: Vec<Verdict>, seqs: &HashMap<TaskId, u64>) -> Result<Vec<Verdict>, Fault> {
    let numbered = |task: Task| match seqs.get(&task.id) {
        Some(seq) => Ok(Task { seq: *seq, ..task }),
        None => Err(Fault::Corrupt(format!("task {} was inserted without a number", task.id))),
    };
    verdicts.into_iter().map(|verdict| verdict.map_or_else(|error| Ok(Err(error)), |task| numbered(task).map(Ok))).collect()
}

/// What comes with a new task.
async fn follow_up(session: &Session, rules: &Rules, new: &[&NewTask], verdicts: &[Verdict], now: Now) -> Result<(), Fault> {
    let inserted: Vec<(&NewTask, &Task)> =
        new.iter().zip(verdicts).filter_map(|(new, verdict)| Some((*new, verdict.as_ref().ok()?))).collect();
    let keyed: Vec<_> = inserted.iter().map(|(new, task)| Keyed { new, seq: int(task.seq) }).collect();
    let tasks: Vec<Task> = inserted.iter().map(|(_, task)| (*task).clone()).collect();
    let news: Vec<_> = tasks.iter().map(|task| (None, task)).collect();
    try_join!(
        assets::hold(session, &tasks),
        idempotency::keep(session, &keyed),
        events::record(session, &news, now),
        tallies::add_new(session, rules, &tasks),
    )?;
    Ok(())
}

/// Writes the rows; returns the number of each.
async fn write(session: &Session, rules: &Rules, tasks: &[&Task]) -> Result<HashMap<TaskId, u64>, Fault> {
    if tasks.is_empty() {
        return Ok(HashMap::new());
    }
    session.hint(Hint::RUNNABLE);
    let ranks = turns::line_up(session, rules, tasks).await?;
    announce(session, Numbers::Tasks).await?;
    fn each<'a, T>(tasks: &[&'a Task], of: impl Fn(&'a Task) -> T) -> Vec<T> {
        tasks.iter().map(|task| of(task)).collect()
    }
    // Numbers are given out after the sort.
    let statement = "INSERT INTO tasks (id, state, run, variants, input_format, original_len, original_sha256, claim_no, attempts, refunds,
             created_at, results, caller, priority, rank, metadata, expires_in, webhook)
         SELECT id, state, run, variants, input_format, original_len, original_sha256, claim_no, attempts, refunds, created_at, results, caller,
             priority, rank, metadata, expires_in, webhook
         FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bytea[], $8::bigint[], $9::bigint[],
             $10::bigint[], $11::bigint[], $12::text[], $13::bytea[], $14::text[], $15::bigint[], $16::text[], $17::bigint[], $18::uuid[])
             WITH ORDINALITY AS new (id, state, run, variants, input_format, original_len, original_sha256, claim_no, attempts, refunds,
                 created_at, results, caller, priority, rank, metadata, expires_in, webhook, place)
         ORDER BY place RETURNING id, seq";
    let kept_for = |task: &Task| task.retention.time().map(|time| int(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)));
    let rows = session
        .query(
            statement,
            &[
                &each(tasks, |task| *task.id.as_uuid()),
                &each(tasks, |task| task.state.as_str()),
                &each(tasks, |task| i64::from(task.run)),
                &each(tasks, |task| task.variants.to_string()),
                &each(tasks, |task| task.input_format.name()),
                &each(tasks, |task| int(task.original.len)),
                &each(tasks, |task| task.original.sha256.0.as_slice()),
                &each(tasks, |task| int(task.claim_no.0)),
                &each(tasks, |task| i64::from(task.attempts)),
                &each(tasks, |task| i64::from(task.refunds)),
                &each(tasks, |task| int(task.created_at.0)),
                &each(tasks, |task| stored(&task.results)),
                &each(tasks, |task| task.caller.map(|key| key.0.to_vec())),
                &each(tasks, |task| task.priority.as_str()),
                &ranks,
                &each(tasks, |task| task.metadata.as_ref().map(Metadata::to_string).as_deref().map(text)),
                &each(tasks, kept_for),
                &each(tasks, |task| task.webhook.map(|id| *id.as_uuid())),
            ],
        )
        .await?;
    rows.iter().map(|row| Ok((task_id(row, "id")?, number(row, "seq")?))).collect()
}
