//! Tasks and attempts as rows: reading them back as checked domain values, and writing them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use uuid::Uuid;

use crate::domain::access::KeyId;
use crate::domain::blob::{BlobMeta, Sha256};
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{ClaimNo, TaskId};
use crate::domain::pipeline::Variants;
use crate::domain::task::{Attempt, AttemptEnd, Ended, Failure, Metadata, Results, Retention, Task, Timer, Transition};
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::WebhookId;
use crate::stores::sqlite::columns::{is_null, json, moment, optional_json, parsed, place, required, text, uint};
use crate::stores::sqlite::events;
use crate::stores::sqlite::fault::Fault;

/// Both clocks at the moment of a write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// The engine's clock: leases and backoffs.
    pub(super) engine: Duration,
    /// The wall clock: what people read.
    pub(super) wall: Timestamp,
    /// The wall clock as it was at the opening, and the engine's since: a jump of the wall clock ends no retention.
    pub(super) steady: Timestamp,
}

impl Now {
    /// The engine's moment `after` from now, as it is stored.
    pub(super) fn deadline(self, after: Duration) -> i64 {
        micros(self.engine.saturating_add(after))
    }
}

/// A moment of the engine's clock as it is stored. The greatest number is kept for [`SET_ASIDE`].
pub(super) fn micros(moment: Duration) -> i64 {
    i64::try_from(moment.as_micros()).unwrap_or(SET_ASIDE).min(SET_ASIDE - 1)
}

/// The `not_before` of a row that cannot be read: no claim meets it again before the next opening.
pub(super) const SET_ASIDE: i64 = i64::MAX;

/// An unsigned number as SQLite holds it. Lengths and counters do not come near the limit.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The columns of a task, in the order in which [`task`] finds them.
macro_rules! task_columns {
    () => {
        "tasks.id, tasks.seq, tasks.state, tasks.run, tasks.variants, tasks.original_len, tasks.original_sha256, \
         tasks.input_format, tasks.caller, tasks.priority, tasks.metadata, tasks.expires_in, tasks.webhook, tasks.claim_no, \
         tasks.attempts, tasks.refunds, tasks.created_at, tasks.started_at, tasks.ended_at, tasks.expires_at, tasks.results, \
         tasks.probe, tasks.failure_code, tasks.failure_detail"
    };
}
pub(super) use task_columns;

/// The columns of an attempt, in the order in which [`attempt`] finds them.
macro_rules! attempt_columns {
    () => {
        "attempts.run, attempts.claim_no, attempts.worker, attempts.started_at, attempts.peak_memory, attempts.ended_at, \
         attempts.outcome, attempts.reason_code, attempts.reason_detail, attempts.refunded"
    };
}
pub(super) use attempt_columns;

/// The place of a column of a task.
macro_rules! of_task {
    ($name:literal) => {
        const { place(task_columns!(), concat!("tasks.", $name)) }
    };
}

/// The place of a column of an attempt, behind those of its task.
macro_rules! of_attempt {
    ($name:literal) => {
        const { place(concat!(task_columns!(), ", ", attempt_columns!()), concat!("attempts.", $name)) }
    };
}

/// Reads a row that begins with [`task_columns`].
pub(super) fn task(row: &Row<'_>) -> Result<Task, Fault> {
    debug_assert_eq!(row.as_ref().column_name(of_task!("failure_detail")), Ok("failure_detail"), "select task_columns!()");
    let id = TaskId::from(Uuid::from_bytes(required(row, of_task!("id"))?));
    let in_task = |fault| match fault {
        Fault::Corrupt(text) => Fault::Corrupt(format!("task {id}: {text}")),
        other => other,
    };
    read_task(row, id).map_err(in_task)
}

fn read_task(row: &Row<'_>, id: TaskId) -> Result<Task, Fault> {
    Ok(Task {
        id,
        seq: uint(row, of_task!("seq"))?,
        state: parsed(row, of_task!("state"))?,
        run: required(row, of_task!("run"))?,
        variants: variants(row)?,
        original: BlobMeta { len: uint(row, of_task!("original_len"))?, sha256: Sha256(required(row, of_task!("original_sha256"))?) },
        input_format: parsed(row, of_task!("input_format"))?,
        caller: required::<Option<_>>(row, of_task!("caller"))?.map(KeyId),
        priority: parsed(row, of_task!("priority"))?,
        metadata: optional_json(row, of_task!("metadata"))?,
        retention: retention(row)?,
        webhook: required::<Option<_>>(row, of_task!("webhook"))?.map(|id| WebhookId::from(Uuid::from_bytes(id))),
        claim_no: ClaimNo(uint(row, of_task!("claim_no"))?),
        attempts: required(row, of_task!("attempts"))?,
        refunds: required(row, of_task!("refunds"))?,
        created_at: Timestamp(uint(row, of_task!("created_at"))?),
        started_at: moment(row, of_task!("started_at"))?,
        ended_at: moment(row, of_task!("ended_at"))?,
        expires_at: moment(row, of_task!("expires_at"))?,
        results: json(row, of_task!("results"))?,
        probe: optional_json(row, of_task!("probe"))?,
        failure: failure(row, of_task!("failure_code"), of_task!("failure_detail"))?,
    })
}

/// Most tasks have one of a few pipelines, and reading one takes longer than finding the row: what a thread has read it keeps. The same text
/// always means the same.
fn variants(row: &Row<'_>) -> Result<Variants, Fault> {
    thread_local! {
        static READ: RefCell<HashMap<String, Variants>> = RefCell::default();
    }
    let text = text(row, of_task!("variants"))?;
    if let Some(known) = READ.with_borrow(|read| read.get(text).cloned()) {
        return Ok(known);
    }
    let variants: Variants = parsed(row, of_task!("variants"))?;
    READ.with_borrow_mut(|read| {
        if read.len() >= PIPELINES_KEPT {
            read.clear();
        }
        read.insert(text.to_owned(), variants.clone());
    });
    Ok(variants)
}

/// How many pipelines a thread keeps: some hundred bytes each, seldom more.
const PIPELINES_KEPT: usize = 256;

fn retention(row: &Row<'_>) -> Result<Retention, Fault> {
    let time = if is_null(row, of_task!("expires_in"))? { None } else { Some(Duration::from_millis(uint(row, of_task!("expires_in"))?)) };
    Ok(time.map_or(Retention::Forever, Retention::For))
}

/// The results as they are stored.
fn stored(results: &Results) -> String {
    serde_json::to_string(results).expect("names, numbers and digests can be written as JSON")
}

fn failure(row: &Row<'_>, code: usize, detail: usize) -> Result<Option<Failure>, Fault> {
    if is_null(row, code)? {
        return Ok(None);
    }
    Ok(Some(Failure { code: parsed::<ErrorCode>(row, code)?, detail: required(row, detail)? }))
}

/// Reads a row of [`task_columns`] and then [`attempt_columns`]; `None` where the task has no attempt.
pub(super) fn attempt(row: &Row<'_>) -> Result<Option<Attempt>, Fault> {
    if is_null(row, of_attempt!("claim_no"))? {
        return Ok(None);
    }
    let ended = match moment(row, of_attempt!("ended_at"))? {
        None => None,
        Some(at) => Some(Ended { at, end: attempt_end(row)? }),
    };
    Ok(Some(Attempt {
        run: required(row, of_attempt!("run"))?,
        claim_no: ClaimNo(uint(row, of_attempt!("claim_no"))?),
        worker: required(row, of_attempt!("worker"))?,
        started_at: Timestamp(uint(row, of_attempt!("started_at"))?),
        peak_memory: if is_null(row, of_attempt!("peak_memory"))? { None } else { Some(uint(row, of_attempt!("peak_memory"))?) },
        ended,
    }))
}

fn attempt_end(row: &Row<'_>) -> Result<AttemptEnd, Fault> {
    let outcome: String = required(row, of_attempt!("outcome"))?;
    let reason = failure(row, of_attempt!("reason_code"), of_attempt!("reason_detail"))?;
    match (outcome.as_str(), reason) {
        ("finished", None) => Ok(AttemptEnd::Finished),
        ("cancelled", None) => Ok(AttemptEnd::Cancelled),
        ("failed", Some(reason)) => Ok(AttemptEnd::Failed(reason)),
        ("released", Some(reason)) => Ok(AttemptEnd::Released { reason, refunded: required(row, of_attempt!("refunded"))? }),
        _ => Err(Fault::Corrupt(format!("attempt ended {outcome:?} with a reason that does not fit"))),
    }
}

/// The row of a task.
pub(super) fn find(connection: &Connection, id: TaskId) -> Result<Option<Task>, Fault> {
    let mut statement = connection.prepare_cached(concat!("SELECT ", task_columns!(), " FROM tasks WHERE id = ?1"))?;
    statement.query_row([id.as_uuid().as_bytes()], |row| Ok(task(row))).optional()?.transpose()
}

/// Writes a new task and gives it its place in the order; `None` if the id is taken.
pub(super) fn insert(connection: &Connection, task: Task) -> Result<Option<Task>, Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO tasks (id, state, run, variants, input_format, original_len, original_sha256, claim_no, attempts, refunds, created_at, results,
             caller, priority, metadata, expires_in, webhook)
         VALUES (:id, :state, :run, :variants, :input_format, :original_len, :original_sha256, :claim_no, :attempts, :refunds, :created_at, :results,
             :caller, :priority, :metadata, :expires_in, :webhook)
         ON CONFLICT (id) DO NOTHING",
    )?;
    let rows = statement.execute(named_params! {
        ":id": task.id.as_uuid().as_bytes(),
        ":state": task.state.as_str(),
        ":run": task.run,
        ":variants": task.variants.to_string(),
        ":input_format": task.input_format.name(),
        ":original_len": int(task.original.len),
        ":original_sha256": task.original.sha256.0,
        ":claim_no": int(task.claim_no.0),
        ":attempts": task.attempts,
        ":refunds": task.refunds,
        ":created_at": int(task.created_at.0),
        ":results": stored(&task.results),
        ":caller": task.caller.map(|key| key.0),
        ":priority": task.priority.as_str(),
        ":metadata": task.metadata.as_ref().map(Metadata::to_string),
        ":webhook": task.webhook.map(|id| *id.as_uuid().as_bytes()),
        ":expires_in": task.retention.time().map(|time| int(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))),
    })?;
    let seq = connection.last_insert_rowid().unsigned_abs();
    Ok((rows == 1).then_some(Task { seq, ..task }))
}

/// Writes what the state machine decided about the row that was loaded as `before`.
pub(super) fn store(connection: &Connection, before: &Task, transition: &Transition, now: Now) -> Result<(), Fault> {
    if let Some(peak) = transition.peak_memory {
        note_memory(connection, before, peak)?;
    }
    if let Some(end) = &transition.ended {
        end_attempt(connection, before, end, now)?;
    }
    let rows = if transition.gone { delete(connection, before)? } else { update(connection, before, transition, now)? };
    if rows != 1 {
        return Err(Fault::Unavailable(format!("task {} was changed by another program", before.id)));
    }
    events::record(connection, Some(before), &transition.task, now)
}

fn update(connection: &Connection, before: &Task, transition: &Transition, now: Now) -> Result<usize, Fault> {
    let after = &transition.task;
    let (lease_until, not_before) = match transition.timer {
        Timer::Lease(lease) => (Some(now.deadline(lease)), None),
        Timer::Backoff(backoff) if !backoff.is_zero() => (None, Some(now.deadline(backoff))),
        Timer::Backoff(_) | Timer::Retention(_) | Timer::Off => (None, None),
    };
    let failure = after.failure.as_ref();
    let mut statement = connection.prepare_cached(
        "UPDATE tasks SET state = :state, run = :run, claim_no = :claim_no, attempts = :attempts, refunds = :refunds,
             started_at = :started_at, ended_at = :ended_at, results = :results, probe = :probe, failure_code = :failure_code,
             failure_detail = :failure_detail, lease_until = :lease_until, not_before = :not_before,
             expires_at = :expires_at
         WHERE seq = :seq AND state = :state_before AND claim_no = :claim_no_before",
    )?;
    Ok(statement.execute(named_params! {
        ":state": after.state.as_str(),
        ":run": after.run,
        ":claim_no": int(after.claim_no.0),
        ":attempts": after.attempts,
        ":refunds": after.refunds,
        ":started_at": after.started_at.map(|at| int(at.0)),
        ":ended_at": after.ended_at.map(|at| int(at.0)),
        ":results": stored(&after.results),
        ":probe": after.probe.as_ref().map(|probe| serde_json::to_string(probe).expect("texts and numbers can be written as JSON")),
        ":failure_code": failure.map(|failure| failure.code.code()),
        ":failure_detail": failure.map(|failure| failure.detail.as_str()),
        ":lease_until": lease_until,
        ":expires_at": after.expires_at.map(|at| int(at.0)),
        ":not_before": not_before,
        ":seq": int(before.seq),
        ":state_before": before.state.as_str(),
        ":claim_no_before": int(before.claim_no.0),
    })?)
}

fn delete(connection: &Connection, before: &Task) -> Result<usize, Fault> {
    let mut statement = connection.prepare_cached("DELETE FROM tasks WHERE seq = ?1 AND state = ?2 AND claim_no = ?3")?;
    Ok(statement.execute((int(before.seq), before.state.as_str(), int(before.claim_no.0)))?)
}

/// Opens the attempt of a fresh claim in the history.
pub(super) fn begin_attempt(connection: &Connection, task: &Task, worker: &str, now: Now) -> Result<(), Fault> {
    let mut statement =
        connection.prepare_cached("INSERT INTO attempts (seq, claim_no, run, worker, started_at) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    statement.execute((int(task.seq), int(task.claim_no.0), task.run, worker, int(now.wall.0)))?;
    Ok(())
}

fn note_memory(connection: &Connection, before: &Task, peak: u64) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached("UPDATE attempts SET peak_memory = ?3 WHERE seq = ?1 AND claim_no = ?2")?;
    statement.execute((int(before.seq), int(before.claim_no.0), int(peak)))?;
    Ok(())
}

fn end_attempt(connection: &Connection, before: &Task, end: &AttemptEnd, now: Now) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "UPDATE attempts SET ended_at = ?3, outcome = ?4, reason_code = ?5, reason_detail = ?6, refunded = ?7
         WHERE seq = ?1 AND claim_no = ?2 AND ended_at IS NULL",
    )?;
    let reason = end.reason();
    let rows = statement.execute((
        int(before.seq),
        int(before.claim_no.0),
        int(now.wall.0),
        end.as_str(),
        reason.map(|reason| reason.code.code()),
        reason.map(|reason| reason.detail.as_str()),
        end.refunded(),
    ))?;
    if rows == 1 { Ok(()) } else { Err(Fault::Corrupt(format!("{} has no open attempt in the history", before.current_claim()))) }
}
