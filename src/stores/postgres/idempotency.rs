//! The keys under which clients sent uploads: one task for each key of each caller.

use std::collections::HashMap;

use crate::domain::ids::TaskId;
use crate::domain::task::{Idempotency, NewTask, Rejected};
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{bytes, task_id};
use crate::stores::postgres::session::{Session, column};
use crate::stores::postgres::turns::owner;

/// A key of a caller.
type Name = (Vec<u8>, String);

/// Which keys are taken, by which task, and the fingerprint of what was sent under them.
pub(super) struct Taken(HashMap<Name, (TaskId, [u8; 32])>);

fn name(new: &NewTask) -> Option<Name> {
    new.idempotency.as_ref().map(|sent| (owner(new.caller), sent.key.as_str().to_owned()))
}

/// Looks the keys of new tasks up.
pub(super) async fn taken(session: &Session, new: &[&NewTask]) -> Result<Taken, Fault> {
    let names: Vec<Name> = new.iter().filter_map(|new| name(new)).collect();
    if names.is_empty() {
        return Ok(Taken(HashMap::new()));
    }
    let (callers, keys): (Vec<_>, Vec<_>) = names.into_iter().unzip();
    let statement = "SELECT idempotency_keys.caller, key, fingerprint, tasks.id FROM idempotency_keys JOIN tasks USING (seq)
         WHERE (idempotency_keys.caller, key) IN (SELECT * FROM unnest($1::bytea[], $2::text[]))";
    let rows = session.query(statement, &[&callers, &keys]).await?;
    let entry = |row| Ok(((column(row, "caller")?, column(row, "key")?), (task_id(row, "id")?, bytes(row, "fingerprint")?)));
    Ok(Taken(rows.iter().map(entry).collect::<Result<_, Fault>>()?))
}

impl Taken {
    /// The refusal of a new task whose key another task has. A task of the same id is a duplicate, whatever its key.
    pub(super) fn refusal(&self, new: &NewTask) -> Option<Rejected> {
        let sent = new.idempotency.as_ref()?;
        let (by, fingerprint) = self.0.get(&name(new)?)?;
        (*by != new.id).then(|| Rejected::KeyTaken { by: *by, same: *fingerprint == sent.fingerprint.0 })
    }
}

/// A new task with its key.
pub(super) struct Keyed<'a> {
    pub(super) new: &'a NewTask,
    pub(super) seq: i64,
}

/// Keeps the keys of new tasks, in the transaction of their insertion.
pub(super) async fn keep(session: &Session, tasks: &[Keyed<'_>]) -> Result<(), Fault> {
    let sent: Vec<(&Keyed<'_>, &Idempotency)> = tasks.iter().filter_map(|keyed| Some((keyed, keyed.new.idempotency.as_ref()?))).collect();
    if sent.is_empty() {
        return Ok(());
    }
    let callers: Vec<_> = sent.iter().map(|(keyed, _)| owner(keyed.new.caller)).collect();
    let keys: Vec<_> = sent.iter().map(|(_, sent)| sent.key.as_str()).collect();
    let prints: Vec<_> = sent.iter().map(|(_, sent)| sent.fingerprint.0.as_slice()).collect();
    let seqs: Vec<_> = sent.iter().map(|(keyed, _)| keyed.seq).collect();
    let statement = "INSERT INTO idempotency_keys (caller, key, fingerprint, seq)
         SELECT * FROM unnest($1::bytea[], $2::text[], $3::bytea[], $4::bigint[])";
    session.execute(statement, &[&callers, &keys, &prints, &seqs]).await.map(drop)
}
