//! What PostgreSQL says, sorted by what it means for the caller.

use tokio_postgres::error::SqlState;

pub(super) use crate::stores::fault::Fault;

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else { return Self::Broken(with_cause(&error)) };
        let text = said.message().to_owned();
        match said.code() {
            &SqlState::DISK_FULL => Self::Full,
            &SqlState::T_R_SERIALIZATION_FAILURE
            | &SqlState::T_R_DEADLOCK_DETECTED
            | &SqlState::UNIQUE_VIOLATION
            | &SqlState::FOREIGN_KEY_VIOLATION => Self::Conflict(text),
            // Too many connections, an operator's intervention or a timeout, a lock that is not given: the connection is of no more use.
            code if ["53", "55", "57", "58"].iter().any(|class| code.code().starts_with(class)) => Self::Broken(text),
            code if code.code().starts_with("XX") => Self::Corrupt(text),
            _ => Self::Unavailable(text),
        }
    }
}

/// An error of the network says little without what is beneath it.
pub(super) fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", with_cause(cause)),
        None => error.to_string(),
    }
}
