//! What a blob is called and what is known about it. Where its bytes lie is the store's business.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::asset::AssetVersion;
use crate::domain::ids::{ClaimNo, TaskId};
use crate::domain::pipeline::VariantName;

/// The stage of a blob: before or after processing, or beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// As it was handed in.
    Original,
    /// As a worker's child made it.
    Processed,
    /// As it was handed in, for any number of tasks.
    Asset,
}

/// The name of a blob. Blobs are immutable: a name is written once and never changes what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BlobKey {
    /// The bytes that were handed in for a task.
    Original(TaskId),
    /// The bytes that one claim of a task produced for a variant; a late claim writes another name and harms nothing.
    Processed(TaskId, ClaimNo, VariantName),
    /// The bytes of one version of an asset.
    Asset(AssetVersion),
}

impl BlobKey {
    /// The task that the blob belongs to; an asset belongs to none.
    #[must_use]
    pub fn task(&self) -> Option<TaskId> {
        match *self {
            Self::Original(id) | Self::Processed(id, ..) => Some(id),
            Self::Asset(_) => None,
        }
    }

    /// The id that the name begins with.
    #[must_use]
    pub fn as_uuid(&self) -> &Uuid {
        match self {
            Self::Original(id) | Self::Processed(id, ..) => id.as_uuid(),
            Self::Asset(version) => version.as_uuid(),
        }
    }

    /// The stage of the blob.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self {
            Self::Original(_) => Stage::Original,
            Self::Processed(..) => Stage::Processed,
            Self::Asset(_) => Stage::Asset,
        }
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Original(id) => write!(f, "{id}.original"),
            Self::Processed(id, claim, variant) => write!(f, "{id}.processed.{claim}.{variant}"),
            Self::Asset(version) => write!(f, "{version}.asset"),
        }
    }
}

/// The text was not the name of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a blob's name: expected <task id>.original, <task id>.processed.<claim number>.<variant> or <version>.asset")]
pub struct InvalidBlobKey;

impl FromStr for BlobKey {
    type Err = InvalidBlobKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(InvalidBlobKey);
        let id = Uuid::try_parse(next()?).map_err(|_| InvalidBlobKey)?;
        let key = match next()? {
            "original" => Self::Original(id.into()),
            "asset" => Self::Asset(id.into()),
            "processed" => {
                let claim = next()?.parse().map_err(|_| InvalidBlobKey)?;
                Self::Processed(id.into(), ClaimNo(claim), next()?.parse().map_err(|_| InvalidBlobKey)?)
            }
            _ => return Err(InvalidBlobKey),
        };
        // One blob, one spelling: `+1` or `01` are not claim numbers, and no id has capitals.
        if key.to_string() == text { Ok(key) } else { Err(InvalidBlobKey) }
    }
}

/// A SHA-256 digest, printed as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Sha256(pub [u8; 32]);

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // At once: a digest is part of every answer about a result.
        let text: [u8; 64] = std::array::from_fn(|place| {
            let byte = self.0[place / 2];
            DIGITS[usize::from(if place % 2 == 0 { byte >> 4 } else { byte & 0xf })]
        });
        f.write_str(str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text was not a SHA-256 digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest: expected 64 lower-case hexadecimal digits")]
pub struct InvalidSha256;

impl FromStr for Sha256 {
    type Err = InvalidSha256;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(InvalidSha256),
        };
        let bytes = text.as_bytes();
        if bytes.len() != 64 {
            return Err(InvalidSha256);
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(digest))
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Sha256 {
    type Error = InvalidSha256;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// What is known of a blob's bytes once they are durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobMeta {
    /// Length in bytes.
    pub len: u64,
    /// Digest of the bytes.
    pub sha256: Sha256,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_what_it_prints_and_nothing_else() {
        let id = TaskId::random();
        for key in [BlobKey::Original(id), BlobKey::Processed(id, ClaimNo(7), VariantName::RESULT), BlobKey::Asset(AssetVersion::random())]
        {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        for rest in [
            "",
            "original.1",
            "asset.1",
            "processed",
            "processed.",
            "processed.1",
            "processed.1.",
            "processed.+1.a",
            "processed.01.a",
            "processed.1.a.b",
            "../original",
        ] {
            assert_eq!(format!("{id}.{rest}").parse::<BlobKey>(), Err(InvalidBlobKey), "{rest}");
        }
    }

    #[test]
    fn a_digest_reads_what_it_prints() {
        let digest = Sha256(std::array::from_fn(|i| i as u8 * 7));
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!("AB".repeat(32).parse::<Sha256>().is_err());
        assert!("ab".parse::<Sha256>().is_err());
    }
}
