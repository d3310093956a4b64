//! Stand-ins for the services around the stores. They follow the rules of the real ones: an original is durable before its
//! row, an unknown outcome is read again, what was acknowledged is written down at once, and late work is dropped.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use safelight::domain::asset::{AssetName, AssetVersion, NewAsset};
use safelight::domain::blob::BlobKey;
use safelight::domain::error_code::ErrorCode;
use safelight::domain::faults;
use safelight::domain::format::Format;
use safelight::domain::ids::TaskId;
use safelight::domain::pipeline::VariantName;
use safelight::domain::task::{Change, Claim, Failure, NewTask, RetryPolicy, Task, TaskResult, TaskState};
use safelight::stores::assets::{AssetStore, AssetStoreError};
use safelight::stores::blobs::{BlobStore, BlobStoreError};
use safelight::stores::data_dir::DataDir;
use safelight::stores::events::EventStore;
use safelight::stores::local_fs::{LocalBlobs, LocalBlobsOptions};
use safelight::stores::orphans::orphans;
use safelight::stores::sqlite::{SqliteDb, SqliteOptions};
use safelight::stores::tasks::{ClaimRequest, TaskStore, TaskStoreError};

use crate::blob_fixtures::{ANY_SIZE, body, complete, list, meta_of, read};
use crate::fixtures::{HandClock, LEASE, block_on};
use crate::postgres_fixtures;

/// How long an original may wait for its row.
const GRACE: Duration = Duration::from_secs(600);

/// The file that names the database of a life that is not in SQLite.
pub(crate) const DATABASE: &str = "database";

/// A server without actors and without HTTP.
pub(crate) struct Services {
    pub(crate) tasks: Arc<dyn TaskStore>,
    pub(crate) events: Arc<dyn EventStore>,
    pub(crate) assets: Arc<dyn AssetStore>,
    pub(crate) blobs: Box<dyn BlobStore>,
    clock: HandClock,
    log: File,
    _dir: DataDir,
}

/// What a variant's pipeline makes of an image here.
pub(crate) fn process(bytes: &[u8], variant: VariantName) -> Vec<u8> {
    bytes.iter().rev().chain(variant.as_str().as_bytes()).copied().collect()
}

impl Services {
    pub(crate) fn start(dir: &Path) -> Self {
        let locked = DataDir::lock(&dir.join("data")).unwrap();
        match fs::read_to_string(dir.join(DATABASE)) {
            Ok(url) => {
                let database = postgres_fixtures::open(&url, "node", RetryPolicy::default());
                Self::over(dir, locked, database, postgres_fixtures::take_clock(&url))
            }
            Err(_) => {
                let clock = HandClock::default();
                let options = SqliteOptions { clock: clock.clock(), ..SqliteOptions::default() };
                let database = Arc::new(SqliteDb::open(locked.path(), options).unwrap());
                Self::over(dir, locked, database, clock)
            }
        }
    }

    fn over(dir: &Path, locked: DataDir, database: Arc<impl TaskStore + EventStore + AssetStore + 'static>, clock: HandClock) -> Self {
        let blobs = LocalBlobs::open(locked.path(), LocalBlobsOptions { clock: clock.clock(), ..LocalBlobsOptions::default() }).unwrap();
        let log = OpenOptions::new().create(true).append(true).open(dir.join("log")).unwrap();
        Self { tasks: database.clone(), events: database.clone(), assets: database, blobs: Box::new(blobs), clock, log, _dir: locked }
    }

    /// Writes down what a client or an operator now knows. A kill does not take it back.
    pub(crate) fn note(&self, line: &str) {
        (&self.log).write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The client's side: tries again, as a new upload, until one is acknowledged.
    pub(crate) fn upload(&self, bytes: &[u8], pipeline: &str) -> TaskId {
        (0..3).find_map(|_| self.try_upload(bytes, pipeline)).expect("a fault happens once")
    }

    /// The frontend's side: `None` is an answer of 5xx.
    fn try_upload(&self, bytes: &[u8], pipeline: &str) -> Option<TaskId> {
        let id = TaskId::random();
        let key = BlobKey::Original(id);
        let Ok(original) = block_on(self.blobs.put(key, complete(bytes, 100_000), ANY_SIZE)) else {
            self.assert_invisible(key);
            return None;
        };
        assert_eq!(original, meta_of(bytes));
        faults::point("life.original_stored");
        let variants = format!("a={pipeline} b=invert").parse().unwrap();
        let new = NewTask::new(id, variants, original, Format::Png);
        match block_on(self.tasks.apply(Change::Insert(new))) {
            Ok(_) => {}
            // The row may be there. The original stays either way; if it is not, the sweep takes it.
            Err(TaskStoreError::UnknownOutcome(_)) => {
                block_on(self.tasks.get(id)).unwrap()?;
            }
            Err(_) => {
                block_on(self.blobs.delete(key)).unwrap();
                return None;
            }
        }
        faults::point("life.inserted");
        self.note(&format!("acknowledged {id} {}", original.sha256));
        faults::point("life.acknowledged");
        Some(id)
    }

    /// The client's side: tries again until it is acknowledged.
    pub(crate) fn put_asset(&self, name: &str, bytes: &[u8]) {
        (0..3).find(|_| self.try_put_asset(name, bytes)).expect("a fault happens once");
    }

    /// The frontend's side: whether it was acknowledged.
    fn try_put_asset(&self, name: &str, bytes: &[u8]) -> bool {
        let name: AssetName = name.parse().unwrap();
        let version = AssetVersion::random();
        let key = BlobKey::Asset(version);
        let Ok(blob) = block_on(self.blobs.put(key, complete(bytes, 100_000), ANY_SIZE)) else {
            self.assert_invisible(key);
            return false;
        };
        faults::point("life.asset_stored");
        let asset = NewAsset { name: name.clone(), version, blob, format: Format::Png, width: 1, height: 1 };
        // What may have happened may be repeated.
        while let Err(error) = block_on(self.assets.put(asset.clone(), 10)) {
            assert!(matches!(error, AssetStoreError::UnknownOutcome(_)), "{error}");
        }
        faults::point("life.asset_kept");
        self.note(&format!("asset {name} {}", blob.sha256));
        true
    }

    pub(crate) fn delete_asset(&self, name: &str) {
        self.note(&format!("removing {name}"));
        while block_on(self.assets.delete(name.parse().unwrap())).is_err() {}
        faults::point("life.asset_removed");
        self.note(&format!("removed {name}"));
    }

    /// The master's side: one claim, or `None` if nothing is runnable. Claims that nobody knows of lapse.
    pub(crate) fn claim(&self) -> Option<(Task, Claim)> {
        loop {
            let request = ClaimRequest { workers: vec!["worker".into()], lease: LEASE };
            match block_on(self.tasks.claim(request)) {
                Ok(claimed) => {
                    faults::point("life.claimed");
                    return claimed.into_iter().next().map(|claimed| (claimed.task, claimed.claim));
                }
                Err(TaskStoreError::UnknownOutcome(_)) => self.release_lapsed(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn release_lapsed(&self) {
        self.clock.advance(LEASE);
        for claim in block_on(self.tasks.expired(10)).unwrap() {
            self.release(claim, ErrorCode::WorkerDied, false);
        }
    }

    pub(crate) fn release(&self, claim: Claim, code: ErrorCode, refund: bool) {
        let change = Change::Release { claim, reason: Failure::new(code, "planted"), refund, backoff: Duration::ZERO };
        self.until_known(&change, |task| task.is_some_and(|task| task.claim_no == claim.claim_no && task.state != TaskState::InProgress));
        faults::point("life.released");
    }

    /// The worker's side: from the claim to the result. A failing disk is not the image's fault.
    pub(crate) fn work(&self, task: &Task, claim: Claim) {
        let bytes = read(&*self.blobs, BlobKey::Original(task.id)).unwrap();
        assert_eq!(meta_of(&bytes), task.original, "the original is not what was acknowledged");
        for asset in task.variants.assets() {
            let version = asset.version.expect("a task names versions");
            assert_eq!(read(&*self.blobs, BlobKey::Asset(version)).unwrap(), body(20_000), "the asset is not that of the acknowledgement");
        }
        for variant in task.missing().map(|(name, _)| name) {
            if !self.make(&bytes, claim, variant) {
                return self.release(claim, ErrorCode::Unavailable, true);
            }
        }
    }

    /// One result; `false` if the disk failed.
    fn make(&self, bytes: &[u8], claim: Claim, variant: VariantName) -> bool {
        let mut output = tempfile::tempfile().unwrap();
        let processed = process(bytes, variant);
        output.write_all(&processed).unwrap();
        faults::point("life.processed");
        let blob = match block_on(self.blobs.put_file(claim.result_key(variant), output, processed.len() as u64)) {
            Ok(blob) => blob,
            Err(BlobStoreError::Io(_)) => {
                self.assert_invisible(claim.result_key(variant));
                return false;
            }
            Err(error) => panic!("{error}"),
        };
        faults::point("life.result_stored");
        let result = TaskResult { claim_no: claim.claim_no, blob, format: Format::Png, width: 1, height: 1, warnings: Vec::new() };
        let change = Change::AddResult { claim, variant, result: result.clone(), probe: None, lease: LEASE };
        self.until_known(&change, |task| task.is_some_and(|task| task.results.get(&variant) == Some(&result)));
        self.note(&format!("finished {} {variant} {}", claim.task, claim.claim_no));
        faults::point("life.finished");
        true
    }

    /// A put that failed has left nothing that a reader could come to rely on.
    fn assert_invisible(&self, key: BlobKey) {
        assert!(matches!(read(&*self.blobs, key), Err(BlobStoreError::NotFound)), "{key} is visible after its put failed");
    }

    /// The janitor's side. Begins or goes on, wherever it stopped.
    pub(crate) fn delete(&self, id: TaskId) {
        self.note(&format!("deleting {id}"));
        let Some(task) = block_on(self.tasks.get(id)).unwrap() else { return };
        if task.state != TaskState::Deleting {
            self.until_known(&Change::MarkDeleting { id }, |task| task.is_some_and(|task| task.state == TaskState::Deleting));
        }
        faults::point("life.marked");
        self.delete_blob(BlobKey::Original(id));
        faults::point("life.original_deleted");
        task.results.keys().filter_map(|variant| task.result_key(*variant)).for_each(|key| self.delete_blob(key));
        faults::point("life.result_deleted");
        self.until_known(&Change::Remove { id }, |task| task.is_none());
        faults::point("life.removed");
        self.note(&format!("gone {id}"));
    }

    fn delete_blob(&self, key: BlobKey) {
        (0..3).find(|_| block_on(self.blobs.delete(key)).is_ok()).expect("a fault happens once");
    }

    /// Makes a change. Where its outcome is unknown, the task is read; only if it shows that nothing happened, again.
    fn until_known(&self, change: &Change, happened: impl Fn(Option<&Task>) -> bool) {
        loop {
            match block_on(self.tasks.apply(change.clone())) {
                Ok(_) => return,
                Err(TaskStoreError::UnknownOutcome(_)) => {
                    if happened(block_on(self.tasks.get(change.task())).unwrap().as_ref()) {
                        return;
                    }
                }
                Err(error) => panic!("{change:?}: {error}"),
            }
        }
    }

    /// Removes what nothing refers to, once the grace is over.
    pub(crate) fn sweep(&self) {
        self.clock.advance(GRACE);
        let blobs = list(&*self.blobs);
        let rows: Vec<_> = blobs.iter().filter_map(|blob| block_on(self.tasks.get(blob.key.task()?)).unwrap()).collect();
        let lookup = |id| rows.iter().find(|task| task.id == id);
        let in_use = |version| block_on(self.assets.is_in_use(version)).unwrap();
        for key in orphans(blobs, lookup, in_use, GRACE) {
            self.delete_blob(key);
        }
    }

    /// What was written down.
    pub(crate) fn notes(dir: &Path) -> Vec<Vec<String>> {
        let mut text = String::new();
        File::open(dir.join("log")).unwrap().read_to_string(&mut text).unwrap();
        text.lines().map(|line| line.split(' ').map(Into::into).collect()).collect()
    }
}
