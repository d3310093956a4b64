//! Assets: images that pipelines lay over others, kept under names. Where their bytes lie is the blob store's business.
//!
//! The bytes of an asset never change. A name stands for one version at a time; to replace an asset is to let its name stand
//! for another version, and a task keeps the version that it was accepted with.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::blob::{BlobKey, BlobMeta};
use crate::domain::format::Format;
use crate::domain::ids::uuid_names;
use crate::domain::name::is_name;
use crate::domain::timestamp::Timestamp;

/// The name of an asset: a lower-case letter, then up to 63 lower-case letters, digits, `_` or `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct AssetName(String);

impl AssetName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text cannot name an asset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an asset's name: expected a lower-case letter, then up to 63 of a-z, 0-9, _ and -")]
pub struct InvalidAssetName(String);

impl FromStr for AssetName {
    type Err = InvalidAssetName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_name(text) { Ok(Self(text.to_owned())) } else { Err(InvalidAssetName(text.to_owned())) }
    }
}

impl From<AssetName> for String {
    fn from(name: AssetName) -> Self {
        name.0
    }
}

impl TryFrom<String> for AssetName {
    type Error = InvalidAssetName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for AssetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

uuid_names! {
    /// One version of an asset: a random (version 4) UUID, never given out twice, so that what is no longer in use never is again.
    AssetVersion, InvalidAssetVersion = "a version of an asset";
}

/// An asset as a pipeline names it: whatever its name stands for, or one version of it (`logo@67e55044-...`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct AssetRef {
    /// The name.
    pub name: AssetName,
    /// The version, where only that one will do.
    pub version: Option<AssetVersion>,
}

impl AssetRef {
    /// How many bytes a version takes in the text, with what divides it from the name.
    pub const VERSION_LEN: usize = 1 + uuid::fmt::Hyphenated::LENGTH;
}

/// The text does not name an asset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAssetRef {
    /// The name is none.
    #[error(transparent)]
    Name(#[from] InvalidAssetName),
    /// What follows it is no version.
    #[error(transparent)]
    Version(#[from] InvalidAssetVersion),
}

impl FromStr for AssetRef {
    type Err = InvalidAssetRef;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, version) = text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version)));
        Ok(Self { name: name.parse()?, version: version.map(str::parse).transpose()? })
    }
}

impl From<AssetRef> for String {
    fn from(asset: AssetRef) -> Self {
        asset.to_string()
    }
}

impl TryFrom<String> for AssetRef {
    type Error = InvalidAssetRef;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for AssetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        self.version.map_or(Ok(()), |version| write!(f, "@{version}"))
    }
}

/// An asset whose bytes are durable and that is to stand under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAsset {
    /// The name.
    pub name: AssetName,
    /// The version under which the bytes were stored.
    pub version: AssetVersion,
    /// Length and digest of the bytes.
    pub blob: BlobMeta,
    /// The format that the first bytes belong to.
    pub format: Format,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
}

/// An asset as it was at one moment: a copy of its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The name.
    pub name: AssetName,
    /// The version that the name stands for.
    pub version: AssetVersion,
    /// Length and digest of the bytes.
    pub blob: BlobMeta,
    /// The format of the bytes.
    pub format: Format,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// Since when the name stands for this version.
    pub stored_at: Timestamp,
}

impl Asset {
    /// A new asset as it is from `now` on.
    #[must_use]
    pub fn create(new: NewAsset, now: Timestamp) -> Self {
        let NewAsset { name, version, blob, format, width, height } = new;
        Self { name, version, blob, format, width, height, stored_at: now }
    }

    /// The name of the blob that has the bytes.
    #[must_use]
    pub fn key(&self) -> BlobKey {
        BlobKey::Asset(self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_needs_no_quotes_anywhere() {
        for name in ["logo", "a", "logo-2024_b", &"a".repeat(64)] {
            assert_eq!(name.parse::<AssetName>().map(|name| name.to_string()).as_deref(), Ok(name));
        }
        for text in ["", "Logo", "1st", "-a", "a b", "a/b", "a@b", "a.png", "ä", &"a".repeat(65)] {
            assert_eq!(text.parse::<AssetName>(), Err(InvalidAssetName(text.to_owned())), "{text}");
        }
    }
}
