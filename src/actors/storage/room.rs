//! Room: uploads are refused before the disk is full, so that results, the database and deletions always find some.
//!
//! What is free is asked once a second, off this thread; between two questions it is reckoned with what uploads under way may
//! still bring.

use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};

use crate::actors::storage::Storage;
use crate::domain::faults;
use crate::stores::blobs::BlobStoreError;

/// How often the disk is asked.
const TICK: Duration = Duration::from_secs(1);

/// What is known of the room on the disk.
#[derive(Debug)]
pub(super) struct Room {
    /// Bytes that no upload gets.
    min_free: u64,
    /// Free bytes at the last measurement; `None` where the engine cannot tell.
    free: Option<u64>,
    /// The lengths of the uploads under way: what they will have taken at most.
    promised: u64,
    /// Uploads that were refused for want of room.
    refused: u64,
}

impl Room {
    pub(super) fn new(min_free: u64) -> Self {
        Self { min_free, free: None, promised: 0, refused: 0 }
    }

    /// Whether there is room for an upload of `bytes`, beside those under way.
    fn check(&self, bytes: u64) -> Result<(), BlobStoreError> {
        let needed = self.min_free.saturating_add(self.promised).saturating_add(bytes);
        if self.free.is_none_or(|free| free >= needed) { Ok(()) } else { Err(BlobStoreError::Full) }
    }

    /// The same for an upload that is to begin; counts those that are refused.
    fn admit(&mut self, bytes: u64) -> Result<(), BlobStoreError> {
        self.check(bytes).inspect_err(|_| self.refused += 1)
    }

    /// An upload begins.
    pub(super) fn promise(&mut self, bytes: u64) {
        self.promised = self.promised.saturating_add(bytes);
    }

    /// An upload, or a result, has ended and taken so many bytes, whatever was promised.
    pub(super) fn settle(&mut self, promised: u64, taken: u64) {
        self.promised = self.promised.saturating_sub(promised);
        // Until the next measurement, which sees it for itself.
        self.free = self.free.map(|free| free.saturating_sub(taken));
    }

    /// Free bytes at the last measurement.
    pub(super) fn free(&self) -> Option<u64> {
        self.free
    }

    /// Uploads that were refused for want of room.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    fn measured(&mut self, free: Result<Option<u64>, BlobStoreError>) {
        match free {
            Ok(free) => {
                let was_short = self.is_short();
                self.free = free;
                if was_short != self.is_short() {
                    log::warn!(free:?, min_free = self.min_free, refusing = self.is_short(); "the room on the disk has passed data.min_free");
                }
            }
            Err(error) => log::warn!(error:% = error; "the room on the disk could not be measured; the last measurement counts"),
        }
    }

    fn is_short(&self) -> bool {
        self.free.is_some_and(|free| free < self.min_free)
    }
}

/// Asks for room for an upload.
#[derive(Message)]
#[rtype(result = "Result<(), BlobStoreError>")]
pub struct AdmitBytes {
    /// Its length; as long as an upload may be if it is unknown.
    pub length: Option<u64>,
}

impl Handler<AdmitBytes> for Storage {
    type Result = Result<(), BlobStoreError>;

    fn handle(&mut self, AdmitBytes { length }: AdmitBytes, _: &mut Context<Self>) -> Self::Result {
        faults::point("storage.admit_bytes");
        self.reach.check()?;
        self.room.admit(length.unwrap_or(self.max_upload))
    }
}

/// Asks whether there is room for a small upload, in a store that answers.
#[derive(Message)]
#[rtype(result = "Result<(), BlobStoreError>")]
pub struct CheckRoom;

impl Handler<CheckRoom> for Storage {
    type Result = Result<(), BlobStoreError>;

    fn handle(&mut self, _: CheckRoom, _: &mut Context<Self>) -> Self::Result {
        self.reach.check()?;
        self.room.check(0)
    }
}

impl Storage {
    /// Measures now and again and again.
    pub(super) fn watch_room(&mut self, context: &mut Context<Self>) {
        self.measure(context);
        context.run_interval(TICK, Self::measure);
    }

    fn measure(&mut self, context: &mut Context<Self>) {
        let free = self.store.free_bytes();
        context.spawn(free.into_actor(self).map(|free, storage, _| storage.room.measured(free)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_is_not_given_away() {
        let mut room = Room::new(100);
        assert!(room.check(u64::MAX).is_ok(), "nothing is known");
        room.measured(Ok(Some(160)));
        assert!(room.check(60).is_ok());
        assert!(matches!(room.check(61), Err(BlobStoreError::Full)));
        room.promise(40);
        assert!(room.check(20).is_ok());
        assert!(room.check(21).is_err(), "the rest is on its way");
        room.settle(40, 30);
        assert!(room.check(30).is_ok() && room.check(31).is_err(), "it took 30");
        room.measured(Ok(Some(160)));
        assert!(room.check(60).is_ok());
        assert_eq!(room.refused(), 0, "nobody began");
        assert!(room.admit(61).is_err() && room.admit(60).is_ok());
        assert_eq!(room.refused(), 1);
    }

    #[test]
    fn a_measurement_that_fails_changes_nothing() {
        let mut room = Room::new(100);
        room.measured(Ok(Some(99)));
        room.measured(Err(BlobStoreError::Unavailable("busy".into())));
        assert!(room.is_short() && room.check(0).is_err());
        room.measured(Ok(Some(100)));
        assert!(room.check(0).is_ok());
    }
}
