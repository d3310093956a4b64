//! API keys in PostgreSQL.

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_postgres::Row;

use crate::domain::access::{FormerSecret, Key, KeyId, SecretDigest};
use crate::domain::blob::Sha256;
use crate::domain::timestamp::Timestamp;
use crate::stores::hints::Hint;
use crate::stores::keys::{KeyStore, KeyStoreError, Uses};
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{bytes, int, json, moment, number, optional_bytes, parsed};
use crate::stores::postgres::session::Session;
use crate::stores::postgres::{PostgresDb, uses};

impl KeyStore for PostgresDb {
    fn save(&self, key: Key) -> BoxFuture<'static, Result<(), KeyStoreError>> {
        self.write(move |session, _| save(session, key.clone()).boxed())
    }

    fn all(&self) -> BoxFuture<'static, Result<Vec<Key>, KeyStoreError>> {
        self.read(|session, _| all(session).boxed())
    }

    fn share_uses(&self, told: Uses) -> BoxFuture<'static, Result<Uses, KeyStoreError>> {
        // Not by the writer: no change of a task waits for it.
        self.read(move |session, rules| uses::share(session, rules, told).boxed())
    }
}

async fn save(session: &Session, key: Key) -> Result<(), Fault> {
    session.hint(Hint::KEYS);
    let statement = "INSERT INTO keys (id, name, scopes, quota, secret, former_secret, former_until, created_at, expires_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (id) DO UPDATE SET name = $2, scopes = $3, quota = $4, secret = $5, former_secret = $6, former_until = $7,
             created_at = $8, expires_at = $9, revoked_at = $10";
    session
        .execute(
            statement,
            &[
                &key.id.0.as_slice(),
                &key.name.as_str(),
                &key.scopes.to_string(),
                &serde_json::to_string(&key.quota).expect("numbers can be written as JSON"),
                &key.secret.0.0.as_slice(),
                &key.former.map(|former| former.secret.0.0.to_vec()),
                &key.former.map(|former| int(former.until.0)),
                &int(key.created_at.0),
                &key.expires_at.map(|at| int(at.0)),
                &key.revoked_at.map(|at| int(at.0)),
            ],
        )
        .await
        .map(drop)
}

async fn all(session: &Session) -> Result<Vec<Key>, Fault> {
    let statement = "SELECT id, name, scopes, quota, secret, former_secret, former_until, created_at, expires_at, revoked_at
         FROM keys ORDER BY seq";
    session.query(statement, &[]).await?.iter().map(key).collect()
}

fn key(row: &Row) -> Result<Key, Fault> {
    let digest = |bytes| SecretDigest(Sha256(bytes));
    let former = match (optional_bytes(row, "former_secret")?, moment(row, "former_until")?) {
        (Some(secret), Some(until)) => Some(FormerSecret { secret: digest(secret), until }),
        _ => None,
    };
    Ok(Key {
        id: KeyId(bytes(row, "id")?),
        name: parsed(row, "name")?,
        scopes: parsed(row, "scopes")?,
        quota: json(row, "quota")?,
        secret: digest(bytes(row, "secret")?),
        former,
        created_at: Timestamp(number(row, "created_at")?),
        expires_at: moment(row, "expires_at")?,
        revoked_at: moment(row, "revoked_at")?,
    })
}
