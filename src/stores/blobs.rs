//! What every store of blobs promises.
//!
//! A blob is written once under a name of its own and never changes. It is visible whole or not at all, and a reply to
//! a put means that its bytes and its name are durable.

use std::fs::File;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use crate::domain::blob::{BlobKey, BlobMeta};

/// A store of blobs.
pub trait BlobStore: Send + Sync {
    /// Stores what `body` delivers, hashing on the way. Until it replies nothing is visible under `key`; when it fails,
    /// or its future is dropped, nothing is left.
    fn put(&self, key: BlobKey, body: mpsc::Receiver<Chunk>, size: PutSize) -> BoxFuture<'static, Result<BlobMeta, BlobStoreError>>;

    /// Stores the first `len` bytes of `source`, read by position (`pread`): for bytes that are already at hand, such
    /// as a sealed memory file.
    fn put_file(&self, key: BlobKey, source: File, len: u64) -> BoxFuture<'static, Result<BlobMeta, BlobStoreError>>;

    /// Opens a blob for reading.
    fn open(&self, key: BlobKey) -> BoxFuture<'static, Result<OpenBlob, BlobStoreError>>;

    /// Removes a blob; one that is not there is no error.
    fn delete(&self, key: BlobKey) -> BoxFuture<'static, Result<(), BlobStoreError>>;

    /// One page of what is stored, in no order. A blob that is there during the whole listing is on exactly one page.
    fn list(&self, after: Option<BlobCursor>) -> BoxFuture<'static, Result<BlobPage, BlobStoreError>>;

    /// Reads a blob from the disk and replies with its length and digest: what it is now, not what it was when it was put.
    fn digest(&self, key: BlobKey) -> BoxFuture<'static, Result<BlobMeta, BlobStoreError>>;

    /// Takes a blob away from where it is found, and keeps its bytes for the operator; one that is not there is no error.
    fn set_aside(&self, key: BlobKey) -> BoxFuture<'static, Result<(), BlobStoreError>>;

    /// How many more bytes can be stored, where the engine can tell.
    fn free_bytes(&self) -> BoxFuture<'static, Result<Option<u64>, BlobStoreError>>;

    /// Whether the store answers at all, told within seconds; one that needs nobody else always does.
    fn check(&self) -> BoxFuture<'static, Result<(), BlobStoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// One piece of a body on its way into a store.
#[derive(Clone, Debug)]
pub enum Chunk {
    /// The next bytes.
    Data(Bytes),
    /// The body is complete. A channel that closes without this is an aborted upload.
    End,
}

/// What is known of a body's size before it arrives.
#[derive(Clone, Copy, Debug)]
pub struct PutSize {
    /// The length that the sender announced, if it did; any other length then aborts the put.
    pub announced: Option<u64>,
    /// The greatest length that is accepted.
    pub max: u64,
}

/// A blob opened for reading; stays readable while it is deleted.
#[derive(Debug)]
pub struct OpenBlob {
    /// The bytes, from the start.
    pub file: File,
    /// Their number.
    pub len: u64,
}

/// Where a listing goes on; only the engine that made it understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobCursor(pub String);

/// One page of a listing.
#[derive(Clone, Debug)]
pub struct BlobPage {
    /// What is stored.
    pub blobs: Vec<BlobEntry>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<BlobCursor>,
}

/// A stored blob as the sweep for orphans sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobEntry {
    /// Its name.
    pub key: BlobKey,
    /// Its length in bytes.
    pub len: u64,
    /// How long it has been there at least, on the engine's clock: a jump of the wall clock ages nothing.
    pub age: Duration,
}

/// Why a store of blobs did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum BlobStoreError {
    /// No blob of that name.
    #[error("there is no such blob")]
    NotFound,
    /// The name is taken; what it holds is unchanged.
    #[error("a blob of that name is already stored")]
    Exists,
    /// The body is longer than `max` bytes; nothing is left of it.
    #[error("the body is longer than the {max} bytes that are accepted")]
    TooLarge {
        /// The greatest length that was accepted.
        max: u64,
    },
    /// The body ended before it was complete, or was not as long as announced; nothing is left of it.
    #[error("the body ended early or was not as long as announced; send it again")]
    Aborted,
    /// No room on the disk; nothing is left of the blob.
    #[error("the blob store is full: free disk space, then try again")]
    Full,
    /// As many operations are under way as the store accepts; nothing was done.
    #[error("the blob store did not take the request: {0}; try again later")]
    Unavailable(String),
    /// The disk failed; a put that ends like this has left nothing visible.
    #[error("the blob store failed: {0}")]
    Io(#[from] io::Error),
}
