//! What the modules share: a clock set by hand, tasks, and engines opened in directories of their own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) use futures::executor::block_on;
use safelight::domain::blob::{BlobMeta, Sha256};
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;
use safelight::domain::ids::TaskId;
use safelight::domain::pipeline::{VariantName, Variants};
use safelight::domain::probe::{ColorSpace, Details, ExifTags, Glance, HexColor, ImageProbe, Warning};
use safelight::domain::task::{Change, Claim, Failure, NewTask, RetryPolicy, Task, TaskResult};
use safelight::stores::Clock;
use safelight::stores::events::EventStore;
use safelight::stores::sqlite::{SqliteDb, SqliteOptions};
use safelight::stores::tasks::{ClaimRequest, ClaimedTask, TaskStore, TaskStoreError};
use safelight::stores::webhooks::WebhookStore;
use tempfile::TempDir;

/// The lease that the tests ask for.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// A clock that moves only when it is told to.
#[derive(Clone, Default)]
pub(crate) struct HandClock {
    millis: Arc<AtomicU64>,
    /// Whoever shows it to an engine that does not ask for it.
    shown: Option<Arc<dyn Fn(Duration)>>,
}

impl HandClock {
    pub(crate) fn clock(&self) -> Clock {
        let millis = Arc::clone(&self.millis);
        Arc::new(move || Duration::from_millis(millis.load(Ordering::SeqCst)))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.millis.fetch_add(by.as_millis() as u64, Ordering::SeqCst);
        if let Some(show) = &self.shown {
            show(by);
        }
    }

    /// One of which `show` is told by how much it has moved, whenever it has.
    pub(crate) fn told_to(show: impl Fn(Duration) + 'static) -> Self {
        Self { millis: Arc::default(), shown: Some(Arc::new(show)) }
    }
}

/// A directory in memory where there is one: for tests that are not about durability.
pub(crate) fn scratch() -> TempDir {
    let shm = PathBuf::from("/dev/shm");
    if shm.is_dir() { tempfile::tempdir_in(shm).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// The variable that tells a test that it runs beside a disk of 2 MiB, and where that is mounted.
pub(crate) const SMALL_DISK: &str = "SAFELIGHT_TEST_SMALL_DISK";

/// Runs a test of this binary again, with a disk of 2 MiB in a mount namespace of its own: it disappears with the process.
pub(crate) fn on_a_small_disk(test: &str) {
    let dir = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=2m none \"$1\" || exit 99; exec \"$2\" --exact \"$3\" --nocapture";
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(SMALL_DISK, dir.path())
        .status();
    match status.map(|status| status.code()) {
        Ok(Some(0)) => {}
        Ok(Some(101)) => panic!("{test} failed on the small disk"),
        other => println!("skipped: no namespace with a small disk ({other:?})"),
    }
}

/// An engine for tasks whose clock the suite holds in its hand.
pub(crate) trait TaskEngine {
    fn tasks(&self) -> Arc<dyn TaskStore>;
    fn events(&self) -> Arc<dyn EventStore>;
    fn webhooks(&self) -> Arc<dyn WebhookStore>;
    fn clock(&self) -> &HandClock;
    /// Closes the engine and opens it again over what it stored.
    fn reopen(&mut self);
}

/// [`SqliteDb`] in a directory of its own.
pub(crate) struct Sqlite {
    pub(crate) dir: TempDir,
    clock: HandClock,
    policy: RetryPolicy,
    pub(crate) db: Option<Arc<SqliteDb>>,
}

impl Sqlite {
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        let mut engine = Self { dir: scratch(), clock: HandClock::default(), policy, db: None };
        engine.reopen();
        engine
    }

    pub(crate) fn db(&self) -> Arc<SqliteDb> {
        Arc::clone(self.db.as_ref().unwrap())
    }
}

impl Default for Sqlite {
    fn default() -> Self {
        Self::new(RetryPolicy::default())
    }
}

impl TaskEngine for Sqlite {
    fn tasks(&self) -> Arc<dyn TaskStore> {
        self.db()
    }

    fn events(&self) -> Arc<dyn EventStore> {
        self.db()
    }

    fn webhooks(&self) -> Arc<dyn WebhookStore> {
        self.db()
    }

    fn clock(&self) -> &HandClock {
        &self.clock
    }

    fn reopen(&mut self) {
        self.db = None;
        let options = SqliteOptions { clock: self.clock.clock(), policy: self.policy, ..SqliteOptions::default() };
        self.db = Some(Arc::new(SqliteDb::open(self.dir.path(), options).unwrap()));
    }
}

pub(crate) fn new_task(len: u64) -> NewTask {
    let variants = Variants::only("resize:400x300,fit=cover/jpeg:q=85".parse().unwrap());
    NewTask::new(TaskId::random(), variants, BlobMeta { len, sha256: Sha256([len as u8; 32]) }, Format::Png)
}

pub(crate) fn result_of(claim: Claim) -> TaskResult {
    let blob = BlobMeta { len: 7, sha256: Sha256([claim.claim_no.0 as u8; 32]) };
    TaskResult {
        claim_no: claim.claim_no,
        blob,
        format: Format::Jpeg,
        width: 400,
        height: 300,
        warnings: vec![Warning::FramesDropped { kept: 1, of: 2 }],
    }
}

/// What every claim knows of every original.
pub(crate) fn known() -> ImageProbe {
    let exif = ExifTags { make: Some("\"Quoted\" \\ Ünïcode".to_owned()), iso: Some(100), has_location: true, ..ExifTags::default() };
    let details = Details { color_space: ColorSpace::Cmyk, profile: None, bit_depth: 8, alpha: false, orientation: 6, exif: Some(exif) };
    let glance = Glance { dominant_color: HexColor([1, 2, 3]), blurhash: "00OZZy".to_owned().try_into().expect("six digits") };
    ImageProbe { format: Format::Png, width: 800, height: 600, frames: 2, duration_ms: 70, details, glance: Some(glance) }
}

/// The change that shows the result of a claim.
pub(crate) fn add(claim: Claim, variant: VariantName) -> Change {
    Change::AddResult { claim, variant, result: result_of(claim), probe: Some(Box::new(known())), lease: LEASE }
}

/// The same, for a task of one result.
pub(crate) fn finish(claim: Claim) -> Change {
    add(claim, VariantName::RESULT)
}

pub(crate) fn failure() -> Failure {
    Failure::new(ErrorCode::CorruptImage, "the image ends after 12 bytes")
}

pub(crate) fn worker_died() -> Failure {
    Failure::new(ErrorCode::WorkerDied, "signal 9")
}

pub(crate) fn release(claim: Claim, refund: bool, backoff: Duration) -> Change {
    Change::Release { claim, reason: worker_died(), refund, backoff }
}

pub(crate) fn apply(store: &dyn TaskStore, change: Change) -> Result<Task, TaskStoreError> {
    block_on(store.apply(change))
}

pub(crate) fn insert(store: &dyn TaskStore, len: u64) -> Task {
    apply(store, Change::Insert(new_task(len))).unwrap()
}

pub(crate) fn claim(store: &dyn TaskStore, workers: &[&str]) -> Vec<ClaimedTask> {
    let workers = workers.iter().map(ToString::to_string).collect();
    block_on(store.claim(ClaimRequest { workers, lease: LEASE })).unwrap()
}

/// The one claim that a single free worker gets.
pub(crate) fn claim_one(store: &dyn TaskStore) -> ClaimedTask {
    claim(store, &["worker-1"]).pop().unwrap()
}

pub(crate) fn get(store: &dyn TaskStore, id: TaskId) -> Task {
    block_on(store.get(id)).unwrap().unwrap()
}
