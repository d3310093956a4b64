//! A blob on its way into the store. Whatever fails on the way is asked about before it is said to have failed: an answer may be lost
//! after the store has done what it was told.

use std::sync::PoisonError;
use std::time::Duration;

use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{Attribute, Attributes, MultipartId, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload};
use uuid::Uuid;

use crate::domain::blob::{BlobKey, BlobMeta};
use crate::domain::faults;
use crate::stores::blobs::BlobStoreError;
use crate::stores::s3::Inner;
use crate::stores::s3::bucket::{deadline, told, within};
use crate::stores::s3::spool::Spooled;

/// What is sent at once, in bytes. Longer blobs go in parts of this length; S3 takes 10,000 of them, none but the last below 5 MiB.
pub(super) const PART: u64 = 8 << 20;

/// Beside the blob: the digest of its bytes.
pub(super) const SHA256: &str = "sha256";

/// Beside the blob: which put it is of.
const PUT: &str = "put";

/// How long a blob may wait until it can be sent.
const QUEUED: Duration = Duration::from_secs(60);

/// A name that is being put; no other put of this process has it.
struct Name<'i> {
    inner: &'i Inner,
    key: BlobKey,
}

impl<'i> Name<'i> {
    fn claim(inner: &'i Inner, key: BlobKey) -> Result<Self, BlobStoreError> {
        let fresh = inner.names.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        if fresh { Ok(Self { inner, key }) } else { Err(BlobStoreError::Exists) }
    }
}

impl Drop for Name<'_> {
    fn drop(&mut self) {
        self.inner.names.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// Makes a whole body a blob, in two tries where the store leaves the first one unanswered. When it fails, nothing is left, or an orphan of
/// which the janitor takes care.
pub(super) async fn store(inner: &Inner, key: BlobKey, body: Spooled) -> Result<BlobMeta, BlobStoreError> {
    let _name = Name::claim(inner, key)?;
    let path = inner.bucket.path_of(key);
    if !inner.abilities.conditional_put {
        refuse_taken(inner, &path).await?;
    }
    let busy = |_| BlobStoreError::Unavailable("too many blobs wait to be sent to the S3 store".into());
    let _transfer = tokio::time::timeout(QUEUED, inner.transfers.acquire()).await.map_err(busy)?.map_err(|_| BlobStoreError::Aborted)?;
    // Before it can be listed: it must never look older than it is.
    inner.ages.record(key);
    let put = Put { inner, path: &path, id: Uuid::new_v4().to_string(), body: &body };
    // As the other engine's: the bytes are whole, and the name has not appeared.
    faults::io("blobs.before_rename")?;
    let mut again = 1;
    loop {
        let Err(error) = put.send().await else { return Ok(body.meta) };
        match put.found().await {
            // It is not known, and an orphan is swept.
            Err(_) => return Err(error),
            Ok(Found::Ours) => {
                log::info!(blob:% = key, error:%; "the store has kept a blob although it did not say so");
                return Ok(body.meta);
            }
            Ok(Found::Another) => return Err(BlobStoreError::Exists),
            // The client repeats what was refused, not a put that was not answered: it cannot tell one put from another.
            Ok(Found::Nothing) if again > 0 && matches!(error, BlobStoreError::Unavailable(_)) => again -= 1,
            Ok(Found::Nothing) => return Err(error),
        }
    }
}

/// Removes a blob that nobody waits for any more.
pub(super) async fn discard(inner: &Inner, key: BlobKey) {
    if let Err(error) = inner.bucket.delete(&inner.bucket.path_of(key)).await {
        log::warn!(blob:% = key, error:% = error; "a blob that nobody waits for is left to the janitor");
    }
}

/// For stores that overwrite: nothing is put under a name that is taken.
async fn refuse_taken(inner: &Inner, path: &Path) -> Result<(), BlobStoreError> {
    match inner.bucket.head(path).await {
        Ok(_) => Err(BlobStoreError::Exists),
        Err(BlobStoreError::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

/// One put, which can be told from any other of that name.
struct Put<'p> {
    inner: &'p Inner,
    path: &'p Path,
    id: String,
    body: &'p Spooled,
}

impl Put<'_> {
    fn attributes(&self) -> Attributes {
        let digest = self.body.meta.sha256.to_string();
        Attributes::from_iter([(Attribute::Metadata(PUT.into()), self.id.clone()), (Attribute::Metadata(SHA256.into()), digest)])
    }

    async fn send(&self) -> Result<(), BlobStoreError> {
        if self.body.meta.len <= PART { self.in_one().await } else { self.in_parts().await }
    }

    async fn in_one(&self) -> Result<(), BlobStoreError> {
        let len = usize::try_from(self.body.meta.len).unwrap_or(usize::MAX);
        let bytes = self.body.part(0, len).await?;
        let mode = if self.inner.abilities.conditional_put { PutMode::Create } else { PutMode::Overwrite };
        let options = PutOptions { mode, attributes: self.attributes(), ..PutOptions::default() };
        self.inner.bucket.store.put_opts(self.path, PutPayload::from_bytes(bytes), options).await.map_err(told).map(drop)
    }

    async fn in_parts(&self) -> Result<(), BlobStoreError> {
        if self.inner.abilities.conditional_put {
            // The end of an upload in parts overwrites, also where a put does not.
            refuse_taken(self.inner, self.path).await?;
        }
        let store = &self.inner.bucket.store;
        let options = PutMultipartOptions { attributes: self.attributes(), ..PutMultipartOptions::default() };
        let upload = Upload { put: self, id: store.create_multipart_opts(self.path, options).await.map_err(told)? };
        let parts = match within(deadline(self.inner.bucket.timeout, self.body.meta.len), upload.parts()).await {
            Ok(parts) => parts,
            Err(error) => {
                upload.abort().await;
                return Err(error);
            }
        };
        let completed = store.complete_multipart(self.path, &upload.id, parts).await;
        if completed.is_err() {
            // If it was completed after all there is nothing to abort, and the blob is found.
            upload.abort().await;
        }
        completed.map_err(told).map(drop)
    }

    /// Asks what became of a put that failed.
    async fn found(&self) -> Result<Found, BlobStoreError> {
        let found = match self.inner.bucket.head(self.path).await {
            Err(BlobStoreError::NotFound) => return Ok(Found::Nothing),
            found => found?,
        };
        let ours = found.attributes.get(&Attribute::Metadata(PUT.into())).is_some_and(|id| id.as_ref() == self.id);
        Ok(if ours && found.meta.size == self.body.meta.len { Found::Ours } else { Found::Another })
    }
}

/// What is there after a put whose end is not known.
enum Found {
    /// What was put: it was stored, whatever was answered.
    Ours,
    /// What another put has stored.
    Another,
    /// Nothing.
    Nothing,
}

/// An upload in parts: invisible until it is completed, and paid for until it is aborted.
struct Upload<'u> {
    put: &'u Put<'u>,
    id: MultipartId,
}

impl Upload<'_> {
    /// Sends the parts one after the other, so that one is in memory.
    async fn parts(&self) -> Result<Vec<PartId>, BlobStoreError> {
        let Put { inner, path, body, .. } = self.put;
        let (mut parts, mut at) = (Vec::new(), 0);
        while at < body.meta.len {
            let len = PART.min(body.meta.len - at);
            let bytes = body.part(at, usize::try_from(len).unwrap_or(usize::MAX)).await?;
            let part = inner.bucket.store.put_part(path, &self.id, parts.len(), PutPayload::from_bytes(bytes)).await;
            parts.push(part.map_err(told)?);
            at += len;
        }
        Ok(parts)
    }

    /// What this cannot abort the sweep does.
    async fn abort(&self) {
        if let Err(error) = self.put.inner.bucket.store.abort_multipart(self.put.path, &self.id).await {
            log::warn!(blob = self.put.path.filename(), error:% = told(error); "an upload in parts is left to the sweep");
        }
    }
}
