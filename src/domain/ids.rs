//! Identifiers: of a task, of a claim on it. What they name lives elsewhere.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Types whose values are random (version 4) UUIDs, each with the error of a text that is none, told as what it should have been.
macro_rules! uuid_names {
    ($($(#[doc = $doc:literal])* $Name:ident, $Invalid:ident = $what:literal;)*) => { $(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $Name(uuid::Uuid);

        impl $Name {
            /// A fresh one that nothing else has.
            #[must_use]
            pub fn random() -> Self {
                Self(uuid::Uuid::new_v4())
            }

            /// It as the UUID it is.
            #[must_use]
            pub fn as_uuid(&self) -> &uuid::Uuid {
                &self.0
            }
        }

        impl From<uuid::Uuid> for $Name {
            fn from(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        #[doc = concat!("The text was not ", $what, ".")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        #[error("not {}: expected a UUID such as 67e55044-10b1-426f-9247-bb680e5fe0c8", $what)]
        pub struct $Invalid;

        impl std::str::FromStr for $Name {
            type Err = $Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::domain::ids::only_spelling(text).map(Self).ok_or($Invalid)
            }
        }
    )* };
}
pub(super) use uuid_names;

/// The UUID that `text` is as it is printed: `Uuid` also reads capitals, braces and URNs, but what names a file and a row must have one
/// spelling.
pub(super) fn only_spelling(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    (uuid.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text).then_some(uuid)
}

uuid_names! {
    /// The id of a task: a random (version 4) UUID, so that it can be neither guessed nor dated.
    TaskId, InvalidTaskId = "a task id";
}

/// The fence of a claim: grows by one at every claim of a task and never shrinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimNo(pub u64);

impl ClaimNo {
    /// The number that the next claim of the same task carries.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for ClaimNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_what_it_prints_and_nothing_else() {
        let id = TaskId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in
            ["", "x", "67e5504410b1426f9247bb680e5fe0c8", "{67e55044-10b1-426f-9247-bb680e5fe0c8}", "67E55044-10B1-426F-9247-BB680E5FE0C8"]
        {
            assert_eq!(text.parse::<TaskId>(), Err(InvalidTaskId), "{text}");
        }
    }
}
