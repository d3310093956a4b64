//! Rows of tasks and attempts as checked domain values. What is written lies in [`writes`](super::writes).

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::access::KeyId;
use crate::domain::blob::{BlobMeta, Sha256};
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{ClaimNo, TaskId};
use crate::domain::task::{Attempt, AttemptEnd, Claim, Ended, Failure, Retention, Task};
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::WebhookId;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::session::{Session, column};

/// The columns that make a task; all by name, so that a later version of the schema may have more.
pub(super) const TASK: &str = "tasks.seq, tasks.id, tasks.state, tasks.run, tasks.variants, tasks.input_format, tasks.original_len, \
    tasks.original_sha256, tasks.caller, tasks.priority, tasks.rank, tasks.metadata, tasks.expires_in, tasks.webhook, tasks.claim_no, \
    tasks.attempts, tasks.refunds, tasks.created_at, tasks.started_at, tasks.ended_at, tasks.expires_at, tasks.results, tasks.probe, \
    tasks.failure_code, tasks.failure_detail";

/// The columns that make an attempt.
pub(super) const ATTEMPT: &str = "claim_no, run, worker, started_at, ended_at, outcome, reason_code, reason_detail, refunded, peak_memory";

/// The `not_before` of a row that cannot be read: no claim meets it again before its node is opened anew.
pub(super) const SET_ASIDE: i64 = i64::MAX;

/// The database's clocks at the beginning of a transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// The clock of leases, backoffs and retention, in microseconds.
    moment: i64,
    /// What people read.
    pub(super) wall: Timestamp,
}

impl Now {
    pub(super) async fn read(session: &Session) -> Result<Self, Fault> {
        let row = session.query_one("SELECT moment() AS moment, (extract(epoch FROM now()) * 1000)::bigint AS wall", &[]).await?;
        Ok(Self { moment: column(&row, "moment")?, wall: Timestamp(number(&row, "wall")?) })
    }

    /// The clock of leases and backoffs, as they are stored.
    pub(super) fn moment(self) -> i64 {
        self.moment
    }

    /// The moment `after` from now as leases and backoffs are stored. The greatest number is kept for [`SET_ASIDE`].
    pub(super) fn deadline(self, after: Duration) -> i64 {
        self.moment.saturating_add(i64::try_from(after.as_micros()).unwrap_or(SET_ASIDE)).min(SET_ASIDE - 1)
    }

    /// The moment as retention and deliveries are stored.
    pub(super) fn steady(self) -> Timestamp {
        Timestamp(self.moment.unsigned_abs() / 1000)
    }
}

/// An unsigned number as the database holds it. Lengths and counters do not come near the limit.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A time in microseconds, as those of `moment()` are added up.
pub(super) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// A text as the database takes it: any but one with a NUL.
pub(super) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A column that holds an unsigned number.
pub(super) fn number<T: TryFrom<i64>>(row: &Row, name: &str) -> Result<T, Fault> {
    let value: i64 = column(row, name)?;
    T::try_from(value).map_err(|_| Fault::Corrupt(format!("{name} is out of its range: {value}")))
}

/// A column that may hold one.
pub(super) fn optional<T: TryFrom<i64>>(row: &Row, name: &str) -> Result<Option<T>, Fault> {
    column::<Option<i64>>(row, name)?.map(|_| number(row, name)).transpose()
}

/// A column that may hold a moment that people read.
pub(super) fn moment(row: &Row, name: &str) -> Result<Option<Timestamp>, Fault> {
    Ok(optional(row, name)?.map(Timestamp))
}

/// A column that holds so many bytes.
pub(super) fn bytes<const N: usize>(row: &Row, name: &str) -> Result<[u8; N], Fault> {
    let bytes: &[u8] = column(row, name)?;
    bytes.try_into().map_err(|_| Fault::Corrupt(format!("{name} has {} bytes instead of {N}", bytes.len())))
}

/// A column that may hold them.
pub(super) fn optional_bytes<const N: usize>(row: &Row, name: &str) -> Result<Option<[u8; N]>, Fault> {
    column::<Option<&[u8]>>(row, name)?.map(|_| bytes(row, name)).transpose()
}

/// A column that holds the printed form of a domain type.
pub(super) fn parsed<T: FromStr<Err: Display>>(row: &Row, name: &str) -> Result<T, Fault> {
    let text: &str = column(row, name)?;
    text.parse().map_err(|error| Fault::Corrupt(format!("{name} {text:?}: {error}")))
}

/// A column that holds JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row, name: &str) -> Result<T, Fault> {
    let text: &str = column(row, name)?;
    serde_json::from_str(text).map_err(|error| Fault::Corrupt(format!("{name} {text:?}: {error}")))
}

fn optional_json<T: DeserializeOwned>(row: &Row, name: &str) -> Result<Option<T>, Fault> {
    column::<Option<&str>>(row, name)?.map(|_| json(row, name)).transpose()
}

pub(super) fn task_id(row: &Row, name: &str) -> Result<TaskId, Fault> {
    Ok(TaskId::from(column::<Uuid>(row, name)?))
}

pub(super) fn caller(row: &Row) -> Result<Option<KeyId>, Fault> {
    Ok(optional_bytes(row, "caller")?.map(KeyId))
}

/// Reads a row with the columns [`TASK`].
pub(super) fn task(row: &Row) -> Result<Task, Fault> {
    let id = task_id(row, "id")?;
    read_task(row, id).map_err(|fault| match fault {
        Fault::Corrupt(text) => Fault::Corrupt(format!("task {id}: {text}")),
        other => other,
    })
}

fn read_task(row: &Row, id: TaskId) -> Result<Task, Fault> {
    Ok(Task {
        id,
        seq: number(row, "seq")?,
        state: parsed(row, "state")?,
        run: number(row, "run")?,
        variants: parsed(row, "variants")?,
        original: BlobMeta { len: number(row, "original_len")?, sha256: Sha256(bytes(row, "original_sha256")?) },
        input_format: parsed(row, "input_format")?,
        caller: caller(row)?,
        priority: parsed(row, "priority")?,
        metadata: optional_json(row, "metadata")?,
        retention: optional(row, "expires_in")?.map_or(Retention::Forever, |millis| Retention::For(Duration::from_millis(millis))),
        webhook: column::<Option<Uuid>>(row, "webhook")?.map(WebhookId::from),
        claim_no: ClaimNo(number(row, "claim_no")?),
        attempts: number(row, "attempts")?,
        refunds: number(row, "refunds")?,
        created_at: Timestamp(number(row, "created_at")?),
        started_at: moment(row, "started_at")?,
        ended_at: moment(row, "ended_at")?,
        expires_at: moment(row, "expires_at")?,
        results: json(row, "results")?,
        probe: optional_json(row, "probe")?,
        failure: failure(row, "failure_code", "failure_detail")?,
    })
}

fn failure(row: &Row, code: &str, detail: &str) -> Result<Option<Failure>, Fault> {
    if column::<Option<&str>>(row, code)?.is_none() {
        return Ok(None);
    }
    Ok(Some(Failure { code: parsed::<ErrorCode>(row, code)?, detail: column(row, detail)? }))
}

/// Reads a row of `SELECT id, claim_no FROM tasks`.
pub(super) fn claim(row: &Row) -> Result<Claim, Fault> {
    Ok(Claim { task: task_id(row, "id")?, claim_no: ClaimNo(number(row, "claim_no")?) })
}

/// Reads a row with the columns [`ATTEMPT`].
pub(super) fn attempt(row: &Row) -> Result<Attempt, Fault> {
    let ended = match moment(row, "ended_at")? {
        None => None,
        Some(at) => Some(Ended { at, end: attempt_end(row)? }),
    };
    Ok(Attempt {
        run: number(row, "run")?,
        claim_no: ClaimNo(number(row, "claim_no")?),
        worker: column(row, "worker")?,
        started_at: Timestamp(number(row, "started_at")?),
        peak_memory: optional(row, "peak_memory")?,
        ended,
    })
}

fn attempt_end(row: &Row) -> Result<AttemptEnd, Fault> {
    let outcome: &str = column(row, "outcome")?;
    let reason = failure(row, "reason_code", "reason_detail")?;
    match (outcome, reason) {
        ("finished", None) => Ok(AttemptEnd::Finished),
        ("cancelled", None) => Ok(AttemptEnd::Cancelled),
        ("failed", Some(reason)) => Ok(AttemptEnd::Failed(reason)),
        ("released", Some(reason)) => Ok(AttemptEnd::Released { reason, refunded: column(row, "refunded")? }),
        _ => Err(Fault::Corrupt(format!("attempt ended {outcome:?} with a reason that does not fit"))),
    }
}
