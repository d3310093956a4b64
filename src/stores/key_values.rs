//! What every store of key-values promises. Which keys mean something is not its business.

use futures::future::BoxFuture;
use serde_json::Value;

/// A store of versioned JSON values under text keys. Replies mean that the commit is durable.
pub trait KeyValueStore: Send + Sync {
    /// The value under `key`.
    fn get(&self, key: String) -> BoxFuture<'static, Result<Option<Versioned>, KeyValueStoreError>>;

    /// Writes `value` under `key` and replies with its version, greater than every version given out before for any key.
    fn set(&self, key: String, value: Value) -> BoxFuture<'static, Result<u64, KeyValueStoreError>>;

    /// Removes `key`; says whether it was there.
    fn delete(&self, key: String) -> BoxFuture<'static, Result<bool, KeyValueStoreError>>;

    /// The keys that begin with `query.prefix`, in the order of their bytes.
    fn list(&self, query: KeyQuery) -> BoxFuture<'static, Result<Vec<Entry>, KeyValueStoreError>>;
}

/// A value with its version.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned {
    /// The value.
    pub value: Value,
    /// Greater than that of every value written before.
    pub version: u64,
}

/// Asks for one page of key-values.
#[derive(Clone, Debug, Default)]
pub struct KeyQuery {
    /// Only keys that begin with this; the empty prefix asks for all.
    pub prefix: String,
    /// Only keys behind this one.
    pub after: Option<String>,
    /// At most so many; engines cap it at [`KeyQuery::MAX_LIMIT`], and 0 reads as 1.
    pub limit: usize,
}

impl KeyQuery {
    /// The longest page.
    pub const MAX_LIMIT: usize = 1000;
}

/// A key and what is under it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Its value and version.
    pub versioned: Versioned,
}

/// Why a store of key-values did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyValueStoreError {
    /// No room on the disk; nothing changed.
    #[error("the settings database is full: free disk space, then try again")]
    Full,
    /// The request was not carried out; nothing changed.
    #[error("the settings database did not take the request: {0}; try again later")]
    Unavailable(String),
    /// The change may or may not have happened.
    #[error("whether the settings database kept the change is unknown: {0}; read the key again")]
    UnknownOutcome(String),
    /// What the database holds cannot be understood.
    #[error("the settings database holds something unreadable: {0}; write the key again or remove it")]
    Corrupt(String),
}
