//! What SQLite says, sorted by what it means for the caller.

use rusqlite::ErrorCode;

pub(super) use crate::stores::fault::Fault;

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
