//! Key-values in PostgreSQL.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio_postgres::Row;

use crate::stores::hints::Hint;
use crate::stores::key_values::{Entry, KeyQuery, KeyValueStore, KeyValueStoreError, Versioned};
use crate::stores::postgres::PostgresDb;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{int, json, number};
use crate::stores::postgres::session::{Session, column};

impl KeyValueStore for PostgresDb {
    fn get(&self, key: String) -> BoxFuture<'static, Result<Option<Versioned>, KeyValueStoreError>> {
        self.read(move |session, _| get(session, key).boxed())
    }

    fn set(&self, key: String, value: Value) -> BoxFuture<'static, Result<u64, KeyValueStoreError>> {
        self.write(move |session, _| set(session, key.clone(), value.to_string()).boxed())
    }

    fn delete(&self, key: String) -> BoxFuture<'static, Result<bool, KeyValueStoreError>> {
        self.write(move |session, _| delete(session, key.clone()).boxed())
    }

    fn list(&self, query: KeyQuery) -> BoxFuture<'static, Result<Vec<Entry>, KeyValueStoreError>> {
        self.read(move |session, _| list(session, query).boxed())
    }
}

async fn get(session: &Session, key: String) -> Result<Option<Versioned>, Fault> {
    let row = session.query_opt("SELECT key, value, version FROM key_values WHERE key = $1", &[&key]).await?;
    Ok(row.as_ref().map(entry).transpose()?.map(|entry| entry.versioned))
}

async fn set(session: &Session, key: String, value: String) -> Result<u64, Fault> {
    let row = session.query_one("UPDATE key_values_version SET version = version + 1 RETURNING version", &[]).await?;
    let version: u64 = number(&row, "version")?;
    let statement = "INSERT INTO key_values VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET value = $2, version = $3";
    session.execute(statement, &[&key, &value, &int(version)]).await?;
    session.hint(Hint::SETTINGS);
    Ok(version)
}

async fn delete(session: &Session, key: String) -> Result<bool, Fault> {
    let deleted = session.execute("DELETE FROM key_values WHERE key = $1", &[&key]).await? == 1;
    session.hint(Hint::SETTINGS.when(deleted));
    Ok(deleted)
}

async fn list(session: &Session, query: KeyQuery) -> Result<Vec<Entry>, Fault> {
    // Keys with a common prefix lie side by side, since the column goes by bytes.
    let statement = "SELECT key, value, version FROM key_values
         WHERE key >= $1 AND starts_with(key, $1) AND ($2::text IS NULL OR key > $2) ORDER BY key LIMIT $3";
    let limit = query.limit.clamp(1, KeyQuery::MAX_LIMIT) as u64;
    let rows = session.query(statement, &[&query.prefix, &query.after, &int(limit)]).await?;
    rows.iter().map(entry).collect()
}

fn entry(row: &Row) -> Result<Entry, Fault> {
    Ok(Entry { key: column(row, "key")?, versioned: Versioned { value: json(row, "value")?, version: number(row, "version")? } })
}
