//! The sweep for orphans: blobs that nothing refers to, left behind by crashes, aborted uploads and late workers, and versions of
//! assets that were replaced or removed.
//!
//! Two sweeps differ in what they may assume. The one of the server's start goes by names that were listed before the
//! first upload could begin, so each of them without a row is left behind. Every later one spares what is younger than
//! the grace time, since an upload under way has a blob before it has a row.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::actors::assets::IsInUse;
use crate::actors::janitor::{JanitorDeps, JanitorError, STEP_DEADLINE};
use crate::actors::storage::{DeleteBlob, ListBlobs};
use crate::actors::task_db::GetState;
use crate::domain::asset::AssetVersion;
use crate::domain::blob::{BlobKey, Stage};
use crate::domain::faults;
use crate::domain::ids::TaskId;
use crate::domain::task::Task;
use crate::stores::blobs::{BlobCursor, BlobEntry};
use crate::stores::orphans::orphans;

/// Everything that is stored.
pub(super) async fn list(deps: &JanitorDeps) -> Result<Vec<BlobEntry>, JanitorError> {
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
pub(super) async fn sweep(deps: &JanitorDeps) -> Result<u64, JanitorError> {
    // Tests cannot wait for so long.
    let grace = if faults::soft("janitor.grace_is_over") { Duration::ZERO } else { deps.grace };
    let mut removed = 0;
    let mut after: Option<BlobCursor> = None;
    loop {
        let page = deps.storage.send(ListBlobs { after }).timeout(STEP_DEADLINE).await??;
        removed += remove_orphans(deps, page.blobs, grace).await?;
        after = page.next;
        if after.is_none() {
            return Ok(removed);
        }
    }
}

/// Removes those of `found` that are older than `grace` and that nothing refers to; says how many.
pub(super) async fn remove_orphans(deps: &JanitorDeps, found: Vec<BlobEntry>, grace: Duration) -> Result<u64, JanitorError> {
    let mut removed = 0;
    for key in left_behind(deps, found, grace).await? {
        deps.on_duty()?;
        deps.storage.send(DeleteBlob { key }).timeout(STEP_DEADLINE).await??;
        log::debug!(blob:% = key; "orphan removed");
        removed += 1;
    }
    Ok(removed)
}

/// The orphans among some blobs. The rows are read after the blobs were listed: a row that appears meanwhile protects its blob.
async fn left_behind(deps: &JanitorDeps, blobs: Vec<BlobEntry>, grace: Duration) -> Result<Vec<BlobKey>, JanitorError> {
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
