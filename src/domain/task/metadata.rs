//! What the sender of a task says about it in words of their own; kept and shown again, never acted on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A JSON object or a text, at most [`Metadata::MAX_BYTES`] long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metadata(Value);

impl Metadata {
    /// The most that is kept with a task, in bytes of the text as it was sent.
    pub const MAX_BYTES: usize = 8 * 1024;
}

/// The text cannot be kept with a task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    /// Longer than [`Metadata::MAX_BYTES`].
    #[error("metadata has at most {} bytes, found {found}", Metadata::MAX_BYTES)]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// It begins like a JSON object and is none.
    #[error("metadata that begins with {{ must be a JSON object: {0}")]
    NoObject(String),
}

impl FromStr for Metadata {
    type Err = InvalidMetadata;

    /// A text that begins like an object must be one: a slip in it must not turn it into a text.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidMetadata::TooLong { found: text.len() });
        }
        if !text.trim_ascii_start().starts_with('{') {
            return Ok(Self(Value::from(text)));
        }
        serde_json::from_str(text).map(Self).map_err(|error| InvalidMetadata::NoObject(error.to_string()))
    }
}

/// As JSON, the keys of objects in order: equal metadata has one text.
impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<Metadata>().map_or_else(|error| error.to_string(), |metadata| metadata.to_string())
    }

    #[test]
    fn objects_and_texts_are_kept() {
        assert_eq!(shown(r#" {"b": 1, "a": [null]} "#), r#"{"a":[null],"b":1}"#, "one text for equal objects");
        assert_eq!(shown("order 7"), r#""order 7""#);
        assert_eq!(shown("[1]"), r#""[1]""#, "a text like any other");
    }

    #[test]
    fn what_is_too_long_or_no_object_is_refused() {
        assert!(shown(r#"{"a": 1"#).starts_with("metadata that begins with { must be a JSON object: EOF"));
        assert!("x".repeat(Metadata::MAX_BYTES).parse::<Metadata>().is_ok());
        assert_eq!(shown(&"x".repeat(Metadata::MAX_BYTES + 1)), "metadata has at most 8192 bytes, found 8193");
    }
}
