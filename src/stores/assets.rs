//! What every store of assets promises. It holds which version a name stands for; the bytes are in the blob store.

use futures::future::BoxFuture;

use crate::domain::asset::{Asset, AssetName, AssetVersion, NewAsset};

/// A store of the names of assets. Replies mean that the commit is durable.
pub trait AssetStore: Send + Sync {
    /// Lets the name of `asset` stand for its version from now on, instead of any other. A name that is not there yet is refused when
    /// there are `max` of them. Idempotent: a caller whose outcome is unknown may repeat it.
    fn put(&self, asset: NewAsset, max: u64) -> BoxFuture<'static, Result<StoredAsset, AssetStoreError>>;

    /// What `name` stands for.
    fn get(&self, name: AssetName) -> BoxFuture<'static, Result<Option<Asset>, AssetStoreError>>;

    /// Takes `name` away; says whether it was there.
    fn delete(&self, name: AssetName) -> BoxFuture<'static, Result<bool, AssetStoreError>>;

    /// One page of assets in the order of their names.
    fn list(&self, query: AssetQuery) -> BoxFuture<'static, Result<AssetPage, AssetStoreError>>;

    /// How many names there are.
    fn count(&self) -> BoxFuture<'static, Result<u64, AssetStoreError>>;

    /// Whether a name stands for `version`, or a task that may still be run was accepted with it. Once it was in use, one that is not
    /// never is again.
    fn is_in_use(&self, version: AssetVersion) -> BoxFuture<'static, Result<bool, AssetStoreError>>;
}

/// An asset that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAsset {
    /// The asset.
    pub asset: Asset,
    /// Whether its name stood for another version before.
    pub replaced: bool,
}

/// Asks for one page of assets.
#[derive(Clone, Debug)]
pub struct AssetQuery {
    /// Only names behind this one.
    pub after: Option<AssetName>,
    /// At most so many; engines cap it at [`AssetQuery::MAX_LIMIT`], and 0 reads as 1.
    pub limit: usize,
}

impl AssetQuery {
    /// The longest page.
    pub const MAX_LIMIT: usize = 1000;
}

/// One page of assets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetPage {
    /// In the order of their names.
    pub assets: Vec<Asset>,
    /// The last name of this page where there are more behind it.
    pub next: Option<AssetName>,
}

/// Why a store of assets did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssetStoreError {
    /// There are as many names as there may be; nothing changed.
    #[error("the server keeps {max} assets, as many as it may: remove one, or raise limits.max_assets")]
    TooMany {
        /// How many there may be.
        max: u64,
    },
    /// No room on the disk; nothing changed.
    #[error("the database of assets is full: free disk space, then try again")]
    Full,
    /// The request was not carried out; nothing changed.
    #[error("the database of assets did not take the request: {0}; try again later")]
    Unavailable(String),
    /// The change may or may not have happened.
    #[error("whether the database of assets kept the change is unknown: {0}; read the asset again")]
    UnknownOutcome(String),
    /// What the database holds cannot be understood.
    #[error("the database of assets holds something unreadable: {0}; store the asset again or remove it")]
    Corrupt(String),
}
