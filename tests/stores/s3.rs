//! What is particular to blobs in an S3 store: parts, a store that fails in every way, and one that is somebody else's.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{Attribute, Attributes, ObjectStore, PutOptions, PutPayload};
use safelight::domain::blob::BlobKey;
use safelight::stores::blobs::{BlobStore, BlobStoreError};
use safelight::stores::s3::{OpenError, S3Blobs, S3Options};

use crate::blob_fixtures::*;
use crate::fixtures::{block_on, scratch};
use crate::proxy::Manner;
use crate::s3_fixtures::S3;
use crate::seaweedfs::BUCKET;

/// Three parts, the last one short.
const LONG: usize = (2 << 23) + 4321;

/// As long as all tries of one request and what follows them may take.
const ENOUGH: Duration = Duration::from_secs(30);

/// Where a blob lies.
fn path(options: &S3Options, key: BlobKey) -> String {
    format!("{}/blobs/{key}", options.prefix)
}

/// Another client of the store, for what the engine never does.
fn stranger(options: &S3Options) -> AmazonS3 {
    let (key, secret) = options.credentials.clone().unwrap();
    let builder = AmazonS3Builder::new().with_bucket_name(BUCKET).with_allow_http(true).with_endpoint(options.endpoint.clone().unwrap());
    builder.with_access_key_id(key).with_secret_access_key(secret).build().unwrap()
}

/// Runs what a stranger does.
fn tokio<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn try_put(store: &S3Blobs, key: BlobKey, len: usize) -> Result<safelight::domain::blob::BlobMeta, BlobStoreError> {
    block_on(store.put(key, complete(&body(len), 1 << 20), ANY_SIZE))
}

#[test]
fn a_long_blob_comes_and_goes_in_parts() {
    let Some(engine) = S3::fresh() else { return };
    let (key, bytes) = (original(), body(LONG));
    assert_eq!(put(&*engine.store(), key, &bytes), meta_of(&bytes));
    assert_eq!(block_on(engine.store().digest(key)).unwrap(), meta_of(&bytes));
    assert!(read(&*engine.store(), key).unwrap() == bytes);
    assert!(matches!(try_put(&engine.store(), key, LONG), Err(BlobStoreError::Exists)), "an end in parts overwrites nothing, either");
}

#[test]
fn what_is_opened_cannot_be_written_and_has_no_name() {
    let Some(engine) = S3::fresh() else { return };
    let key = original();
    put(&*engine.store(), key, b"bytes");
    let mut opened = block_on(engine.store().open(key)).unwrap();
    assert_eq!(opened.file.write(b"!").unwrap_err().raw_os_error(), Some(rustix::io::Errno::BADF.raw_os_error()));
    let link = std::fs::read_link(format!("/proc/self/fd/{}", opened.file.as_raw_fd())).unwrap();
    assert!(link.to_string_lossy().ends_with(" (deleted)"), "{link:?}");
    assert_eq!(std::fs::read_dir(engine.spool.path()).unwrap().count(), 0);
}

#[test]
fn an_opening_removes_what_a_former_process_left_on_its_way() {
    let Some(engine) = S3::fresh() else { return };
    let spool = scratch();
    std::fs::write(spool.path().join("7"), "half").unwrap();
    S3Blobs::open(&engine.options, spool.path()).unwrap();
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0);
}

#[test]
fn a_reply_that_is_lost_takes_no_blob_with_it() {
    let Some((engine, proxy)) = S3::through_proxy() else { return };
    for (n, lost) in [1, 2, 9].into_iter().enumerate() {
        let (key, bytes) = (original(), body(100 + n));
        // One: whoever repeats the request meets the blob of the first. Nine: no request of all is ever answered.
        proxy.lose_replies(&format!("PUT /{BUCKET}/{}", path(&engine.options, key)), lost);
        assert_eq!(put(&*engine.store(), key, &bytes), meta_of(&bytes));
        assert_eq!(read(&*engine.store(), key).unwrap(), bytes);
    }
    assert!(proxy.lost() >= 3);
    // It is said of an own blob only.
    let key = original();
    put(&*engine.store(), key, b"first");
    proxy.lose_replies(&format!("PUT /{BUCKET}/{}", path(&engine.options, key)), 1);
    assert!(matches!(try_put(&engine.store(), key, 6), Err(BlobStoreError::Exists)));
    assert_eq!(read(&*engine.store(), key).unwrap(), b"first");
}

#[test]
fn a_lost_reply_to_the_end_of_an_upload_in_parts_takes_no_blob_with_it() {
    let Some((engine, proxy)) = S3::through_proxy() else { return };
    let (key, bytes) = (original(), body(LONG));
    proxy.lose_replies(&format!("POST /{BUCKET}/{}?uploadId", path(&engine.options, key)), 1);
    assert_eq!(put(&*engine.store(), key, &bytes), meta_of(&bytes));
    assert_eq!(proxy.lost(), 1);
    assert!(read(&*engine.store(), key).unwrap() == bytes);
}

#[test]
fn a_lost_reply_to_a_removal_is_none() {
    let Some((engine, proxy)) = S3::through_proxy() else { return };
    let key = original();
    put(&*engine.store(), key, b"bytes");
    proxy.lose_replies("DELETE", 1);
    block_on(engine.store().delete(key)).unwrap();
    assert_eq!((proxy.lost(), list(&*engine.store()).len()), (1, 0));
}

#[test]
fn an_upload_in_parts_that_fails_is_aborted() {
    let Some((engine, proxy)) = S3::through_proxy() else { return };
    let key = original();
    proxy.lose_replies(&format!("PUT /{BUCKET}/{}?partNumber=2", path(&engine.options, key)), usize::MAX);
    assert!(matches!(try_put(&engine.store(), key, LONG), Err(BlobStoreError::Unavailable(_))));
    assert!(proxy.lost() > 1, "it was tried again");
    assert_eq!(list(&*engine.store()), []);
    assert_eq!(block_on(engine.store().sweep_uploads(Duration::ZERO)).unwrap(), 0, "nothing is left to be aborted");
}

#[test]
fn uploads_that_nobody_completes_are_swept() {
    let Some(engine) = S3::fresh() else { return };
    let at = Path::from(path(&engine.options, original()));
    tokio(stranger(&engine.options).create_multipart(&at)).unwrap();
    let sweep = |age| block_on(engine.store().sweep_uploads(age)).unwrap();
    assert_eq!(sweep(Duration::from_secs(3600)), 0, "it may be under way");
    assert_eq!((sweep(Duration::ZERO), sweep(Duration::ZERO)), (1, 0));
}

#[test]
fn a_store_that_is_away_is_told_in_time_and_comes_back() {
    let Some((engine, proxy)) = S3::through_proxy() else { return };
    let (store, key) = (engine.store(), original());
    put(&*store, key, b"bytes");
    for manner in [Manner::Refusing, Manner::Absent, Manner::Silent] {
        proxy.be(manner);
        let begun = Instant::now();
        let unavailable = |error: BlobStoreError| assert!(matches!(error, BlobStoreError::Unavailable(_)), "{manner:?}: {error}");
        unavailable(block_on(store.check()).unwrap_err());
        unavailable(try_put(&store, original(), 1000).unwrap_err());
        unavailable(block_on(store.open(key)).unwrap_err());
        unavailable(block_on(store.digest(key)).unwrap_err());
        unavailable(block_on(store.delete(key)).unwrap_err());
        unavailable(block_on(store.list(None)).unwrap_err());
        assert!(begun.elapsed() < ENOUGH * 6, "{manner:?}: {:?}", begun.elapsed());
        proxy.be(Manner::Honest);
        block_on(store.check()).unwrap();
        assert_eq!(read(&*store, key).unwrap(), b"bytes");
        assert_eq!(list(&*store).len(), 1, "{manner:?} left nothing");
    }
}

#[test]
fn no_message_tells_a_secret() {
    let Some((engine, proxy)) = S3::through_proxy() else { return };
    proxy.be(Manner::Refusing);
    let told = [block_on(engine.store().check()).unwrap_err(), block_on(engine.store().sweep_uploads(Duration::ZERO)).unwrap_err()];
    let wrong = S3Options { credentials: Some(("tests".into(), "open-sesame".into())), ..engine.options.clone() };
    proxy.be(Manner::Honest);
    let refused = S3Blobs::open(&wrong, scratch().path()).map(drop).unwrap_err();
    let all = format!("{told:?} {refused} {refused:?} {wrong:?}");
    assert!(!all.contains("tests-secret") && !all.contains("open-sesame") && !all.contains("Signature="), "{all}");
    assert!(matches!(refused, OpenError::Refused(_)), "{refused}");
}

#[test]
fn bytes_that_have_changed_are_given_to_nobody() {
    let Some(engine) = S3::fresh() else { return };
    let key = original();
    let meta = put(&*engine.store(), key, b"bytes");
    let noted = (Attribute::Metadata("sha256".into()), meta.sha256.to_string());
    let options = PutOptions { attributes: Attributes::from_iter([noted]), ..PutOptions::default() };
    let at = Path::from(path(&engine.options, key));
    tokio(stranger(&engine.options).put_opts(&at, PutPayload::from_static(b"bytez"), options)).unwrap();
    let error = block_on(engine.store().open(key)).unwrap_err();
    assert!(matches!(&error, BlobStoreError::Io(error) if error.kind() == io::ErrorKind::InvalidData), "{error}");
    assert_eq!(block_on(engine.store().digest(key)).unwrap(), meta_of(b"bytez"), "what it is now");
}

#[test]
fn the_blobs_of_another_database_are_not_touched() {
    let Some(engine) = S3::fresh() else { return };
    put(&*engine.store(), original(), b"theirs");
    let other = S3Options { owner: "another".into(), ..engine.options.clone() };
    for _ in 0..2 {
        let error = S3Blobs::open(&other, scratch().path()).map(drop).unwrap_err();
        assert!(matches!(&error, OpenError::Foreign { owners } if *owners == engine.options.owner), "{error}");
    }
    S3Blobs::open(&engine.options, scratch().path()).expect("its own database opens it again");
    let beside = S3Options { prefix: format!("{}-2", engine.options.prefix), ..other };
    assert_eq!(list(&S3Blobs::open(&beside, scratch().path()).unwrap()), [], "a place beside it is another one");
}

#[test]
fn what_a_store_can_do_is_found_out() {
    let Some(engine) = S3::fresh() else { return };
    assert!(engine.store().abilities().conditional_put, "SeaweedFS refuses to overwrite when it is asked to");
}

#[test]
fn a_spool_that_cannot_be_used_is_told_at_once() {
    let Some(engine) = S3::fresh() else { return };
    let place = scratch();
    let file = place.path().join("file");
    OpenOptions::new().write(true).create(true).truncate(true).open(&file).unwrap();
    assert!(matches!(S3Blobs::open(&engine.options, &file).map(drop), Err(OpenError::Spool(_))));
}
