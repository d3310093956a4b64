//! Idempotency: what lets a client send an upload again without knowing whether the first try arrived.
//!
//! A client gives its upload a key. The first task under it, of each caller, is the only one: whoever sends the same again is answered
//! with that task, whoever sends something else is refused. What is the same is told by a fingerprint of what was understood, since the
//! bytes of a form differ from try to try.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256 as Hasher};

use crate::domain::blob::Sha256;

/// The name that a client gives to an upload: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The most characters.
    pub const MAX_LEN: usize = 255;

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text cannot name an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to 255 visible ASCII characters, such as a UUID, without blanks")]
pub struct InvalidIdempotencyKey;

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    /// Quotes around it are none of the key: the header is a string of RFC 9651, and many clients send it without.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim_ascii();
        let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        let is_key = (1..=Self::MAX_LEN).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if is_key { Ok(Self(key.to_owned())) } else { Err(InvalidIdempotencyKey) }
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an upload was, as far as two of them can be told apart: equal uploads have equal fingerprints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The fingerprint of an image and of everything that was said about it, in a fixed order and in its one spelling.
    #[must_use]
    pub fn new(image: Sha256, said: &[&str]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(image.0);
        for text in said {
            // The lengths keep what belongs to one text from being read as part of the next.
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        }
        Self(hasher.finalize().into())
    }
}

/// The key of an upload, and what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The key.
    pub key: IdempotencyKey,
    /// What was sent under it.
    pub fingerprint: Fingerprint,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_visible_and_quotes_are_none_of_them() {
        let key = |text: &str| text.parse::<IdempotencyKey>().map(|key| key.to_string());
        assert_eq!(key("order-7"), Ok("order-7".into()));
        assert_eq!(key(" \"order-7\" "), Ok("order-7".into()));
        assert!(key(&"x".repeat(255)).is_ok());
        for text in ["", "\"\"", "a b", "ä", &"x".repeat(256)] {
            assert_eq!(key(text), Err(InvalidIdempotencyKey), "{text}");
        }
    }

    #[test]
    fn a_fingerprint_tells_images_and_texts_apart() {
        let of = |byte, said: &[&str]| Fingerprint::new(Sha256([byte; 32]), said);
        assert_eq!(of(1, &["invert", ""]), of(1, &["invert", ""]));
        for (byte, said) in [(2, ["invert", ""]), (1, ["", "invert"]), (1, ["inver", "t"])] {
            assert_ne!(of(1, &["invert", ""]), of(byte, &said), "{said:?}");
        }
    }
}
