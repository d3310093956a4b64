//! What can go wrong with the database, sorted by what it means for the caller.

use rusqlite::ErrorCode;

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
    /// The disk failed under the connection; nothing it says can be trusted any more.
    #[error("{0}")]
    Broken(String),
    #[error("{0}")]
    UnknownOutcome(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
        let text = error.to_string();
        match (&error, error.sqlite_error_code()) {
            (_, Some(ErrorCode::DiskFull)) => Self::Full,
            (_, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) => Self::Corrupt(text),
            (_, Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::OutOfMemory)) => Self::Broken(text),
            (FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..), _) => Self::Corrupt(text),
            _ => Self::Unavailable(text),
        }
    }
}

/// Every store tells the same four things of its engine.
macro_rules! told_by {
    ($($Error:ty),*) => { $(
        impl From<Fault> for $Error {
            fn from(fault: Fault) -> Self {
                match fault {
                    Fault::Full => Self::Full,
                    Fault::Corrupt(text) => Self::Corrupt(text),
                    Fault::Unavailable(text) | Fault::Broken(text) => Self::Unavailable(text),
                    Fault::UnknownOutcome(text) => Self::UnknownOutcome(text),
                }
            }
        }
    )* };
}

told_by!(TaskStoreError, AssetStoreError, KeyValueStoreError, KeyStoreError);
