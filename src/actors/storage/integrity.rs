//! Integrity: what a blob's bytes are now, and how one that is damaged is kept from being given out.

use actix::{Context, Handler, Message, ResponseActFuture, WrapFuture};

use crate::actors::storage::Storage;
use crate::domain::blob::{BlobKey, BlobMeta};
use crate::domain::faults;
use crate::stores::blobs::BlobStoreError;

/// Reads a whole blob and tells its length and digest.
#[derive(Message)]
#[rtype(result = "Result<BlobMeta, BlobStoreError>")]
pub struct DigestBlob {
    /// Its name.
    pub key: BlobKey,
}

impl Handler<DigestBlob> for Storage {
    type Result = ResponseActFuture<Self, Result<BlobMeta, BlobStoreError>>;

    fn handle(&mut self, DigestBlob { key }: DigestBlob, _: &mut Context<Self>) -> Self::Result {
        faults::point("storage.digest_blob");
        Box::pin(self.store.digest(key).into_actor(self))
    }
}

/// Moves a damaged blob out of the way: there is none of that name from then on.
#[derive(Message)]
#[rtype(result = "Result<(), BlobStoreError>")]
pub struct SetBlobAside {
    /// Its name.
    pub key: BlobKey,
}

impl Handler<SetBlobAside> for Storage {
    type Result = ResponseActFuture<Self, Result<(), BlobStoreError>>;

    fn handle(&mut self, SetBlobAside { key }: SetBlobAside, _: &mut Context<Self>) -> Self::Result {
        faults::point("storage.set_blob_aside");
        Box::pin(self.store.set_aside(key).into_actor(self))
    }
}
