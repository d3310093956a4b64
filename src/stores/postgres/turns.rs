//! The order in which tasks are handed out: ranks, given once and never changed but by a retry.
//!
//! Each node notes what it gave out in rows of its own, and reads those of all. Two that give out ranks at the same moment may give the same
//! one; then the older task goes first, and no more comes of it.

use std::collections::BTreeMap;

use futures::try_join;
use tokio_postgres::Row;

use crate::domain::access::KeyId;
use crate::domain::task::{Priority, Rank, Task};
use crate::stores::postgres::Rules;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{int, number, parsed};
use crate::stores::postgres::session::{Session, column};

/// A line: those of a caller with a priority.
type Line = (Vec<u8>, &'static str);

/// Ranks for tasks that begin to wait, in their order: each at the end of its line.
pub(super) async fn line_up(session: &Session, rules: &Rules, tasks: &[&Task]) -> Result<Vec<i64>, Fault> {
    let lines: Vec<Line> = tasks.iter().map(|task| (owner(task.caller), task.priority.as_str())).collect();
    let (present, mut lasts) = try_join!(present(session), lasts(session, &lines))?;
    let ranks = tasks.iter().zip(&lines).map(|(task, line)| {
        let last = lasts.entry(line.clone()).or_default();
        *last = Rank::behind(present, *last, task.priority);
        int(last.0)
    });
    let ranks: Vec<i64> = ranks.collect();
    note(session, rules, &lasts).await?;
    Ok(ranks)
}

/// Tasks of these ranks are handed out: whoever comes to an empty line begins behind the last of them.
pub(super) async fn move_on(session: &Session, rules: &Rules, ranks: &[i64]) -> Result<(), Fault> {
    let Some(last) = ranks.iter().max() else { return Ok(()) };
    let statement =
        "INSERT INTO present AS mine VALUES ($1::text, $2::bigint) ON CONFLICT (node) DO UPDATE SET rank = greatest(mine.rank, $2)";
    session.execute(statement, &[&rules.node, last]).await.map(drop)
}

async fn present(session: &Session) -> Result<Rank, Fault> {
    let row = session.query_one("SELECT coalesce(max(rank), 0) AS rank FROM present", &[]).await?;
    Ok(Rank(number(&row, "rank")?))
}

/// The last rank of each line that there ever was a task in.
async fn lasts(session: &Session, lines: &[Line]) -> Result<BTreeMap<Line, Rank>, Fault> {
    let callers: Vec<_> = lines.iter().map(|(caller, _)| caller.as_slice()).collect();
    let priorities: Vec<_> = lines.iter().map(|(_, priority)| *priority).collect();
    let statement = "SELECT caller, priority, max(last) AS last FROM lines
         WHERE (caller, priority) IN (SELECT * FROM unnest($1::bytea[], $2::text[])) GROUP BY caller, priority";
    let rows = session.query(statement, &[&callers, &priorities]).await?;
    rows.iter().map(|row| Ok((line(row)?, Rank(number(row, "last")?)))).collect()
}

fn line(row: &Row) -> Result<Line, Fault> {
    Ok((column(row, "caller")?, parsed::<Priority>(row, "priority")?.as_str()))
}

async fn note(session: &Session, rules: &Rules, lasts: &BTreeMap<Line, Rank>) -> Result<(), Fault> {
    let callers: Vec<_> = lasts.keys().map(|(caller, _)| caller.as_slice()).collect();
    let priorities: Vec<_> = lasts.keys().map(|(_, priority)| *priority).collect();
    let ranks: Vec<_> = lasts.values().map(|last| int(last.0)).collect();
    let statement = "INSERT INTO lines (caller, priority, node, last)
         SELECT caller, priority, $4::text, last FROM unnest($1::bytea[], $2::text[], $3::bigint[]) AS line (caller, priority, last)
         ON CONFLICT (caller, priority, node) DO UPDATE SET last = excluded.last";
    session.execute(statement, &[&callers, &priorities, &ranks, &rules.node]).await.map(drop)
}

/// The key as it is stored where it is part of a name; nothing for nobody in particular.
pub(super) fn owner(caller: Option<KeyId>) -> Vec<u8> {
    caller.map(|key| key.0.to_vec()).unwrap_or_default()
}
