//! Blob stores under test, and bodies to put into them.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use safelight::domain::blob::{BlobKey, BlobMeta, Sha256};
use safelight::domain::ids::TaskId;
use safelight::stores::blobs::{BlobEntry, BlobStore, BlobStoreError, Chunk, PutSize};
use safelight::stores::local_fs::{LocalBlobs, LocalBlobsOptions};
use sha2::Digest;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::fixtures::{HandClock, block_on, scratch};

/// An engine for blobs whose clock the suite holds in its hand.
pub(crate) trait BlobEngine {
    fn blobs(&self) -> Arc<dyn BlobStore>;
    fn clock(&self) -> &HandClock;
    /// Closes the engine and opens it again over what it stored.
    fn reopen(&mut self);
}

/// [`LocalBlobs`] in a directory of its own.
pub(crate) struct Local {
    pub(crate) dir: TempDir,
    clock: HandClock,
    options: LocalBlobsOptions,
    pub(crate) store: Option<Arc<LocalBlobs>>,
}

impl Local {
    pub(crate) fn with(options: &LocalBlobsOptions) -> Self {
        let clock = HandClock::default();
        let options = LocalBlobsOptions { clock: clock.clock(), ..options.clone() };
        let mut engine = Self { dir: scratch(), clock, options, store: None };
        engine.reopen();
        engine
    }

    pub(crate) fn store(&self) -> Arc<LocalBlobs> {
        Arc::clone(self.store.as_ref().unwrap())
    }

    /// The files that are not complete.
    pub(crate) fn temp_files(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("blobs/tmp")).unwrap().count()
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::with(&LocalBlobsOptions::default())
    }
}

impl BlobEngine for Local {
    fn blobs(&self) -> Arc<dyn BlobStore> {
        self.store()
    }

    fn clock(&self) -> &HandClock {
        &self.clock
    }

    fn reopen(&mut self) {
        self.store = None;
        self.store = Some(Arc::new(LocalBlobs::open(self.dir.path(), self.options.clone()).unwrap()));
    }
}

/// No announcement and no limit.
pub(crate) const ANY_SIZE: PutSize = PutSize { announced: None, max: u64::MAX };

pub(crate) fn original() -> BlobKey {
    BlobKey::Original(TaskId::random())
}

/// Bytes that are neither constant nor a short cycle.
pub(crate) fn body(len: usize) -> Vec<u8> {
    (0..len as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

pub(crate) fn meta_of(bytes: &[u8]) -> BlobMeta {
    BlobMeta { len: bytes.len() as u64, sha256: Sha256(sha2::Sha256::digest(bytes).into()) }
}

/// A complete body in chunks of `chunk` bytes, as they come from a socket.
pub(crate) fn complete(bytes: &[u8], chunk: usize) -> mpsc::Receiver<Chunk> {
    let chunks: Vec<_> = bytes.chunks(chunk).map(|part| Chunk::Data(Bytes::copy_from_slice(part))).collect();
    let (sender, receiver) = mpsc::channel(chunks.len() + 1);
    chunks.into_iter().chain([Chunk::End]).for_each(|chunk| sender.try_send(chunk).unwrap());
    receiver
}

/// A body that has begun and goes on while the sender lives.
pub(crate) fn begun(bytes: &[u8]) -> (mpsc::Sender<Chunk>, mpsc::Receiver<Chunk>) {
    let (sender, receiver) = mpsc::channel(4);
    sender.try_send(Chunk::Data(Bytes::copy_from_slice(bytes))).unwrap();
    (sender, receiver)
}

pub(crate) fn put(store: &dyn BlobStore, key: BlobKey, bytes: &[u8]) -> BlobMeta {
    block_on(store.put(key, complete(bytes, 64 * 1024), ANY_SIZE)).unwrap()
}

pub(crate) fn read(store: &dyn BlobStore, key: BlobKey) -> Result<Vec<u8>, BlobStoreError> {
    let mut blob = block_on(store.open(key))?;
    let mut bytes = Vec::new();
    blob.file.read_to_end(&mut bytes)?;
    assert_eq!(blob.len, bytes.len() as u64);
    Ok(bytes)
}

pub(crate) fn list(store: &dyn BlobStore) -> Vec<BlobEntry> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = block_on(store.list(after)).unwrap();
        all.extend(page.blobs);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}
