//! Why a key could not be read or set.

use actix::MailboxError;

use crate::stores::key_values::KeyValueStoreError;

/// Why a key could not be read or set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyValuesError {
    /// The key or its value is not valid; says what would be.
    #[error("{0}")]
    Invalid(String),
    /// The key has no value.
    #[error("the key is not set")]
    NotSet,
    /// There is no room for the change; nothing changed.
    #[error("the settings cannot be changed while the disk is full: free disk space, then try again")]
    Full,
    /// The store failed; whether the change is durable is unknown.
    #[error("the settings are not available: {0}")]
    Store(String),
}

impl From<KeyValueStoreError> for KeyValuesError {
    fn from(error: KeyValueStoreError) -> Self {
        match error {
            KeyValueStoreError::Full => Self::Full,
            other => Self::Store(other.to_string()),
        }
    }
}

impl From<MailboxError> for KeyValuesError {
    fn from(error: MailboxError) -> Self {
        Self::Store(error.to_string())
    }
}
