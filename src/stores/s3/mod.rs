//! Blobs in an S3-compatible store.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | the store of blobs, its bounds and its threads |
//! | `bucket` | one bucket: the client with its deadlines and retries, where blobs lie, errors by what they mean |
//! | `spool` | bodies as files without a name, on their way in and out |
//! | `put`, `get` | a blob on its way in, and out |
//! | `probe` | what the store can do, and whether it is this server's |
//! | `sweep` | uploads that nobody has completed |
//!
//! A body is written to a local file first, without a name and without a sync, and hashed on the way; what goes to S3 goes from there, in
//! parts. So a sender that dawdles holds neither memory nor an upload, a body that breaks off never reaches the store, a request can be
//! repeated, and the digest is known before the first byte is sent: it travels with the blob, and whoever reads it is given those bytes
//! or none. What is acknowledged is durable because S3 has said so.
//!
//! Nothing here rests on conditional writes. Names are given out once (a task's id, a claim's number, an asset's version), and two puts of
//! one name in this process exclude one another; a store that can refuse to overwrite is asked to, beside that.

mod bucket;
mod get;
mod probe;
mod put;
mod spool;
mod sweep;

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

pub use probe::{Abilities, OpenError};

use crate::domain::blob::{BlobKey, BlobMeta};
use crate::domain::faults;
use crate::stores::ages::Ages;
use crate::stores::blobs::{BlobCursor, BlobEntry, BlobPage, BlobStore, BlobStoreError, Chunk, OpenBlob, PutSize};
use crate::stores::s3::bucket::Bucket;
use crate::stores::s3::probe::StoreClock;
use crate::stores::s3::spool::Spool;
use crate::stores::{Clock, monotonic_clock};

/// Blobs on one page of a listing.
const PAGE: usize = 1000;

/// How a store is reached, and how it is used.
#[derive(Clone)]
pub struct S3Options {
    /// The bucket; it must be there.
    pub bucket: String,
    /// What every name in the bucket begins with; may be empty.
    pub prefix: String,
    /// Where the store is, such as `http://127.0.0.1:8333`; Amazon's own of the region if none is named.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The key and its secret; what the environment offers (`AWS_ACCESS_KEY_ID`, a role) if none is named.
    pub credentials: Option<(String, String)>,
    /// How long one request may take, with its body.
    pub timeout: Duration,
    /// Whether a store that refuses to overwrite when it is asked to is asked to.
    pub conditional_put: bool,
    /// The name of the database whose blobs these are; the blobs of another one are not touched.
    pub owner: String,
    /// The clock of the blobs' ages.
    pub clock: Clock,
    /// Where ages stop to grow, because puts are remembered no longer: the longest useful grace of a sweep.
    pub max_age: Duration,
    /// Operations that may be under way; further ones are refused.
    pub max_operations: usize,
    /// Bodies that may be arriving; further ones are refused.
    pub max_uploads: usize,
    /// Blobs that may be on their way to the store, each with one part in memory; further ones wait.
    pub transfers: usize,
}

/// As a log may show it: without the secret.
impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, prefix, endpoint, region, .. } = self;
        write!(f, "s3://{bucket}/{prefix} in {region} at {}", endpoint.as_deref().unwrap_or("Amazon"))
    }
}

impl S3Options {
    /// A bucket and the defaults.
    #[must_use]
    pub fn new(bucket: &str, prefix: &str, owner: &str) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: prefix.into(),
            endpoint: None,
            region: "us-east-1".into(),
            credentials: None,
            timeout: Duration::from_secs(15),
            conditional_put: true,
            owner: owner.into(),
            clock: monotonic_clock(),
            max_age: Duration::from_secs(3600),
            max_operations: 1024,
            max_uploads: 4096,
            transfers: 8,
        }
    }
}

/// The store of blobs. Dropping it ends its threads without waiting for what is under way, which is an orphan then.
pub struct S3Blobs {
    inner: Arc<Inner>,
    /// Taken when it is dropped.
    runtime: Option<Runtime>,
    operations: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
}

/// What every operation works with.
struct Inner {
    bucket: Bucket,
    spool: Spool,
    abilities: Abilities,
    ages: Ages,
    store_clock: StoreClock,
    /// Names that are being put.
    names: Mutex<HashSet<BlobKey>>,
    transfers: Semaphore,
}

impl S3Blobs {
    /// Reaches the store, finds out what it can do, and makes sure that its blobs are those of the database `options.owner`. What a former
    /// process left in `spool`, a directory of its own, is removed. Blocks; not for an arbiter.
    ///
    /// # Errors
    /// If the store cannot be reached or used, or belongs to another database.
    pub fn open(options: &S3Options, spool: &Path) -> Result<Self, OpenError> {
        let spool = Spool::open(spool)?;
        let runtime = Builder::new_multi_thread().worker_threads(2).max_blocking_threads(16).thread_name("s3").enable_all().build()?;
        let bucket = Bucket::new(options)?;
        let (mut abilities, store_clock) = runtime.block_on(probe::probe(&bucket, &options.clock))?;
        log::info!(store:? = options, conditional_put = abilities.conditional_put; "the blob store was probed");
        if !abilities.conditional_put {
            log::warn!(
                "the blob store overwrites although it is asked not to; nothing rests on that, but nothing else may write below the prefix"
            );
        }
        runtime.block_on(probe::own(&bucket, &options.owner))?;
        abilities.conditional_put &= options.conditional_put;
        let inner = Arc::new(Inner {
            bucket,
            spool,
            abilities,
            ages: Ages::new(Arc::clone(&options.clock), options.max_age),
            store_clock,
            names: Mutex::default(),
            transfers: Semaphore::new(options.transfers),
        });
        runtime.spawn(sweep::again_and_again(Arc::clone(&inner)));
        let (operations, uploads) = (Semaphore::new(options.max_operations), Semaphore::new(options.max_uploads));
        Ok(Self { inner, runtime: Some(runtime), operations: Arc::new(operations), uploads: Arc::new(uploads) })
    }

    /// What the store can do.
    #[must_use]
    pub fn abilities(&self) -> Abilities {
        self.inner.abilities
    }

    /// Aborts uploads in parts that nobody has completed, begun so long ago; replies how many. The store does so by itself every hour.
    pub fn sweep_uploads(&self, older_than: Duration) -> BoxFuture<'static, Result<u64, BlobStoreError>> {
        self.run(move |inner| async move { sweep::sweep(&inner, older_than).await })
    }

    /// Runs `work` on the store's threads, whatever runtime waits for it.
    fn run<T, F>(&self, work: impl FnOnce(Arc<Inner>) -> F) -> BoxFuture<'static, Result<T, BlobStoreError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, BlobStoreError>> + Send + 'static,
    {
        let slot = slot(&self.operations);
        let work = work(Arc::clone(&self.inner));
        self.answer(async move {
            let _slot = slot?;
            work.await
        })
    }

    /// Takes what `receive` has spooled into the store. If nobody waits any more, it ends before it begins, or leaves nothing.
    fn store<F>(
        &self,
        key: BlobKey,
        slot: Result<OwnedSemaphorePermit, BlobStoreError>,
        receive: impl FnOnce(Arc<Inner>) -> F,
    ) -> BoxFuture<'static, Result<BlobMeta, BlobStoreError>>
    where
        F: Future<Output = Result<spool::Spooled, BlobStoreError>> + Send + 'static,
    {
        let (inner, received) = (Arc::clone(&self.inner), receive(Arc::clone(&self.inner)));
        let arriving = async move {
            let slot = slot?;
            Ok((slot, received.await?))
        };
        let (mut reply, result) = oneshot::channel();
        self.spawn(async move {
            let arrived = tokio::select! {
                arrived = arriving => arrived,
                () = reply.closed() => return,
            };
            let stored = match arrived {
                Ok((_slot, spooled)) => put::store(&inner, key, spooled).await,
                Err(error) => Err(error),
            };
            if let Err(Ok(_)) = reply.send(stored) {
                put::discard(&inner, key).await;
            }
        });
        answered(result)
    }

    fn answer<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, BlobStoreError>> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, BlobStoreError>> {
        let (reply, result) = oneshot::channel();
        // Whoever gave up is told nothing.
        self.spawn(async move { drop(reply.send(work.await)) });
        answered(result)
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            drop(runtime.spawn(work));
        }
    }
}

fn answered<T: Send + 'static>(result: oneshot::Receiver<Result<T, BlobStoreError>>) -> BoxFuture<'static, Result<T, BlobStoreError>> {
    let lost = |_| Err(io::Error::other("a thread of the blob store panicked over the request").into());
    async move { result.await.unwrap_or_else(lost) }.boxed()
}

impl Drop for S3Blobs {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Whoever drops this may be an arbiter, which must not wait.
            runtime.shutdown_background();
        }
    }
}

/// One of `slots`, or the refusal.
fn slot(slots: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, BlobStoreError> {
    let refused = |_| BlobStoreError::Unavailable("as many operations as it accepts are under way".into());
    Arc::clone(slots).try_acquire_owned().map_err(refused)
}

impl BlobStore for S3Blobs {
    fn put(&self, key: BlobKey, body: mpsc::Receiver<Chunk>, size: PutSize) -> BoxFuture<'static, Result<BlobMeta, BlobStoreError>> {
        self.store(key, slot(&self.uploads), move |inner| async move { inner.spool.receive(body, size).await })
    }

    fn put_file(&self, key: BlobKey, source: File, len: u64) -> BoxFuture<'static, Result<BlobMeta, BlobStoreError>> {
        self.store(key, slot(&self.operations), move |_| spool::hashed(source, len))
    }

    fn open(&self, key: BlobKey) -> BoxFuture<'static, Result<OpenBlob, BlobStoreError>> {
        self.run(move |inner| async move { get::open(&inner, key).await })
    }

    fn delete(&self, key: BlobKey) -> BoxFuture<'static, Result<(), BlobStoreError>> {
        self.run(move |inner| async move {
            faults::io("blobs.before_delete")?;
            inner.bucket.delete(&inner.bucket.path_of(key)).await?;
            Ok(faults::io("blobs.after_delete")?)
        })
    }

    fn list(&self, after: Option<BlobCursor>) -> BoxFuture<'static, Result<BlobPage, BlobStoreError>> {
        self.run(move |inner| async move { list(&inner, after).await })
    }

    fn digest(&self, key: BlobKey) -> BoxFuture<'static, Result<BlobMeta, BlobStoreError>> {
        self.run(move |inner| async move { get::digest(&inner, key).await })
    }

    fn set_aside(&self, key: BlobKey) -> BoxFuture<'static, Result<(), BlobStoreError>> {
        self.run(move |inner| async move { inner.bucket.set_aside(key).await })
    }

    /// Those of the spool: what is on its way needs room there, whatever the store has.
    fn free_bytes(&self) -> BoxFuture<'static, Result<Option<u64>, BlobStoreError>> {
        self.run(move |inner| async move { inner.spool.free_bytes().await.map(Some) })
    }

    fn check(&self) -> BoxFuture<'static, Result<(), BlobStoreError>> {
        let inner = Arc::clone(&self.inner);
        // Without a slot: it must be known whether the store answers, however busy it is.
        self.answer(async move { inner.bucket.check().await })
    }
}

/// A page in the order of the names.
async fn list(inner: &Inner, after: Option<BlobCursor>) -> Result<BlobPage, BlobStoreError> {
    let objects = inner.bucket.list(after.map(|BlobCursor(name)| name), PAGE).await?;
    let next = objects.last().filter(|_| objects.len() == PAGE).map(|last| BlobCursor(last.name.clone()));
    let mut blobs = Vec::with_capacity(objects.len());
    for object in objects {
        match object.name.parse() {
            // The younger of the two: a name that this process did not put may be another server's, a moment old.
            Ok(key) => {
                let age = inner.ages.of(key).min(inner.ages.put_here(key).unwrap_or_else(|| inner.store_clock.age(object.modified)));
                blobs.push(BlobEntry { key, len: object.len, age });
            }
            Err(_) => log::warn!(object = object.name; "an object among the blobs is none and is left alone"),
        }
    }
    Ok(BlobPage { blobs, next })
}
