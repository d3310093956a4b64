//! Storage: blobs behind a mailbox. Bytes never travel in a message: a body comes through a bounded channel or as a
//! file, and leaves as an open file.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | the actor, and what is done with blobs |
//! | `integrity` | what a blob's bytes are now |
//! | `reach` | whether the store answers |
//! | `room` | whether there is room for an upload |

mod integrity;
mod reach;
mod room;

use std::fs::File;
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, Context, Handler, Message, ResponseActFuture, Supervised, WrapFuture, fut};
use futures::future::BoxFuture;
use serde_json::json;
use tokio::sync::mpsc;

use crate::actors::supervision::{Details, InitResult, Service};
use crate::domain::blob::{BlobKey, BlobMeta};
use crate::domain::faults;
use crate::stores::blobs::{BlobCursor, BlobPage, BlobStore, BlobStoreError, Chunk, OpenBlob, PutSize};

pub use integrity::{DigestBlob, SetBlobAside};
pub use reach::CheckReach;
pub use room::{AdmitBytes, CheckRoom};

use reach::Reach;
use room::Room;

/// What storage counts since its last start.
#[derive(Debug, Default, Clone, Copy)]
struct StorageCounters {
    puts_in_flight: u64,
    puts: u64,
    gets: u64,
    failures: u64,
}

/// The actor. The blobs themselves are the store's.
pub struct Storage {
    store: Arc<dyn BlobStore>,
    max_upload: u64,
    room: Room,
    reach: Reach,
    counters: StorageCounters,
}

impl Storage {
    /// Puts `store` behind a mailbox; bodies of more than `max_upload` bytes are refused, and those that would leave less than
    /// `min_free` bytes on the disk.
    #[must_use]
    pub fn new(store: Arc<dyn BlobStore>, max_upload: u64, min_free: u64) -> Self {
        Self { store, max_upload, room: Room::new(min_free), reach: Reach::default(), counters: StorageCounters::default() }
    }

    /// Starts the put that `source` asks for.
    fn put(&self, key: BlobKey, source: Source) -> BoxFuture<'static, Result<BlobMeta, BlobStoreError>> {
        match source {
            Source::Stream { chunks, announced, at_most } => {
                self.store.put(key, chunks, PutSize { announced, max: at_most.min(self.max_upload) })
            }
            Source::File { file, length } => self.store.put_file(key, file, length),
        }
    }
}

impl Actor for Storage {
    type Context = Context<Self>;
}

impl Supervised for Storage {}

impl Service for Storage {
    fn init(&mut self, context: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        self.watch_room(context);
        self.watch_reach(context);
        Box::pin(fut::ready(Ok(())))
    }

    fn inspect(&self) -> Details {
        let StorageCounters { puts_in_flight, puts, gets, failures } = self.counters;
        let details = json!({
            "queue_depth": puts_in_flight, "puts": puts, "gets": gets, "failures": failures,
            "free_bytes": self.room.free(), "refused_for_room": self.room.refused(),
            "unanswered": self.reach.unanswered(),
        });
        details.as_object().cloned().unwrap_or_default()
    }
}

/// Where the bytes of a new blob come from.
pub enum Source {
    /// A body that is still arriving.
    Stream {
        /// Its chunks; a channel that closes without an end is an aborted upload and leaves nothing.
        chunks: mpsc::Receiver<Chunk>,
        /// Its length in bytes, where it is known.
        announced: Option<u64>,
        /// The most bytes that it may have, where that is less than storage takes of any body.
        at_most: u64,
    },
    /// A file that cannot change any more (a sealed memfd).
    File {
        /// The file.
        file: File,
        /// Its length in bytes.
        length: u64,
    },
}

impl Source {
    /// How many bytes an upload brings at most; results come from files, and are never refused for room.
    fn promised(&self, max_upload: u64) -> u64 {
        match self {
            Self::Stream { announced, at_most, .. } => announced.unwrap_or(max_upload).min(*at_most),
            Self::File { .. } => 0,
        }
    }
}

/// Writes a blob; the reply comes when it is durable. The stage is part of the key.
#[derive(Message)]
#[rtype(result = "Result<BlobMeta, BlobStoreError>")]
pub struct PutBlob {
    /// Its name.
    pub key: BlobKey,
    /// Its bytes.
    pub source: Source,
}

impl Handler<PutBlob> for Storage {
    type Result = ResponseActFuture<Self, Result<BlobMeta, BlobStoreError>>;

    fn handle(&mut self, PutBlob { key, source }: PutBlob, _: &mut Context<Self>) -> Self::Result {
        faults::point("storage.put_blob");
        self.counters.puts_in_flight += 1;
        let promised = source.promised(self.max_upload);
        self.room.promise(promised);
        Box::pin(self.put(key, source).into_actor(self).map(move |meta, storage, _| {
            storage.room.settle(promised, meta.as_ref().map_or(0, |meta| meta.len));
            faults::point("storage.put_done");
            storage.counters.puts_in_flight -= 1;
            storage.counters.puts += 1;
            storage.counters.failures += u64::from(meta.is_err());
            meta
        }))
    }
}

/// Opens a blob for reading.
#[derive(Message)]
#[rtype(result = "Result<OpenBlob, BlobStoreError>")]
pub struct GetBlob {
    /// Its name.
    pub key: BlobKey,
}

impl Handler<GetBlob> for Storage {
    type Result = ResponseActFuture<Self, Result<OpenBlob, BlobStoreError>>;

    fn handle(&mut self, GetBlob { key }: GetBlob, _: &mut Context<Self>) -> Self::Result {
        faults::point("storage.get_blob");
        self.counters.gets += 1;
        Box::pin(self.store.open(key).into_actor(self))
    }
}

/// Removes a blob; removing one that is not there is no error.
#[derive(Message)]
#[rtype(result = "Result<(), BlobStoreError>")]
pub struct DeleteBlob {
    /// Its name.
    pub key: BlobKey,
}

impl Handler<DeleteBlob> for Storage {
    type Result = ResponseActFuture<Self, Result<(), BlobStoreError>>;

    fn handle(&mut self, DeleteBlob { key }: DeleteBlob, _: &mut Context<Self>) -> Self::Result {
        faults::point("storage.delete_blob");
        Box::pin(self.store.delete(key).into_actor(self))
    }
}

/// A page of the blobs that are there.
#[derive(Message)]
#[rtype(result = "Result<BlobPage, BlobStoreError>")]
pub struct ListBlobs {
    /// Where the page before ended.
    pub after: Option<BlobCursor>,
}

impl Handler<ListBlobs> for Storage {
    type Result = ResponseActFuture<Self, Result<BlobPage, BlobStoreError>>;

    fn handle(&mut self, ListBlobs { after }: ListBlobs, _: &mut Context<Self>) -> Self::Result {
        Box::pin(self.store.list(after).into_actor(self))
    }
}
