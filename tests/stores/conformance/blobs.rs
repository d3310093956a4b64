//! What every store of blobs promises.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{Either, join_all, select};
use safelight::domain::blob::BlobKey;
use safelight::domain::ids::{ClaimNo, TaskId};
use safelight::domain::pipeline::VariantName;
use safelight::stores::blobs::{BlobStore, BlobStoreError, Chunk, PutSize};

use crate::blob_fixtures::*;
use crate::fixtures::block_on;

/// Longer than any buffer, and no multiple of one.
const LONG: usize = 700_001;

fn assert_nothing_left(store: &dyn BlobStore, key: BlobKey) {
    assert!(matches!(read(store, key), Err(BlobStoreError::NotFound)));
    assert_eq!(list(store), []);
}

fn processed(id: TaskId, claim_no: u64) -> BlobKey {
    BlobKey::Processed(id, ClaimNo(claim_no), VariantName::RESULT)
}

pub(crate) fn what_is_put_is_read_back_with_its_digest(engine: &mut impl BlobEngine) {
    let bytes = body(LONG);
    let id = TaskId::random();
    let keys = [BlobKey::Original(id), processed(id, 1), processed(id, 12)];
    for (key, chunk) in keys.into_iter().zip([1000, 300_000, LONG]) {
        let meta = block_on(engine.blobs().put(key, complete(&bytes, chunk), ANY_SIZE)).unwrap();
        assert_eq!(meta, meta_of(&bytes));
    }
    engine.reopen();
    for key in keys {
        assert_eq!(read(&*engine.blobs(), key).unwrap(), bytes);
    }
}

pub(crate) fn an_empty_body_is_a_blob(engine: &mut impl BlobEngine) {
    let key = original();
    assert_eq!(put(&*engine.blobs(), key, b""), meta_of(b""));
    assert_eq!(read(&*engine.blobs(), key).unwrap(), b"");
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

pub(crate) fn a_file_is_stored_by_position(engine: &mut impl BlobEngine) {
    let bytes = body(LONG);
    let store = engine.blobs();
    let mut source = file(&bytes);
    // Where the descriptor stands does not matter, and it is not moved.
    source.seek(std::io::SeekFrom::Start(5)).unwrap();
    let key = original();
    let meta = block_on(store.put_file(key, source.try_clone().unwrap(), LONG as u64 - 1)).unwrap();
    assert_eq!(meta, meta_of(&bytes[..LONG - 1]));
    assert_eq!(source.stream_position().unwrap(), 5);
    assert_eq!(read(&*store, key).unwrap(), bytes[..LONG - 1]);
    let short = processed(key.task().unwrap(), 1);
    assert!(matches!(block_on(store.put_file(short, source, LONG as u64 + 1)), Err(BlobStoreError::Aborted)));
    assert!(matches!(read(&*store, short), Err(BlobStoreError::NotFound)));
}

pub(crate) fn a_name_is_written_once(engine: &mut impl BlobEngine) {
    let store = engine.blobs();
    let key = original();
    put(&*store, key, b"first");
    let again = block_on(store.put(key, complete(b"second", 10), ANY_SIZE));
    assert!(matches!(again, Err(BlobStoreError::Exists)));
    assert!(matches!(block_on(store.put_file(key, file(b"third"), 5)), Err(BlobStoreError::Exists)));
    assert_eq!(read(&*store, key).unwrap(), b"first");
    // Of many at once, one wins, and the blob is the winner's.
    let key = original();
    let bodies: Vec<_> = (0..8).map(|n| body(1000 + n)).collect();
    let results = block_on(join_all(bodies.iter().map(|bytes| store.put(key, complete(bytes, 100), ANY_SIZE))));
    let winners: Vec<_> = results.iter().zip(&bodies).filter(|(result, _)| result.is_ok()).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(&read(&*store, key).unwrap(), winners[0].1);
}

pub(crate) fn an_aborted_body_leaves_nothing(engine: &mut impl BlobEngine) {
    let store = engine.blobs();
    for len in [0, 10, LONG] {
        let key = original();
        let (sender, receiver) = begun(&body(len));
        drop(sender);
        assert!(matches!(block_on(store.put(key, receiver, ANY_SIZE)), Err(BlobStoreError::Aborted)));
        assert_nothing_left(&*store, key);
    }
}

pub(crate) fn a_body_must_have_its_announced_length(engine: &mut impl BlobEngine) {
    let store = engine.blobs();
    for (len, announced) in [(9, 10), (11, 10), (LONG, LONG - 1), (0, 1)] {
        let key = original();
        let size = PutSize { announced: Some(announced as u64), max: u64::MAX };
        let result = block_on(store.put(key, complete(&body(len), 1000), size));
        assert!(matches!(result, Err(BlobStoreError::Aborted)), "{len} of {announced}: {result:?}");
        assert_nothing_left(&*store, key);
    }
    let size = PutSize { announced: Some(LONG as u64), max: LONG as u64 };
    block_on(store.put(original(), complete(&body(LONG), 1000), size)).unwrap();
}

pub(crate) fn a_body_beyond_the_limit_is_refused_and_leaves_nothing(engine: &mut impl BlobEngine) {
    let store = engine.blobs();
    let key = original();
    let max = 400_000;
    // Announced: refused before a byte is read.
    let (_sender, receiver) = begun(b"");
    let announced = PutSize { announced: Some(max + 1), max };
    assert!(matches!(block_on(store.put(key, receiver, announced)), Err(BlobStoreError::TooLarge { max: 400_000 })));
    // Not announced: refused once it is too long, though it never ends.
    let (_sender, receiver) = begun(&body(400_001));
    assert!(matches!(block_on(store.put(key, receiver, PutSize { announced: None, max })), Err(BlobStoreError::TooLarge { .. })));
    assert_nothing_left(&*store, key);
    block_on(store.put(key, complete(&body(400_000), 1000), PutSize { announced: None, max })).unwrap();
}

pub(crate) fn nothing_is_visible_before_the_end(engine: &mut impl BlobEngine) {
    let store = engine.blobs();
    let key = original();
    let (sender, receiver) = begun(&body(LONG));
    let mut put = store.put(key, receiver, ANY_SIZE);
    // Until the body ends, the put cannot: the reads below run while it is under way.
    assert!((&mut put).now_or_never().is_none());
    assert_nothing_left(&*store, key);
    sender.try_send(Chunk::End).unwrap();
    block_on(put).unwrap();
    assert_eq!(read(&*store, key).unwrap(), body(LONG));
}

pub(crate) fn deleting_is_idempotent_and_readers_keep_what_they_opened(engine: &mut impl BlobEngine) {
    let store = engine.blobs();
    let key = original();
    put(&*store, key, b"bytes");
    let mut opened = block_on(store.open(key)).unwrap();
    block_on(store.delete(key)).unwrap();
    block_on(store.delete(key)).unwrap();
    assert_nothing_left(&*store, key);
    let mut bytes = Vec::new();
    opened.file.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"bytes");
}

pub(crate) fn a_digest_is_that_of_the_bytes(engine: &mut impl BlobEngine) {
    let store = engine.blobs();
    for len in [0, 1, LONG] {
        let key = original();
        let meta = put(&*store, key, &body(len));
        assert_eq!(block_on(store.digest(key)).unwrap(), meta);
    }
    assert!(matches!(block_on(store.digest(original())), Err(BlobStoreError::NotFound)));
}

pub(crate) fn what_is_set_aside_is_not_found_any_more(engine: &mut impl BlobEngine) {
    let store = engine.blobs();
    let (key, other) = (original(), original());
    put(&*store, key, b"bytes");
    for _ in 0..2 {
        block_on(store.set_aside(key)).unwrap();
    }
    assert_nothing_left(&*store, key);
    put(&*store, other, b"other");
    assert_eq!(read(&*store, other).unwrap(), b"other");
    put(&*store, key, b"again");
    assert_eq!(read(&*store, key).unwrap(), b"again", "its name is free");
}

pub(crate) fn a_listing_names_every_blob_once(engine: &mut impl BlobEngine) {
    let store = engine.blobs();
    let mut expected = HashSet::new();
    for n in 0..40_u64 {
        let id = TaskId::random();
        for key in [BlobKey::Original(id), processed(id, n)] {
            put(&*store, key, &body(n as usize));
            expected.insert((key, n));
        }
    }
    let listed = list(&*store);
    assert_eq!(listed.len(), expected.len());
    assert_eq!(listed.into_iter().map(|blob| (blob.key, blob.len)).collect::<HashSet<_>>(), expected);
}

pub(crate) fn ages_follow_the_clock_of_the_engine(engine: &mut impl BlobEngine) {
    let (old, young) = (original(), original());
    put(&*engine.blobs(), old, b"1");
    engine.clock().advance(Duration::from_secs(60));
    put(&*engine.blobs(), young, b"2");
    engine.clock().advance(Duration::from_secs(5));
    let age = |engine: &dyn BlobEngine, key| list(&*engine.blobs()).iter().find(|blob| blob.key == key).unwrap().age.as_secs();
    assert_eq!((age(engine, old), age(engine, young)), (65, 5));
    engine.reopen();
    engine.clock().advance(Duration::from_secs(1));
    // After an opening nothing may look older than it is.
    assert!(age(engine, old) <= 66 && age(engine, young) <= 6);
}

pub(crate) fn a_dropped_put_leaves_nothing(engine: &mut impl BlobEngine) {
    let store = engine.blobs();
    let key = original();
    let (_sender, receiver) = begun(&body(LONG));
    let mut put_future = store.put(key, receiver, ANY_SIZE);
    assert!((&mut put_future).now_or_never().is_none());
    drop(put_future);
    assert_nothing_left(&*store, key);
    put(&*store, key, b"the name is free");
}

pub(crate) fn stalled_senders_block_no_one(engine: &mut impl BlobEngine) {
    let store = engine.blobs();
    let (senders, stalled): (Vec<_>, Vec<_>) = (0..100)
        .map(|_| {
            let (sender, receiver) = begun(&body(LONG));
            (sender, store.put(original(), receiver, ANY_SIZE))
        })
        .unzip();
    let quick = store.put(original(), complete(&body(LONG), 1000), ANY_SIZE);
    let stalled = match block_on(select(quick, join_all(stalled))) {
        Either::Left((result, stalled)) => {
            result.unwrap();
            stalled
        }
        Either::Right(_) => panic!("a stalled put ended"),
    };
    drop(senders);
    assert!(block_on(stalled).iter().all(|result| matches!(result, Err(BlobStoreError::Aborted))));
    assert_eq!(list(&*store).len(), 1);
}
