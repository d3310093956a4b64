//! API keys in SQLite, through the same writer as the tasks.

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use rusqlite::{Connection, Row, named_params};

use crate::domain::access::{FormerSecret, Key, KeyId, SecretDigest};
use crate::domain::blob::Sha256;
use crate::domain::timestamp::Timestamp;
use crate::stores::keys::{KeyStore, KeyStoreError, Uses};
use crate::stores::sqlite::SqliteDb;
use crate::stores::sqlite::columns::{moment, parsed, uint};
use crate::stores::sqlite::fault::Fault;
use crate::stores::sqlite::rows::int;

impl KeyStore for SqliteDb {
    fn save(&self, key: Key) -> BoxFuture<'static, Result<(), KeyStoreError>> {
        self.write(move |connection, _| save(connection, &key))
    }

    fn all(&self) -> BoxFuture<'static, Result<Vec<Key>, KeyStoreError>> {
        self.read(|connection, _| all(connection))
    }

    fn share_uses(&self, _: Uses) -> BoxFuture<'static, Result<Uses, KeyStoreError>> {
        ready(Ok(Uses::new())).boxed()
    }
}

fn save(connection: &Connection, key: &Key) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO keys (id, name, scopes, quota, secret, former_secret, former_until, created_at, expires_at, revoked_at)
         VALUES (:id, :name, :scopes, :quota, :secret, :former_secret, :former_until, :created_at, :expires_at, :revoked_at)
         ON CONFLICT (id) DO UPDATE SET name = :name, scopes = :scopes, quota = :quota, secret = :secret, former_secret = :former_secret,
             former_until = :former_until, created_at = :created_at, expires_at = :expires_at, revoked_at = :revoked_at",
    )?;
    statement.execute(named_params! {
        ":id": key.id.0,
        ":name": key.name.as_str(),
        ":scopes": key.scopes.to_string(),
        ":quota": serde_json::to_string(&key.quota).expect("numbers can be written as JSON"),
        ":secret": key.secret.0.0,
        ":former_secret": key.former.map(|former| former.secret.0.0),
        ":former_until": key.former.map(|former| int(former.until.0)),
        ":created_at": int(key.created_at.0),
        ":expires_at": key.expires_at.map(|at| int(at.0)),
        ":revoked_at": key.revoked_at.map(|at| int(at.0)),
    })?;
    Ok(())
}

fn all(connection: &Connection) -> Result<Vec<Key>, Fault> {
    let mut statement = connection.prepare_cached("SELECT * FROM keys ORDER BY seq")?;
    let keys = statement.query_map([], |row| Ok(key(row)))?;
    keys.map(|key| key?).collect()
}

/// Reads a row of `SELECT * FROM keys`.
fn key(row: &Row<'_>) -> Result<Key, Fault> {
    let quota: String = row.get("quota")?;
    let digest = |bytes| SecretDigest(Sha256(bytes));
    let former: Option<[u8; 32]> = row.get("former_secret")?;
    let former = match (former, moment(row, "former_until")?) {
        (Some(secret), Some(until)) => Some(FormerSecret { secret: digest(secret), until }),
        _ => None,
    };
    Ok(Key {
        id: KeyId(row.get("id")?),
        name: parsed(row, "name")?,
        scopes: parsed(row, "scopes")?,
        quota: serde_json::from_str(&quota).map_err(|error| Fault::Corrupt(format!("quota {quota:?}: {error}")))?,
        secret: digest(row.get("secret")?),
        former,
        created_at: Timestamp(uint(row, "created_at")?),
        expires_at: moment(row, "expires_at")?,
        revoked_at: moment(row, "revoked_at")?,
    })
}
