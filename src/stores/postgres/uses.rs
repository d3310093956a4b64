//! How often keys were used, as the servers tell each other: each adds up what was used at it, in rows of its own.

use futures::try_join;
use tokio_postgres::Row;

use crate::domain::access::KeyId;
use crate::stores::keys::Uses;
use crate::stores::postgres::Rules;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{bytes, int, number};
use crate::stores::postgres::session::Session;

/// Adds to what this node has told, and reads what all others have. Each statement is a transaction of its own: none is wrong without the
/// others, and nobody waits for the disk, which a table that is not logged does not ask for.
pub(super) async fn share(session: &Session, rules: &Rules, told: Uses) -> Result<Uses, Fault> {
    let ((), others) = try_join!(tell(session, rules, &told), others(session, rules))?;
    Ok(others)
}

/// Where nothing is used, nothing is written. Whoever writes also clears away what nobody has added to for three minutes, which is more
/// than the one that a pace is about.
async fn tell(session: &Session, rules: &Rules, told: &[(KeyId, u64)]) -> Result<(), Fault> {
    if told.is_empty() {
        return Ok(());
    }
    try_join!(clear_away(session), add(session, rules, told)).map(drop)
}

/// Rows that another node writes or clears away at this moment are left to it.
async fn clear_away(session: &Session) -> Result<(), Fault> {
    let statement = "DELETE FROM uses WHERE (key, node) IN (
             SELECT key, node FROM uses WHERE told_in < moment() / 60000000 - 3 ORDER BY told_in LIMIT 1000 FOR UPDATE SKIP LOCKED
         )";
    session.execute(statement, &[]).await.map(drop)
}

async fn add(session: &Session, rules: &Rules, told: &[(KeyId, u64)]) -> Result<(), Fault> {
    let keys: Vec<_> = told.iter().map(|(key, _)| key.0.as_slice()).collect();
    let counts: Vec<_> = told.iter().map(|(_, uses)| int(*uses)).collect();
    let statement = "INSERT INTO uses AS mine (key, node, admitted, told_in)
         SELECT key, $3::text, admitted, moment() / 60000000 FROM unnest($1::bytea[], $2::bigint[]) AS told (key, admitted)
         ON CONFLICT (key, node) DO UPDATE SET admitted = mine.admitted + excluded.admitted, told_in = excluded.told_in";
    session.execute(statement, &[&keys, &counts, &rules.node]).await.map(drop)
}

async fn others(session: &Session, rules: &Rules) -> Result<Uses, Fault> {
    let statement = "SELECT key, sum(admitted)::bigint AS admitted FROM uses WHERE node <> $1 GROUP BY key ORDER BY key";
    session.query(statement, &[&rules.node]).await?.iter().map(total).collect()
}

fn total(row: &Row) -> Result<(KeyId, u64), Fault> {
    Ok((KeyId(bytes(row, "key")?), number(row, "admitted")?))
}
