//! What can go wrong with a database, sorted by what it means for the caller; every engine of rows tells it in these words.

use crate::stores::assets::AssetStoreError;
use crate::stores::key_values::KeyValueStoreError;
use crate::stores::keys::KeyStoreError;
use crate::stores::tasks::TaskStoreError;

/// Why a request was not carried out, before it is put in the words of a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("the disk is full")]
    Full,
    #[error("{0}")]
    Corrupt(String),
    /// The request alone was not carried out.
    #[error("{0}")]
    Unavailable(String),
    /// The disk or the network failed under the connection; nothing it says can be trusted any more.
    #[error("{0}")]
    Broken(String),
    #[error("{0}")]
    UnknownOutcome(String),
    /// Another transaction came between: nothing was changed, and the same request may go through at once.
    #[error("{0}")]
    Conflict(String),
}

/// Every store tells the same four things of its engine.
macro_rules! told_by {
    ($($Error:ty),*) => { $(
        impl From<Fault> for $Error {
            fn from(fault: Fault) -> Self {
                match fault {
                    Fault::Full => Self::Full,
                    Fault::Corrupt(text) => Self::Corrupt(text),
                    Fault::Unavailable(text) | Fault::Broken(text) | Fault::Conflict(text) => Self::Unavailable(text),
                    Fault::UnknownOutcome(text) => Self::UnknownOutcome(text),
                }
            }
        }
    )* };
}

told_by!(TaskStoreError, AssetStoreError, KeyValueStoreError, KeyStoreError);
