//! A backup as seen by the stores that it is made of: what they may and may not do while it is made.

use std::path::Path;
use std::sync::{Arc, Mutex};

use safelight::domain::blob::BlobKey;
use safelight::domain::task::{Change, NewTask, RetryPolicy};
use safelight::stores::backup::{self, BackupError};
use safelight::stores::blobs::{BlobStore, BlobStoreError};
use safelight::stores::local_fs::{LocalBlobs, LocalBlobsOptions};
use safelight::stores::sqlite::{FILE_NAME, SqliteDb, SqliteOptions};

use crate::blob_fixtures::{body, put, read};
use crate::fixtures::{apply, block_on, claim_one, new_task, result_of, scratch};

/// The one point of a backup that a test can stand at: its database is copied, its blobs are not.
const BETWEEN: &str = "backup.database_copied";

/// Both embedded stores over one directory.
struct Stores {
    tasks: SqliteDb,
    blobs: LocalBlobs,
}

impl Stores {
    fn open(dir: &Path) -> Self {
        let tasks = SqliteDb::open(dir, SqliteOptions { policy: RetryPolicy::default(), ..SqliteOptions::default() }).unwrap();
        Self { tasks, blobs: LocalBlobs::open(dir, LocalBlobsOptions::default()).unwrap() }
    }

    /// A task with its original; the key of that.
    fn upload(&self, len: usize) -> BlobKey {
        let new = new_task(0);
        let key = BlobKey::Original(new.id);
        let original = put(&self.blobs, key, &body(len));
        apply(&self.tasks, Change::Insert(NewTask { original, ..new })).unwrap();
        key
    }

    /// Finishes the only task that waits, and stores its result.
    fn finish(&self) {
        let claim = claim_one(&self.tasks).claim;
        let result = result_of(claim);
        let variant = safelight::domain::pipeline::VariantName::RESULT;
        let blob = put(&self.blobs, claim.result_key(variant), &body(50_000));
        let result = safelight::domain::task::TaskResult { blob, ..result };
        apply(&self.tasks, Change::AddResult { claim, variant, result, probe: None, lease: crate::fixtures::LEASE }).unwrap();
    }
}

fn quiet(problem: &backup::Problem) {
    panic!("{problem}");
}

#[test]
fn what_a_backup_has_seen_is_there_until_it_has_it() {
    let (dir, other) = (scratch(), scratch());
    let stores = Arc::new(Stores::open(dir.path()));
    let finished = stores.upload(700_001);
    stores.finish();
    let waiting = stores.upload(0);
    let (to, again) = (other.path().join("deep/backup"), other.path().join("again"));

    // Between the two copies: a task is deleted as a server would, and another is accepted.
    let met = Arc::new(Mutex::new(Vec::new()));
    let (meanwhile, said, from, second) = (Arc::clone(&stores), Arc::clone(&met), dir.path().to_owned(), again.clone());
    fail::cfg_callback(BETWEEN, move || {
        fail::remove(BETWEEN);
        apply(&meanwhile.tasks, Change::MarkDeleting { id: finished.task().unwrap() }).unwrap();
        meanwhile.upload(10);
        let refused = [block_on(meanwhile.blobs.delete(finished)), block_on(meanwhile.blobs.set_aside(waiting))];
        said.lock().unwrap().push((refused, backup::backup(&from, &second, &mut quiet)));
    })
    .unwrap();
    let report = backup::backup(dir.path(), &to, &mut quiet).unwrap();
    assert_eq!((report.rows, report.blobs, report.bytes, report.problems), (2, 3, 750_001, 0));

    let (refused, second) = met.lock().unwrap().pop().expect("the point was passed");
    assert!(refused.iter().all(|result| matches!(result, Err(BlobStoreError::Unavailable(_)))), "{refused:?}");
    assert!(matches!(second, Err(BackupError::Io { .. })), "a second one is told, and does not wait: {second:?}");
    block_on(stores.blobs.delete(finished)).unwrap();

    assert_eq!(backup::verify(&to, &mut quiet).unwrap(), report);
    assert!(!to.join(format!("{FILE_NAME}-wal")).exists(), "the copy is one file");
    let restored = other.path().join("restored");
    assert_eq!(backup::restore(&to, &restored, &mut quiet).unwrap(), report);
    assert_eq!(backup::verify(&restored, &mut quiet).unwrap(), report);
    let restored = Stores::open(&restored);
    assert_eq!(read(&restored.blobs, finished).unwrap(), body(700_001), "as it was at the moment of the backup");
    assert_eq!(read(&restored.blobs, waiting).unwrap(), b"");
}
