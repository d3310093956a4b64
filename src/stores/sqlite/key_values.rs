//! Key-values in SQLite, through the same writer as the tasks.

use futures::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

use crate::stores::key_values::{Entry, KeyQuery, KeyValueStore, KeyValueStoreError, Versioned};
use crate::stores::sqlite::SqliteDb;
use crate::stores::sqlite::columns::uint;
use crate::stores::sqlite::fault::Fault;
use crate::stores::sqlite::rows::int;

impl KeyValueStore for SqliteDb {
    fn get(&self, key: String) -> BoxFuture<'static, Result<Option<Versioned>, KeyValueStoreError>> {
        self.read(move |connection, _| get(connection, &key))
    }

    fn set(&self, key: String, value: Value) -> BoxFuture<'static, Result<u64, KeyValueStoreError>> {
        self.write(move |connection, _| set(connection, &key, &value))
    }

    fn delete(&self, key: String) -> BoxFuture<'static, Result<bool, KeyValueStoreError>> {
        self.write(move |connection, _| Ok(connection.prepare_cached("DELETE FROM key_values WHERE key = ?1")?.execute([key])? == 1))
    }

    fn list(&self, query: KeyQuery) -> BoxFuture<'static, Result<Vec<Entry>, KeyValueStoreError>> {
        self.read(move |connection, _| list(connection, &query))
    }
}

fn get(connection: &Connection, key: &str) -> Result<Option<Versioned>, Fault> {
    let mut statement = connection.prepare_cached("SELECT key, value, version FROM key_values WHERE key = ?1")?;
    let found = statement.query_row([key], |row| Ok(entry(row))).optional()?.transpose()?;
    Ok(found.map(|entry| entry.versioned))
}

fn set(connection: &Connection, key: &str, value: &Value) -> Result<u64, Fault> {
    let version = connection
        .prepare_cached("UPDATE key_values_version SET version = version + 1 RETURNING version")?
        .query_row([], |row| Ok(uint(row, "version")))??;
    connection.prepare_cached("INSERT OR REPLACE INTO key_values (key, value, version) VALUES (?1, ?2, ?3)")?.execute((
        key,
        value.to_string(),
        int(version),
    ))?;
    Ok(version)
}

fn list(connection: &Connection, query: &KeyQuery) -> Result<Vec<Entry>, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT key, value, version FROM key_values WHERE key >= ?1 AND (?2 IS NULL OR key > ?2) ORDER BY key LIMIT ?3")?;
    let limit = query.limit.clamp(1, KeyQuery::MAX_LIMIT) as u64;
    let entries = statement.query_map((&query.prefix, &query.after, int(limit)), |row| Ok(entry(row)))?;
    // Keys with a common prefix lie side by side.
    let with_prefix = |entry: &Result<Entry, Fault>| entry.as_ref().map_or(true, |entry| entry.key.starts_with(&query.prefix));
    entries.map(|entry| entry?).take_while(with_prefix).collect()
}

fn entry(row: &Row<'_>) -> Result<Entry, Fault> {
    let (key, text): (String, String) = (row.get("key")?, row.get("value")?);
    let value = serde_json::from_str(&text).map_err(|error| Fault::Corrupt(format!("the value of {key:?}: {error}")))?;
    Ok(Entry { versioned: Versioned { value, version: uint(row, "version")? }, key })
}
