//! The name of a variant: what a result is asked for by, and a part of its blob's name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A lower-case letter, then up to 31 lower-case letters, digits, `_` or `-`. It is copied like a number, since the names of
/// blobs are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct VariantName {
    /// The characters, then zeros: that orders names as their texts are ordered.
    bytes: [u8; Self::MAX_LEN],
}

impl VariantName {
    /// How many characters a name may have.
    pub const MAX_LEN: usize = 32;

    /// The one variant of a task that was given a single pipeline, and what is meant where no name is given.
    pub const RESULT: Self = Self::literal("result");

    /// A name that is written in the source.
    const fn literal(text: &str) -> Self {
        let mut bytes = [0; Self::MAX_LEN];
        let mut at = 0;
        while at < text.len() {
            bytes[at] = text.as_bytes()[at];
            at += 1;
        }
        Self { bytes }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let length = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(Self::MAX_LEN);
        std::str::from_utf8(&self.bytes[..length]).expect("only letters, digits, _ and - were let in")
    }
}

impl Default for VariantName {
    fn default() -> Self {
        Self::RESULT
    }
}

/// The text cannot name a variant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a variant's name: expected a lower-case letter, then up to 31 of a-z, 0-9, _ and -")]
pub struct InvalidVariantName(String);

impl FromStr for VariantName {
    type Err = InvalidVariantName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let spelled = text.len() <= Self::MAX_LEN
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if spelled { Ok(Self::literal(text)) } else { Err(InvalidVariantName(text.to_owned())) }
    }
}

impl fmt::Display for VariantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for VariantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl From<VariantName> for String {
    fn from(name: VariantName) -> Self {
        name.as_str().to_owned()
    }
}

impl TryFrom<String> for VariantName {
    type Error = InvalidVariantName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_what_it_prints_and_nothing_else() {
        let longest = "x".repeat(VariantName::MAX_LEN);
        for text in ["a", "result", "w-400_2x", &longest] {
            assert_eq!(text.parse::<VariantName>().map(|name| name.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "A", "1st", "-a", "a.b", "a/b", "ä", "a b", "a\0", &format!("{longest}x")] {
            assert_eq!(text.parse::<VariantName>(), Err(InvalidVariantName(text.to_owned())));
        }
        assert_eq!("result".parse(), Ok(VariantName::RESULT));
    }

    #[test]
    fn names_are_ordered_as_texts_are() {
        let mut names: Vec<VariantName> = ["b", "ab", "a", "a-", "a1"].map(|text| text.parse().unwrap()).to_vec();
        names.sort();
        assert_eq!(names.iter().map(VariantName::as_str).collect::<Vec<_>>(), ["a", "a-", "a1", "ab", "b"]);
    }
}
