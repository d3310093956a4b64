//! Blobs as files of a local file system.
//!
//! A blob is written under a temporary name, synced, renamed to its own name, and its directory synced; only then the put
//! is answered. Threads of the store's own do everything that blocks: on a journalling file system concurrent fsyncs share a
//! journal commit, so there are as many of them as fsyncs that are worth sharing (docs/benchmarks.md has the figures). They
//! also make the store independent of the caller's runtime and let it close cleanly.

mod files;
mod integrity;
mod layout;
mod removals;
mod temp;
mod upload;

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::domain::blob::{BlobKey, BlobMeta};
use crate::domain::faults;
use crate::stores::ages::Ages;
use crate::stores::blobs::{BlobCursor, BlobEntry, BlobPage, BlobStore, BlobStoreError, Chunk, OpenBlob, PutSize};
use crate::stores::local_fs::layout::Layout;
use crate::stores::local_fs::removals::Removals;
use crate::stores::local_fs::temp::sorted;
use crate::stores::local_fs::upload::Upload;
use crate::stores::pool::Pool;
use crate::stores::threads::QueueStats;
use crate::stores::{Clock, monotonic_clock};

pub use files::{BlobFiles, CopyError};
pub use removals::RemovalHold;

/// The directory of the blobs inside the data directory.
pub const DIR_NAME: &str = "blobs";

/// How a blob store is opened.
#[derive(Clone)]
pub struct LocalBlobsOptions {
    /// The clock of the blobs' ages.
    pub clock: Clock,
    /// Where ages stop to grow, because puts are remembered no longer: the longest useful grace of a sweep.
    pub max_age: Duration,
    /// Threads that read, write and sync; that many fsyncs may share one journal commit.
    pub threads: usize,
    /// Short operations that may be under way; further ones are refused.
    pub max_operations: usize,
    /// Bodies that may be arriving; further ones are refused. A bound of their own, since they last as long as their
    /// clients please: no number of slow clients may keep results from being read and written.
    pub max_uploads: usize,
}

impl Default for LocalBlobsOptions {
    fn default() -> Self {
        Self { clock: monotonic_clock(), max_age: Duration::from_secs(3600), threads: 16, max_operations: 1024, max_uploads: 4096 }
    }
}

/// The store of blobs. Dropping it ends its threads once no put is under way, within a deadline.
pub struct LocalBlobs {
    disk: Arc<Disk>,
    pool: Arc<Pool<()>>,
    operations: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
}

/// What the disk threads work on. It does not hold the threads, which must not end up waiting for themselves.
struct Disk {
    layout: Layout,
    removals: Removals,
    ages: Ages,
}

impl LocalBlobs {
    /// Opens or creates the store in `dir` and removes what a former process left incomplete. The directory must be
    /// locked against other servers ([`crate::stores::data_dir`]). Blocks; not for an arbiter.
    ///
    /// # Errors
    /// If a directory or file cannot be created, removed or synced.
    pub fn open(dir: &Path, options: LocalBlobsOptions) -> Result<Self, BlobStoreError> {
        let layout = Layout::prepare(dir.join(DIR_NAME)).map_err(sorted)?;
        let removals = Removals::prepare(dir).map_err(sorted)?;
        let disk = Arc::new(Disk { layout, removals, ages: Ages::new(options.clock, options.max_age) });
        let pool = Arc::new(Pool::start("blobs", options.threads, options.max_operations + options.max_uploads, || ())?);
        let (operations, uploads) = (Semaphore::new(options.max_operations), Semaphore::new(options.max_uploads));
        Ok(Self { disk, pool, operations: Arc::new(operations), uploads: Arc::new(uploads) })
    }

    /// How busy the disk threads are.
    #[must_use]
    pub fn stats(&self) -> QueueStats {
        self.pool.stats()
    }

    fn upload(&self, slots: &Arc<Semaphore>) -> Result<Upload, BlobStoreError> {
        Ok(Upload::new(Arc::clone(&self.pool), Arc::clone(&self.disk), slot(slots)?))
    }

    /// Runs one short job on a disk thread.
    fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Disk) -> Result<T, BlobStoreError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, BlobStoreError>> {
        let (slot, pool, disk) = (slot(&self.operations), Arc::clone(&self.pool), Arc::clone(&self.disk));
        async move {
            let slot = slot?;
            on_disk(&pool, move || {
                let _slot = slot;
                job(&disk)
            })
            .await
        }
        .boxed()
    }
}

/// One of `slots`, or the refusal.
fn slot(slots: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, BlobStoreError> {
    let refused = |_| BlobStoreError::Unavailable("as many operations as it accepts are under way".into());
    Arc::clone(slots).try_acquire_owned().map_err(refused)
}

impl BlobStore for LocalBlobs {
    fn put(&self, key: BlobKey, body: mpsc::Receiver<Chunk>, size: PutSize) -> BoxFuture<'static, Result<BlobMeta, BlobStoreError>> {
        let upload = self.upload(&self.uploads);
        async move { upload?.receive(key, body, size).await }.boxed()
    }

    fn put_file(&self, key: BlobKey, source: File, len: u64) -> BoxFuture<'static, Result<BlobMeta, BlobStoreError>> {
        let upload = self.upload(&self.operations);
        async move { upload?.copy(key, source, len).await }.boxed()
    }

    fn open(&self, key: BlobKey) -> BoxFuture<'static, Result<OpenBlob, BlobStoreError>> {
        self.run(move |disk| disk.open(key))
    }

    fn delete(&self, key: BlobKey) -> BoxFuture<'static, Result<(), BlobStoreError>> {
        self.run(move |disk| disk.delete(key))
    }

    fn list(&self, after: Option<BlobCursor>) -> BoxFuture<'static, Result<BlobPage, BlobStoreError>> {
        self.run(move |disk| disk.list(after))
    }

    fn digest(&self, key: BlobKey) -> BoxFuture<'static, Result<BlobMeta, BlobStoreError>> {
        self.run(move |disk| disk.digest(key))
    }

    fn set_aside(&self, key: BlobKey) -> BoxFuture<'static, Result<(), BlobStoreError>> {
        self.run(move |disk| disk.set_aside(key))
    }

    fn free_bytes(&self) -> BoxFuture<'static, Result<Option<u64>, BlobStoreError>> {
        self.run(|disk| {
            let stat = rustix::fs::statvfs(disk.layout.root()).map_err(io::Error::from)?;
            Ok(Some(stat.f_bavail.saturating_mul(stat.f_frsize)))
        })
    }
}

impl Disk {
    fn open(&self, key: BlobKey) -> Result<OpenBlob, BlobStoreError> {
        let file = File::open(self.layout.path_of(key)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BlobStoreError::NotFound,
            _ => BlobStoreError::Io(error),
        })?;
        let len = file.metadata()?.len();
        Ok(OpenBlob { file, len })
    }

    /// The removal is not synced: a blob that a power cut brings back is an orphan and is swept.
    fn delete(&self, key: BlobKey) -> Result<(), BlobStoreError> {
        faults::io("blobs.before_delete")?;
        let _allowed = self.removals.allow()?;
        match fs::remove_file(self.layout.path_of(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(faults::io("blobs.after_delete")?),
        }
    }

    /// A page is one of the 256 directories.
    fn list(&self, after: Option<BlobCursor>) -> Result<BlobPage, BlobStoreError> {
        let unknown = |_| io::Error::new(io::ErrorKind::InvalidInput, "not a cursor of this store");
        let shard = match after {
            None => 0,
            Some(BlobCursor(next)) => u8::from_str_radix(&next, 16).map_err(unknown)?,
        };
        let mut blobs = Vec::new();
        for entry in fs::read_dir(self.layout.shard(shard))? {
            let entry = entry?;
            let Some(key) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                log::warn!(file:? = entry.path(); "a file among the blobs is none and is left alone");
                continue;
            };
            match entry.metadata() {
                Ok(metadata) => blobs.push(BlobEntry { key, len: metadata.len(), age: self.ages.of(key) }),
                // Deleted meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(BlobPage { blobs, next: shard.checked_add(1).map(|next| BlobCursor(format!("{next:02x}"))) })
    }
}

async fn on_disk<T: Send + 'static>(
    pool: &Pool<()>,
    job: impl FnOnce() -> Result<T, BlobStoreError> + Send + 'static,
) -> Result<T, BlobStoreError> {
    let result = pool.run(move |()| job()).map_err(BlobStoreError::Unavailable)?;
    result.await.unwrap_or_else(|_| Err(BlobStoreError::Io(io::Error::other("a disk thread panicked over the request"))))
}
