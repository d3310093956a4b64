//! A put on its way: bytes are awaited on the caller's runtime, and a disk thread is taken only to write what has come.
//!
//! So a hundred slow senders occupy no thread while they are silent. Each put has at most one job in the queue of the
//! threads, and its slot goes with the job: the number of slots bounds the queue.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::domain::blob::{BlobKey, BlobMeta};
use crate::stores::blobs::{BlobStoreError, Chunk, PutSize};
use crate::stores::local_fs::temp::TempBlob;
use crate::stores::local_fs::{Disk, on_disk};
use crate::stores::pool::Pool;

/// How many bytes are gathered before they are written.
const WRITE_SIZE: usize = 256 * 1024;

/// What moves between the waiting future and the disk threads.
pub(super) struct Work {
    disk: Arc<Disk>,
    temp: Option<TempBlob>,
    _slot: OwnedSemaphorePermit,
}

impl Work {
    fn temp(&mut self) -> Result<&mut TempBlob, BlobStoreError> {
        if self.temp.is_none() {
            self.temp = Some(TempBlob::create(&self.disk.layout)?);
        }
        self.temp.as_mut().ok_or(BlobStoreError::Aborted)
    }

    fn reserve(&mut self, len: u64) -> Result<(), BlobStoreError> {
        self.temp()?.reserve(len)
    }

    fn write(&mut self, chunks: &[Bytes]) -> Result<(), BlobStoreError> {
        let temp = self.temp()?;
        chunks.iter().try_for_each(|chunk| temp.write(chunk))
    }

    fn persist(&mut self, key: BlobKey) -> Result<BlobMeta, BlobStoreError> {
        self.temp()?;
        let temp = self.temp.take().ok_or(BlobStoreError::Aborted)?;
        temp.persist(&self.disk.layout, key, || self.disk.ages.record(key))
    }
}

/// One put. Dropping it, finished or not, leaves no incomplete file.
pub(super) struct Upload {
    pool: Arc<Pool<()>>,
    /// Away while a disk thread has it.
    work: Option<Work>,
}

impl Upload {
    pub(super) fn new(pool: Arc<Pool<()>>, disk: Arc<Disk>, slot: OwnedSemaphorePermit) -> Self {
        Self { pool, work: Some(Work { disk, temp: None, _slot: slot }) }
    }

    /// Stores what `body` delivers. An error is reported only after the incomplete file is gone.
    pub(super) async fn receive(mut self, key: BlobKey, body: mpsc::Receiver<Chunk>, size: PutSize) -> Result<BlobMeta, BlobStoreError> {
        let result = self.try_receive(key, body, size).await;
        if result.is_err()
            && let Some(work) = self.work.take()
        {
            // Where the job is lost, so is the pool, and the next opening sweeps.
            let discard = move || {
                drop(work);
                Ok(())
            };
            drop(on_disk(&self.pool, discard).await);
        }
        result
    }

    async fn try_receive(&mut self, key: BlobKey, mut body: mpsc::Receiver<Chunk>, size: PutSize) -> Result<BlobMeta, BlobStoreError> {
        let too_large = BlobStoreError::TooLarge { max: size.max };
        if size.announced.is_some_and(|len| len > size.max) {
            return Err(too_large);
        }
        // A body that is written at once shows a full disk by itself; reserved room only makes its fsync dearer.
        if let Some(len) = size.announced.filter(|&len| len > WRITE_SIZE as u64) {
            self.on_disk(move |work| work.reserve(len)).await?;
        }
        let (mut total, mut gathered, mut chunks) = (0, 0, Vec::new());
        loop {
            match body.recv().await {
                None => return Err(BlobStoreError::Aborted),
                Some(Chunk::End) => break,
                Some(Chunk::Data(bytes)) => {
                    total += bytes.len() as u64;
                    gathered += bytes.len();
                    chunks.push(bytes);
                }
            }
            if total > size.max {
                return Err(too_large);
            }
            if gathered >= WRITE_SIZE {
                let full = std::mem::take(&mut chunks);
                gathered = 0;
                self.on_disk(move |work| work.write(&full)).await?;
            }
        }
        if size.announced.is_some_and(|len| len != total) {
            return Err(BlobStoreError::Aborted);
        }
        // One job for the rest: while this put waits for its fsync, the other threads bring theirs into the same journal commit.
        self.on_disk(move |work| work.write(&chunks).and_then(|()| work.persist(key))).await
    }

    /// Stores the first `len` bytes of `source`. They are at hand, so one job does it all.
    pub(super) async fn copy(mut self, key: BlobKey, source: std::fs::File, len: u64) -> Result<BlobMeta, BlobStoreError> {
        self.on_disk(move |work| work.temp()?.copy(&source, len).and_then(|()| work.persist(key))).await
    }

    /// Runs `job` on a disk thread. If it fails, or nobody waits for it any more, the incomplete file goes there, too.
    async fn on_disk<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut Work) -> Result<T, BlobStoreError> + Send + 'static,
    ) -> Result<T, BlobStoreError> {
        let mut work = self.work.take().ok_or(BlobStoreError::Aborted)?;
        let (work, value) = on_disk(&self.pool, move || job(&mut work).map(|value| (work, value))).await?;
        self.work = Some(work);
        Ok(value)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(work) = self.work.take().filter(|work| work.temp.is_some()) {
            // Removing a file blocks; whoever gave up on this put may be an arbiter.
            drop(self.pool.run(move |()| drop(work)));
        }
    }
}
