//! The janitor: sweeps blobs that nothing refers to, left behind by crashes, aborted uploads and late workers, and versions of
//! assets that were replaced or removed.
//!
//! Two sweeps differ in what they may assume. The one of the server's start goes by names that were listed before the
//! first upload could begin, so each of them without a row is left behind. Every later one spares what is younger than
//! the grace time, since an upload under way has a blob before it has a row.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, MailboxError, ResponseActFuture, Supervised, WrapFuture};
use serde_json::json;

use crate::actors::assets::{Assets, IsInUse};
use crate::actors::storage::{DeleteBlob, ListBlobs, Storage};
use crate::actors::supervision::{Details, InitResult, Service};
use crate::actors::task_db::{GetState, TaskDb};
use crate::domain::asset::AssetVersion;
use crate::domain::blob::{BlobKey, Stage};
use crate::domain::faults;
use crate::domain::ids::TaskId;
use crate::domain::task::Task;
use crate::stores::assets::AssetStoreError;
use crate::stores::blobs::{BlobCursor, BlobEntry, BlobStoreError};
use crate::stores::orphans::orphans;
use crate::stores::tasks::TaskStoreError;

/// How long one question of a sweep may take; then the sweep ends, and the next one goes on.
const STEP_DEADLINE: Duration = Duration::from_secs(30);

/// What the janitor needs; the same over restarts.
#[derive(Clone)]
pub struct JanitorDeps {
    /// The blobs.
    pub storage: Addr<Storage>,
    /// The tasks that own most of them.
    pub task_db: Addr<TaskDb>,
    /// The names of the others.
    pub assets: Addr<Assets>,
    /// The pause between two sweeps.
    pub interval: Duration,
    /// How old a blob without a task must be while uploads run.
    pub grace: Duration,
    /// Set once the sweep of the server's start has begun: a restarted janitor must not repeat it.
    pub started: Arc<AtomicBool>,
}

/// The actor.
pub struct Janitor {
    deps: JanitorDeps,
    sweeps: u64,
    swept: u64,
    sweeping: bool,
}

impl Janitor {
    /// A janitor that has not swept yet.
    #[must_use]
    pub fn new(deps: JanitorDeps) -> Self {
        Self { deps, sweeps: 0, swept: 0, sweeping: false }
    }

    /// Sweeps in the background, unless a sweep is under way.
    fn sweep(&mut self, context: &mut Context<Self>) {
        faults::point("janitor.sweep");
        if self.sweeping {
            return;
        }
        self.sweeping = true;
        let deps = self.deps.clone();
        let swept = async move { sweep(&deps).await };
        context.spawn(swept.into_actor(self).map(|swept, janitor, _| janitor.swept(swept)));
    }

    /// Goes through the names that were there before the server took its first upload.
    fn first_sweep(&mut self, found: Vec<BlobEntry>, context: &mut Context<Self>) {
        self.sweeping = true;
        let deps = self.deps.clone();
        let swept = async move { remove_orphans(&deps, found, Duration::ZERO).await };
        context.spawn(swept.into_actor(self).map(|swept, janitor, _| janitor.swept(swept)));
    }

    fn swept(&mut self, swept: Result<u64, SweepError>) {
        faults::point("janitor.swept");
        self.sweeping = false;
        self.sweeps += 1;
        match swept {
            Ok(0) => {}
            Ok(blobs) => {
                self.swept += blobs;
                log::info!(blobs; "orphans swept");
            }
            Err(error) => log::warn!(error:% = error; "sweep stopped; the next one goes on"),
        }
    }
}

impl Actor for Janitor {
    type Context = Context<Self>;
}

impl Supervised for Janitor {}

impl Service for Janitor {
    /// Lists what is there before the server takes its first upload, and sweeps it while the server starts.
    fn init(&mut self, context: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        context.run_interval(self.deps.interval, Self::sweep);
        let first = !self.deps.started.swap(true, Ordering::Relaxed);
        let deps = self.deps.clone();
        let found = async move { if first { list(&deps).await } else { Ok(Vec::new()) } };
        Box::pin(found.into_actor(self).map(|found, janitor, context| {
            janitor.first_sweep(found?, context);
            Ok(())
        }))
    }

    fn inspect(&self) -> Details {
        let details = json!({ "sweeps": self.sweeps, "blobs_swept": self.swept });
        details.as_object().cloned().unwrap_or_default()
    }
}

/// Why a sweep ended early.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error("{0}")]
    Mailbox(#[from] MailboxError),
    #[error("{0}")]
    Blobs(#[from] BlobStoreError),
    #[error("{0}")]
    Tasks(#[from] TaskStoreError),
    #[error("{0}")]
    Assets(#[from] AssetStoreError),
}

/// Everything that is stored.
async fn list(deps: &JanitorDeps) -> Result<Vec<BlobEntry>, SweepError> {
    let mut found = Vec::new();
    let mut after: Option<BlobCursor> = None;
    loop {
        let page = deps.storage.send(ListBlobs { after }).timeout(STEP_DEADLINE).await??;
        found.extend(page.blobs);
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// Sweeps page by page, so that it takes no more memory however much is stored; says how many blobs it removed.
async fn sweep(deps: &JanitorDeps) -> Result<u64, SweepError> {
    let mut removed = 0;
    let mut after: Option<BlobCursor> = None;
    loop {
        let page = deps.storage.send(ListBlobs { after }).timeout(STEP_DEADLINE).await??;
        removed += remove_orphans(deps, page.blobs, deps.grace).await?;
        after = page.next;
        if after.is_none() {
            return Ok(removed);
        }
    }
}

/// Removes those of `found` that are older than `grace` and that nothing refers to; says how many.
async fn remove_orphans(deps: &JanitorDeps, found: Vec<BlobEntry>, grace: Duration) -> Result<u64, SweepError> {
    let mut removed = 0;
    for key in left_behind(deps, found, grace).await? {
        deps.storage.send(DeleteBlob { key }).timeout(STEP_DEADLINE).await??;
        log::debug!(blob:% = key; "orphan removed");
        removed += 1;
    }
    Ok(removed)
}

/// The orphans among some blobs. The rows are read after the blobs were listed: a row that appears meanwhile protects its blob.
async fn left_behind(deps: &JanitorDeps, blobs: Vec<BlobEntry>, grace: Duration) -> Result<Vec<BlobKey>, SweepError> {
    let mut tasks: HashMap<TaskId, Option<Task>> = HashMap::new();
    let mut assets: HashSet<AssetVersion> = HashSet::new();
    // What is handed in is spared while it is young; a result without a row has no grace, so its row must be known.
    let spared = |blob: &&BlobEntry| blob.age < grace && blob.key.stage() != Stage::Processed;
    for blob in blobs.iter().filter(|blob| !spared(blob)) {
        match blob.key {
            BlobKey::Original(id) | BlobKey::Processed(id, ..) => {
                if let Entry::Vacant(unread) = tasks.entry(id) {
                    unread.insert(deps.task_db.send(GetState { id }).timeout(STEP_DEADLINE).await??);
                }
            }
            BlobKey::Asset(version) => {
                if deps.assets.send(IsInUse { version }).timeout(STEP_DEADLINE).await?? {
                    assets.insert(version);
                }
            }
        }
    }
    Ok(orphans(blobs, |id| tasks.get(&id).and_then(Option::as_ref), |version| assets.contains(&version), grace))
}
