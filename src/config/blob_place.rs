//! Where blobs are kept, and what opens the door there.

use std::fmt;
use std::str::FromStr;

/// A place for blobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BlobPlace {
    /// Files in the data directory.
    #[default]
    Local,
    /// A bucket of an S3-compatible store.
    S3 {
        /// The bucket.
        bucket: String,
        /// What every name in it begins with; may be empty.
        prefix: String,
    },
}

/// The text names no place for blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place for blobs")]
pub struct InvalidBlobPlace;

impl FromStr for BlobPlace {
    type Err = InvalidBlobPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "local" {
            return Ok(Self::Local);
        }
        let rest = text.strip_prefix("s3://").ok_or(InvalidBlobPlace)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if is_bucket(bucket) && (prefix.is_empty() || prefix.split('/').all(is_segment)) {
            Ok(Self::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
        } else {
            Err(InvalidBlobPlace)
        }
    }
}

/// As S3 itself takes them.
fn is_bucket(text: &str) -> bool {
    (3..=63).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
}

/// Letters that mean nothing to anybody.
fn is_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

impl fmt::Display for BlobPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// Something that nobody is shown: no log, no reply, no message.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// What is kept secret.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "(hidden)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_what_it_prints_and_nothing_else() {
        for text in ["local", "s3://images", "s3://my.images-2/safelight", "s3://images/a/b_c.d"] {
            assert_eq!(text.parse::<BlobPlace>().map(|place| place.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("s3://images/a/".parse::<BlobPlace>().map(|place| place.to_string()).as_deref(), Ok("s3://images/a"));
        for bad in ["", "Local", "s3://", "s3://ab", "s3://Images", "s3://images//a", "s3://images/../a", "s3://images/ä", "http://images"]
        {
            assert!(bad.parse::<BlobPlace>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?} {:?}", Secret::from("open sesame"), Secret::default()), "(hidden) none");
    }
}
