//! Questions about tasks; they run on the reading threads and see the last commit.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, ToSql};
use uuid::Uuid;

use crate::domain::access::KeyId;
use crate::domain::ids::{ClaimNo, TaskId};
use crate::domain::task::{Claim, Task, TaskState};
use crate::stores::sqlite::columns::uint;
use crate::stores::sqlite::fault::Fault;
use crate::stores::sqlite::rows::{self, Now, SET_ASIDE, attempt_columns, micros, task_columns};
use crate::stores::tasks::{Backlog, CallerUsage, Cursor, TaskPage, TaskQuery, TaskView, Usage};

/// By one statement, so that both are of one moment, although a claim may be committed in between.
pub(super) fn view(connection: &Connection, id: TaskId) -> Result<Option<TaskView>, Fault> {
    let mut statement = connection.prepare_cached(concat!(
        "SELECT ",
        task_columns!(),
        ", ",
        attempt_columns!(),
        " FROM tasks LEFT JOIN attempts ON attempts.seq = tasks.seq WHERE tasks.id = ?1 ORDER BY attempts.claim_no"
    ))?;
    let mut rows = statement.query([id.as_uuid().as_bytes()])?;
    let Some(first) = rows.next()? else { return Ok(None) };
    let (task, mut attempts) = (rows::task(first)?, Vec::from_iter(rows::attempt(first)?));
    while let Some(row) = rows.next()? {
        attempts.extend(rows::attempt(row)?);
    }
    Ok(Some(TaskView { task, attempts }))
}

pub(super) fn page(connection: &Connection, query: TaskQuery) -> Result<TaskPage, Fault> {
    let limit = query.limit.clamp(1, TaskQuery::MAX_LIMIT);
    let after = rows::int(query.after.map_or(0, |Cursor(seq)| seq));
    let since = query.since.map(|since| rows::int(since.0));
    let Some(after) = start(connection, after, since)? else { return Ok(TaskPage { tasks: Vec::new(), next: None }) };
    let (caller, state) = (query.caller.map(|key| key.0), query.state.map(TaskState::as_str));
    // One row more than asked for tells whether there is a next page.
    let wanted = rows::int(limit as u64 + 1);
    let mut conditions = "seq > :after".to_owned();
    let mut parameters: Vec<(&str, &dyn ToSql)> = vec![(":after", &after), (":wanted", &wanted)];
    // Each combination has an index that ends in `seq`, so that no page reads over the tasks of others.
    if caller.is_some() {
        conditions.push_str(" AND caller = :caller");
        parameters.push((":caller", &caller));
    }
    if state.is_some() {
        conditions.push_str(" AND state = :state");
        parameters.push((":state", &state));
    }
    if since.is_some() {
        // Not by its index: what begins at the right place has few others, those of a wall clock that was put back.
        conditions.push_str(" AND +created_at >= :since");
        parameters.push((":since", &since));
    }
    let mut statement = connection.prepare_cached(&format!(
        concat!("SELECT ", task_columns!(), " FROM tasks WHERE {conditions} ORDER BY seq LIMIT :wanted"),
        conditions = conditions
    ))?;
    let rows = statement.query_map(parameters.as_slice(), place_and_task)?.collect::<Result<Vec<_>, _>>()?;
    let next = (rows.len() > limit).then(|| Cursor(rows[limit - 1].0));
    let tasks = rows.into_iter().take(limit).filter_map(|(seq, task)| readable(seq, task)).collect();
    Ok(TaskPage { tasks, next })
}

/// The place behind which a page begins: behind `after`, and where time had come to `since`. `None` if it has not yet.
fn start(connection: &Connection, after: i64, since: Option<i64>) -> Result<Option<i64>, Fault> {
    let Some(since) = since else { return Ok(Some(after)) };
    let mut first = connection.prepare_cached("SELECT seq FROM tasks WHERE created_at >= ?1 ORDER BY created_at, seq LIMIT 1")?;
    let first: Option<i64> = first.query_row([since], |row| row.get(0)).optional()?;
    Ok(first.map(|first| after.max(first - 1)))
}

fn place_and_task(row: &Row<'_>) -> rusqlite::Result<(u64, Result<Task, Fault>)> {
    let seq: i64 = row.get("seq")?;
    Ok((seq.unsigned_abs(), rows::task(row)))
}

/// One row that cannot be read must not hide the others.
fn readable(seq: u64, task: Result<Task, Fault>) -> Option<Task> {
    task.inspect_err(|fault| log::error!(seq, fault:%; "a task cannot be read and is left out of a list")).ok()
}

pub(super) fn expired(connection: &Connection, limit: usize, now: Now) -> Result<Vec<Claim>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT id, claim_no FROM tasks WHERE lease_until <= ?1 ORDER BY lease_until LIMIT ?2")?;
    let claims = statement.query_map((micros(now.engine), rows::int(limit as u64)), |row| Ok(claim(row)))?;
    claims.map(|claim| claim?).collect()
}

/// The tasks whose retention is over, those that are overdue longest first.
pub(super) fn past_retention(connection: &Connection, limit: usize, now: Now) -> Result<Vec<TaskId>, Fault> {
    let mut statement = connection.prepare_cached("SELECT id FROM tasks WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2")?;
    let ids = statement.query_map((rows::int(now.steady.0), rows::int(limit as u64)), |row| row.get("id"))?;
    ids.map(|id| Ok(TaskId::from(Uuid::from_bytes(id?)))).collect()
}

/// The latest claims of the tasks in a state.
pub(super) fn claims(connection: &Connection, state: TaskState) -> Result<Vec<Claim>, Fault> {
    let mut statement = connection.prepare_cached("SELECT id, claim_no FROM tasks WHERE state = ?1 ORDER BY seq")?;
    let claims = statement.query_map([state.as_str()], |row| Ok(claim(row)))?;
    claims.map(|claim| claim?).collect()
}

fn claim(row: &Row<'_>) -> Result<Claim, Fault> {
    Ok(Claim { task: TaskId::from(Uuid::from_bytes(row.get("id")?)), claim_no: ClaimNo(uint(row, "claim_no")?) })
}

pub(super) fn backlog(connection: &Connection) -> Result<Backlog, Fault> {
    let mut statement = connection.prepare_cached("SELECT tasks, bytes FROM backlog")?;
    statement.query_row([], |row| Ok(uint(row, "tasks").and_then(|tasks| Ok(Backlog { tasks, bytes: uint(row, "bytes")? }))))?
}

pub(super) fn usage(connection: &Connection) -> Result<Vec<CallerUsage>, Fault> {
    let mut statement = connection.prepare_cached("SELECT caller, tasks, bytes, stored FROM usage WHERE tasks > 0 OR stored > 0")?;
    let usages = statement.query_map([], |row| Ok(caller_usage(row)))?;
    usages.map(|usage| usage?).collect()
}

fn caller_usage(row: &Row<'_>) -> Result<CallerUsage, Fault> {
    let usage = Usage { tasks: uint(row, "tasks")?, bytes: uint(row, "bytes")?, stored: uint(row, "stored")? };
    Ok(CallerUsage { caller: KeyId(row.get("caller")?), usage })
}

pub(super) fn next_runnable(connection: &Connection, now: Now) -> Result<Option<Duration>, Fault> {
    let runnable = connection
        .prepare_cached("SELECT 1 FROM tasks INDEXED BY tasks_runnable WHERE state = 'not_started' AND not_before IS NULL LIMIT 1")?
        .exists([])?;
    if runnable {
        return Ok(Some(Duration::ZERO));
    }
    let earliest: Option<i64> = connection
        .prepare_cached("SELECT not_before FROM tasks WHERE not_before < ?1 ORDER BY not_before LIMIT 1")?
        .query_row([SET_ASIDE], |row| row.get(0))
        .optional()?;
    Ok(earliest.map(|moment| Duration::from_micros(moment.unsigned_abs()).saturating_sub(now.engine)))
}
