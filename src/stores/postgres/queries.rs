//! Questions about tasks; they see the last commit.

use std::time::Duration;

use futures::try_join;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::domain::ids::TaskId;
use crate::domain::task::{Claim, Task, TaskState};
use crate::stores::postgres::Rules;
use crate::stores::postgres::claims::{FRESH, RETURNED};
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::order::{Numbers, settled};
use crate::stores::postgres::rows::{ATTEMPT, SET_ASIDE, TASK, attempt, claim, int, number, task};
use crate::stores::postgres::session::{Session, Values, column};
use crate::stores::tasks::{Cursor, TaskPage, TaskQuery, TaskView};

pub(super) async fn get(session: &Session, id: TaskId) -> Result<Option<Task>, Fault> {
    let row = session.query_opt(&format!("SELECT {TASK} FROM tasks WHERE id = $1"), &[id.as_uuid()]).await?;
    row.as_ref().map(task).transpose()
}

pub(super) async fn view(session: &Session, id: TaskId) -> Result<Option<TaskView>, Fault> {
    // Both of one moment, although a claim may be committed in between.
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let of_task = format!("SELECT {TASK} FROM tasks WHERE id = $1");
    let of_attempts = format!("SELECT {ATTEMPT} FROM attempts WHERE seq = (SELECT seq FROM tasks WHERE id = $1) ORDER BY claim_no");
    let named: Values<'_> = &[id.as_uuid()];
    let (row, attempts) = try_join!(session.query_opt(&of_task, named), session.query(&of_attempts, named))?;
    session.run("COMMIT").await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(TaskView { task: task(&row)?, attempts: attempts.iter().map(attempt).collect::<Result<_, _>>()? }))
}

pub(super) async fn page(session: &Session, query: TaskQuery) -> Result<TaskPage, Fault> {
    let limit = query.limit.clamp(1, TaskQuery::MAX_LIMIT);
    let after = int(query.after.map_or(0, |Cursor(seq)| seq));
    let since = query.since.map(|since| int(since.0));
    let end = int(settled(session, Numbers::Tasks).await?);
    let Some(after) = start(session, after, since).await? else { return Ok(TaskPage { tasks: Vec::new(), next: None }) };
    let (caller, state) = (query.caller.map(|key| key.0.to_vec()), query.state.map(TaskState::as_str));
    // One row more than asked for tells whether there is a next page.
    let wanted = int(limit as u64 + 1);
    let mut conditions = "seq > $1 AND seq <= $2".to_owned();
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&after, &end, &wanted];
    let mut require = |condition: &str, value| {
        values.push(value);
        conditions.push_str(&format!(" AND {condition} ${}", values.len()));
    };
    // Each combination has an index that ends in `seq`, so that no page reads over the tasks of others. What begins at the right place has
    // few others of before that moment: those of a clock that was put back.
    if let Some(caller) = &caller {
        require("caller =", caller);
    }
    if let Some(state) = &state {
        require("state =", state);
    }
    if let Some(since) = &since {
        require("created_at + 0 >=", since);
    }
    let statement = format!("SELECT {TASK} FROM tasks WHERE {conditions} ORDER BY seq LIMIT $3");
    let rows = session.query(&statement, &values).await?;
    let next = match rows.get(limit - 1) {
        Some(last) if rows.len() > limit => Some(Cursor(number(last, "seq")?)),
        _ => None,
    };
    Ok(TaskPage { tasks: rows.iter().take(limit).filter_map(readable).collect(), next })
}

/// The place behind which a page begins: behind `after`, and where time had come to `since`. `None` if it has not yet.
async fn start(session: &Session, after: i64, since: Option<i64>) -> Result<Option<i64>, Fault> {
    let Some(since) = since else { return Ok(Some(after)) };
    let statement = "SELECT seq FROM tasks WHERE created_at >= $1 ORDER BY created_at, seq LIMIT 1";
    let first = session.query_opt(statement, &[&since]).await?;
    let first = first.map(|row| column::<i64>(&row, "seq")).transpose()?;
    Ok(first.map(|first| after.max(first - 1)))
}

/// One row that cannot be read must not hide the others.
fn readable(row: &Row) -> Option<Task> {
    task(row).inspect_err(|fault| log::error!(fault:%; "a task cannot be read and is left out of a list")).ok()
}

/// Claims whose lease has ended, whichever node made them.
pub(super) async fn expired(session: &Session, limit: usize) -> Result<Vec<Claim>, Fault> {
    let statement = "SELECT id, claim_no FROM tasks WHERE state = 'in_progress' AND lease_until <= moment() ORDER BY lease_until LIMIT $1";
    session.query(statement, &[&int(limit as u64)]).await?.iter().map(claim).collect()
}

/// Claims of this node.
pub(super) async fn claims(session: &Session, rules: &Rules) -> Result<Vec<Claim>, Fault> {
    let statement = "SELECT id, claim_no FROM tasks WHERE state = 'in_progress' AND node = $1 ORDER BY seq";
    session.query(statement, &[&rules.node]).await?.iter().map(claim).collect()
}

pub(super) async fn next_runnable(session: &Session) -> Result<Option<Duration>, Fault> {
    let statement = format!(
        "SELECT EXISTS (SELECT 1 FROM tasks WHERE {FRESH}) OR EXISTS (SELECT 1 FROM tasks WHERE {RETURNED}) AS runnable,
             (SELECT min(not_before) FROM tasks WHERE not_before < $1) - moment() AS wait"
    );
    let row = session.query_one(&statement, &[&SET_ASIDE]).await?;
    let (runnable, wait): (bool, Option<i64>) = (column(&row, "runnable")?, column(&row, "wait")?);
    Ok(if runnable { Some(Duration::ZERO) } else { wait.map(|wait| Duration::from_micros(wait.max(0).unsigned_abs())) })
}
