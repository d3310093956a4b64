//! What every store of API keys promises. It holds digests only: nothing in it lets anybody in.

use futures::future::BoxFuture;

use crate::domain::access::Key;

/// A store of API keys. Replies mean that the commit is durable.
pub trait KeyStore: Send + Sync {
    /// Keeps a key as it is now, instead of what was kept of it. Idempotent: a caller whose outcome is unknown may repeat it.
    fn save(&self, key: Key) -> BoxFuture<'static, Result<(), KeyStoreError>>;

    /// Every key, oldest first.
    fn all(&self) -> BoxFuture<'static, Result<Vec<Key>, KeyStoreError>>;
}

/// Why a store of API keys did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyStoreError {
    /// No room on the disk; nothing changed.
    #[error("the database of keys is full: free disk space, then try again")]
    Full,
    /// The request was not carried out; nothing changed.
    #[error("the database of keys did not take the request: {0}; try again later")]
    Unavailable(String),
    /// The change may or may not have happened.
    #[error("whether the database of keys kept the change is unknown: {0}; list the keys")]
    UnknownOutcome(String),
    /// What the database holds cannot be understood.
    #[error("the database of keys holds something unreadable: {0}; restore a backup")]
    Corrupt(String),
}
