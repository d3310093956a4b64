//! What every store of API keys promises. It holds digests only: nothing in it lets anybody in.

use futures::future::BoxFuture;

use crate::domain::access::{Key, KeyId};

/// How often keys were used.
pub type Uses = Vec<(KeyId, u64)>;

/// A store of API keys. Replies mean that the commit is durable.
pub trait KeyStore: Send + Sync {
    /// Keeps a key as it is now, instead of what was kept of it. Idempotent: a caller whose outcome is unknown may repeat it.
    fn save(&self, key: Key) -> BoxFuture<'static, Result<(), KeyStoreError>>;

    /// Every key, oldest first.
    fn all(&self) -> BoxFuture<'static, Result<Vec<Key>, KeyStoreError>>;

    /// Tells how often keys were used at this server since it told that last, and says how often each was used at all others, as far as they
    /// have told. These totals grow, also over restarts of a server; what a server told is forgotten minutes after it told nothing more of the
    /// key. Nothing here is durable. What failed may have been told all the same, so it is not repeated. An engine that nobody shares
    /// knows of no others.
    fn share_uses(&self, uses: Uses) -> BoxFuture<'static, Result<Uses, KeyStoreError>>;
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
