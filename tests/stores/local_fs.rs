//! What is particular to blobs in local files.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use futures::FutureExt;
use safelight::stores::blobs::{BlobStore, BlobStoreError, PutSize};
use safelight::stores::local_fs::{LocalBlobs, LocalBlobsOptions};

use crate::blob_fixtures::*;
use crate::fixtures::{SMALL_DISK, block_on, on_a_small_disk};

#[test]
fn a_blob_lies_under_the_tail_of_its_id_for_its_owner_only() {
    let engine = Local::default();
    let key = original();
    put(&*engine.store(), key, b"bytes");
    let id = key.as_uuid().to_string();
    let path = engine.dir.path().join("blobs").join(&id[id.len() - 2..]).join(format!("{id}.original"));
    assert_eq!(fs::read(&path).unwrap(), b"bytes");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn an_opening_sweeps_incomplete_files_and_nothing_else() {
    let mut engine = Local::default();
    let key = original();
    put(&*engine.store(), key, b"bytes");
    fs::write(engine.dir.path().join("blobs/tmp/0.tmp"), "half").unwrap();
    fs::write(engine.dir.path().join("blobs/00/notes.txt"), "someone's").unwrap();
    engine.reopen();
    assert_eq!(engine.temp_files(), 0);
    assert_eq!(list(&*engine.store()).len(), 1, "a foreign file is no blob");
    assert!(engine.dir.path().join("blobs/00/notes.txt").exists());
    put(&*engine.store(), original(), b"the temporary name is free again");
}

#[test]
fn a_failed_put_is_answered_after_its_file_is_gone() {
    let engine = Local::default();
    let (sender, receiver) = begun(&body(700_000));
    let mut put = engine.store().put(original(), receiver, ANY_SIZE);
    while engine.temp_files() == 0 {
        assert!((&mut put).now_or_never().is_none());
        std::thread::yield_now();
    }
    drop(sender);
    assert!(matches!(block_on(put), Err(BlobStoreError::Aborted)));
    assert_eq!(engine.temp_files(), 0);
}

#[test]
fn a_dropped_put_is_cleaned_up_by_the_threads() {
    let mut engine = Local::default();
    // Longer than what is gathered before it is written: only then there is a file before the end of the body.
    for (len, announced) in [(0, 300_000), (10, 300_000), (700_000, 700_001)] {
        let (_sender, receiver) = begun(&body(len));
        let size = PutSize { announced: Some(announced), max: u64::MAX };
        let mut put = engine.store().put(original(), receiver, size);
        while engine.temp_files() == 0 {
            assert!((&mut put).now_or_never().is_none());
            std::thread::yield_now();
        }
        drop(put);
        // Closing waits for the threads.
        engine.store = None;
        assert_eq!(engine.temp_files(), 0);
        engine.reopen();
    }
}

#[test]
fn uploads_have_a_bound_of_their_own() {
    let engine = Local::with(&LocalBlobsOptions { max_uploads: 3, max_operations: 1, ..LocalBlobsOptions::default() });
    let store = engine.store();
    let under_way: Vec<_> = (0..3)
        .map(|_| {
            let (sender, receiver) = begun(b"");
            (sender, store.put(original(), receiver, ANY_SIZE))
        })
        .collect();
    let refused = block_on(store.put(original(), complete(b"", 1), ANY_SIZE));
    assert!(matches!(refused, Err(BlobStoreError::Unavailable(_))), "{refused:?}");
    // However many clients dawdle, everything else goes on.
    assert!(matches!(block_on(store.open(original())), Err(BlobStoreError::NotFound)));
    assert!(block_on(store.delete(original())).is_ok());
    assert!(block_on(store.list(None)).is_ok());
    drop(under_way);
    put(&*store, original(), b"there is room again");
}

#[test]
fn free_bytes_are_those_of_the_file_system() {
    let engine = Local::default();
    assert!(block_on(engine.store().free_bytes()).unwrap().unwrap() > 0);
}

#[test]
fn a_full_disk_is_told_early_and_leaves_nothing() {
    on_a_small_disk("local_fs::small_disk");
}

#[test]
fn small_disk() {
    let Some(dir) = std::env::var_os(SMALL_DISK) else { return };
    let store = LocalBlobs::open(dir.as_ref(), LocalBlobsOptions::default()).unwrap();
    let free = block_on(store.free_bytes()).unwrap().unwrap();
    let key = original();
    // Announced: refused although not a byte has come.
    let (_sender, receiver) = begun(b"");
    let size = PutSize { announced: Some(free + 1), max: u64::MAX };
    assert!(matches!(block_on(store.put(key, receiver, size)), Err(BlobStoreError::Full)));
    // Not announced: refused while writing.
    let result = block_on(store.put(key, complete(&body(3 << 20), 1 << 16), ANY_SIZE));
    assert!(matches!(result, Err(BlobStoreError::Full)), "{result:?}");
    assert_eq!(block_on(store.free_bytes()).unwrap().unwrap(), free);
    put(&store, key, &body(1 << 20));
}
