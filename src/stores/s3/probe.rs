//! What is found out about a store before it is used: what it can do, what its clock says, and whether its blobs are this server's.

use std::io;
use std::time::Duration;

use object_store::{Attribute, Attributes, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use uuid::Uuid;

use crate::stores::Clock;
use crate::stores::blobs::BlobStoreError;
use crate::stores::s3::bucket::{Bucket, told};

/// What a store can do, beside what every store must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// It refuses to overwrite when it is asked to (`If-None-Match: *`). Some say nothing and overwrite.
    pub conditional_put: bool,
}

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be reached, or cannot serve yet; it may do so in a moment.
    #[error("the S3 store cannot be used: {0}; check that it runs, data.blobs and [s3]")]
    Away(#[from] BlobStoreError),
    /// It says no, and will say so again.
    #[error("the S3 store cannot be used: {0}; check data.blobs and [s3]")]
    Refused(&'static str),
    /// The local files cannot be prepared.
    #[error("the directory for images on their way to S3 cannot be used: {0}")]
    Spool(#[from] io::Error),
    /// It loses what is noted beside an object, or gives back other bytes.
    #[error("the S3 store does not keep what it is given ({0}): use another one")]
    Unfit(&'static str),
    /// It is in use by another server.
    #[error(
        "the blobs below this prefix belong to another database ({owners}), whose images would be swept as orphans: choose another prefix \
         (data.blobs), or remove the object with that name in owners/ if the database is gone for good"
    )]
    Foreign {
        /// The other databases.
        owners: String,
    },
}

/// The clock of the store, as it was at the opening, and ours since: neither jumps when a wall clock does, and the nodes of a cluster
/// agree on it.
#[derive(Clone)]
pub(super) struct StoreClock {
    clock: Clock,
    /// In milliseconds since 1970.
    store: i64,
    ours: Duration,
}

/// Stores round moments to seconds, and clocks drift apart a little.
const SLACK: Duration = Duration::from_secs(2);

impl StoreClock {
    /// How old an object is at least that was last changed at that moment of the store's clock.
    pub(super) fn age(&self, modified: i64) -> Duration {
        let since = (self.clock)().saturating_sub(self.ours);
        let before = Duration::from_millis(u64::try_from(self.store.saturating_sub(modified)).unwrap_or(0));
        let behind = Duration::from_millis(u64::try_from(modified.saturating_sub(self.store)).unwrap_or(0));
        (since + before).saturating_sub(behind).saturating_sub(SLACK)
    }
}

/// Writes and reads an object of its own.
pub(super) async fn probe(bucket: &Bucket, clock: &Clock) -> Result<(Abilities, StoreClock), OpenError> {
    let path = bucket.place("probes").join(Uuid::new_v4().to_string());
    let found = examine(bucket, &path, clock).await;
    // Whatever it found: an object that is left behind is in nobody's way.
    let _ = bucket.delete(&path).await;
    found
}

async fn examine(bucket: &Bucket, path: &object_store::path::Path, clock: &Clock) -> Result<(Abilities, StoreClock), OpenError> {
    let content = path.to_string();
    let note = (Attribute::Metadata("note".into()), content.clone());
    let put = |mode, text: String| {
        let options = PutOptions { mode, attributes: Attributes::from_iter([note.clone()]), ..PutOptions::default() };
        bucket.store.put_opts(path, PutPayload::from(text), options)
    };
    put(PutMode::Overwrite, content.clone()).await.map_err(not_opened)?;
    let conditional_put = match put(PutMode::Create, content.clone()).await {
        Err(object_store::Error::AlreadyExists { .. }) => true,
        // It has overwritten the object, or does not know the condition.
        Ok(_) | Err(_) => false,
    };
    let got = bucket.store.get(path).await.map_err(told)?;
    let ours = clock();
    if got.attributes.get(&note.0).is_none_or(|noted| noted.as_ref() != content) {
        return Err(OpenError::Unfit("metadata of an object is lost"));
    }
    let store = got.meta.last_modified.timestamp_millis();
    if got.bytes().await.map_err(told)? != content.as_bytes() {
        return Err(OpenError::Unfit("an object has other bytes"));
    }
    Ok((Abilities { conditional_put }, StoreClock { clock: clock.clone(), store, ours }))
}

/// What the first request says: whether waiting can help.
fn not_opened(error: object_store::Error) -> OpenError {
    use object_store::Error::{NotFound, PermissionDenied, Unauthenticated};
    let refused = match &error {
        NotFound { .. } => Some("it has no such bucket"),
        PermissionDenied { .. } | Unauthenticated { .. } => Some("it does not let this server in"),
        _ => None,
    };
    // The log has it all.
    let away = told(error);
    refused.map_or(OpenError::Away(away), OpenError::Refused)
}

/// Makes sure that no other database has its blobs here. Each writes its own name first and looks then, so that of two that come at the
/// same moment at least one sees the other.
pub(super) async fn own(bucket: &Bucket, owner: &str) -> Result<(), OpenError> {
    let path = bucket.place("owners").join(owner);
    let others = |names: Vec<String>| names.into_iter().filter(|name| name != owner).collect::<Vec<_>>();
    refuse(&others(bucket.names("owners").await?))?;
    bucket.store.put(&path, PutPayload::from_static(b"safelight")).await.map_err(told)?;
    let met = others(bucket.names("owners").await?);
    if !met.is_empty() {
        bucket.delete(&path).await?;
    }
    refuse(&met)
}

fn refuse(others: &[String]) -> Result<(), OpenError> {
    if others.is_empty() { Ok(()) } else { Err(OpenError::Foreign { owners: others.join(", ") }) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn an_age_is_never_greater_than_true() {
        let seconds = Arc::new(AtomicU64::new(50));
        let hand = Arc::clone(&seconds);
        let clock: Clock = Arc::new(move || Duration::from_secs(hand.load(Ordering::SeqCst)));
        let store = StoreClock { clock, store: 1_000_000, ours: Duration::from_secs(50) };
        let age = |modified| store.age(modified).as_secs();
        assert_eq!((age(1_000_000), age(900_000), age(1_500_000)), (0, 98, 0));
        seconds.store(110, Ordering::SeqCst);
        assert_eq!((age(1_000_000), age(900_000), age(1_030_000), age(1_500_000)), (58, 158, 28, 0));
    }
}
