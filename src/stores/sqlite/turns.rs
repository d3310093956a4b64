//! The order in which tasks are handed out: ranks, given once and never changed but by a retry.

use rusqlite::{Connection, OptionalExtension};

use crate::domain::access::KeyId;
use crate::domain::task::{Priority, Rank, Task};
use crate::stores::sqlite::fault::Fault;
use crate::stores::sqlite::rows::int;

/// Gives a task that begins to wait its rank, at the end of its line.
pub(super) fn line_up(connection: &Connection, task: &Task) -> Result<(), Fault> {
    let rank = Rank::behind(present(connection)?, last(connection, task.caller, task.priority)?, task.priority);
    connection.prepare_cached("INSERT OR REPLACE INTO lines (caller, priority, last) VALUES (?1, ?2, ?3)")?.execute((
        owner(task.caller),
        task.priority.as_str(),
        int(rank.0),
    ))?;
    connection.prepare_cached("UPDATE tasks SET rank = ?1 WHERE seq = ?2")?.execute((int(rank.0), int(task.seq)))?;
    Ok(())
}

/// The task of this rank is handed out: whoever comes to an empty line begins behind it.
pub(super) fn move_on(connection: &Connection, rank: i64) -> Result<(), Fault> {
    connection.prepare_cached("UPDATE present SET rank = ?1 WHERE rank < ?1")?.execute([rank])?;
    Ok(())
}

fn present(connection: &Connection) -> Result<Rank, Fault> {
    let rank: i64 = connection.prepare_cached("SELECT rank FROM present")?.query_row([], |row| row.get(0))?;
    Ok(Rank(rank.unsigned_abs()))
}

fn last(connection: &Connection, caller: Option<KeyId>, priority: Priority) -> Result<Rank, Fault> {
    let mut statement = connection.prepare_cached("SELECT last FROM lines WHERE caller = ?1 AND priority = ?2")?;
    let last: Option<i64> = statement.query_row((owner(caller), priority.as_str()), |row| row.get(0)).optional()?;
    Ok(Rank(last.unwrap_or(0).unsigned_abs()))
}

fn owner(caller: Option<KeyId>) -> Vec<u8> {
    caller.map(|key| key.0.to_vec()).unwrap_or_default()
}
