//! The keys under which clients sent uploads: one task for each key of each caller.

use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use crate::domain::access::KeyId;
use crate::domain::ids::TaskId;
use crate::domain::task::{Idempotency, NewTask, Rejected, Task};
use crate::stores::sqlite::fault::Fault;
use crate::stores::sqlite::rows::int;

/// The refusal of a new task whose key another task has.
pub(super) fn refusal(connection: &Connection, new: &NewTask) -> Result<Option<Rejected>, Fault> {
    let Some(Idempotency { key, fingerprint }) = &new.idempotency else { return Ok(None) };
    let mut statement = connection.prepare_cached(
        "SELECT tasks.id, idempotency_keys.fingerprint FROM idempotency_keys JOIN tasks USING (seq)
         WHERE idempotency_keys.caller = ?1 AND idempotency_keys.key = ?2",
    )?;
    let taken = statement
        .query_row((owner(new.caller), key.as_str()), |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, [u8; 32]>(1)?)))
        .optional()?;
    let taken = taken.map(|(id, sent)| (TaskId::from(Uuid::from_bytes(id)), sent == fingerprint.0));
    // A task of the same id is a duplicate, whatever its key.
    Ok(taken.filter(|(by, _)| *by != new.id).map(|(by, same)| Rejected::KeyTaken { by, same }))
}

/// Keeps the key of a new task. Called within the transaction of its insertion.
pub(super) fn keep(connection: &Connection, task: &Task, idempotency: Option<&Idempotency>) -> Result<(), Fault> {
    let Some(Idempotency { key, fingerprint }) = idempotency else { return Ok(()) };
    let mut statement =
        connection.prepare_cached("INSERT INTO idempotency_keys (caller, key, fingerprint, seq) VALUES (?1, ?2, ?3, ?4)")?;
    statement.execute((owner(task.caller), key.as_str(), fingerprint.0, int(task.seq)))?;
    Ok(())
}

fn owner(caller: Option<KeyId>) -> Vec<u8> {
    caller.map(|key| key.0.to_vec()).unwrap_or_default()
}
