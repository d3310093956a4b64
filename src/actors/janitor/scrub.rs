//! The scrub: reads every blob that a task or the name of an asset refers to, slowly, and compares it with the digest that was
//! acknowledged.
//!
//! What is not what it was is set aside, so that nobody is given wrong bytes: whoever asks for it is told `corrupt_blob`, and so is a
//! retry that would need it. The task keeps its state, since a verdict on the past is no event in its life. The operator finds the
//! blob in the log, in the tree, and the file beside the others.

use std::cell::RefCell;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::actors::assets::PageOfAssets;
use crate::actors::janitor::{JanitorDeps, JanitorError, STEP_DEADLINE};
use crate::actors::storage::{DigestBlob, SetBlobAside};
use crate::actors::task_db::{GetState, ListByState};
use crate::domain::blob::{BlobKey, BlobMeta};
use crate::domain::faults;
use crate::domain::task::Task;
use crate::stores::assets::AssetQuery;
use crate::stores::blobs::BlobStoreError;
use crate::stores::tasks::TaskQuery;

/// Rows that are read at once.
const PAGE: usize = 100;

/// Damaged blobs that are told by name; all are counted, and logged.
const NAMED: usize = 16;

/// The slowest disk that is waited for, in bytes per second.
const SLOWEST: u64 = 1 << 20;

/// How a server's blobs are read.
#[derive(Clone, Copy, Debug)]
pub struct ScrubPlan {
    /// The pause between two passes.
    pub interval: Duration,
    /// Bytes per second, on average; 0 reads none.
    pub rate: u64,
}

impl ScrubPlan {
    /// How long to wait after so many bytes.
    fn pause(self, bytes: u64) -> Duration {
        Duration::from_secs_f64(bytes as f64 / self.rate.max(1) as f64)
    }
}

/// What the passes found, since the janitor's start.
#[derive(Debug, Default)]
pub(super) struct Report {
    passes: u64,
    blobs: u64,
    bytes: u64,
    damaged: u64,
    /// The latest ones.
    named: Vec<BlobKey>,
}

impl Report {
    /// As the tree shows it.
    pub(super) fn json(&self) -> Value {
        let named: Vec<String> = self.named.iter().map(BlobKey::to_string).collect();
        json!({ "passes": self.passes, "blobs": self.blobs, "bytes": self.bytes, "damaged": self.damaged, "latest_damaged": named })
    }

    fn damaged(&mut self, key: BlobKey) {
        // One that is not there any more is met again by every pass.
        if !self.named.contains(&key) {
            self.damaged += 1;
            self.named.push(key);
            let beyond = self.named.len().saturating_sub(NAMED);
            self.named.drain(..beyond);
        }
    }
}

/// Reads everything once.
pub(super) async fn pass(deps: &JanitorDeps, report: &RefCell<Report>) -> Result<(), JanitorError> {
    let mut after = None;
    loop {
        let query = TaskQuery { after, limit: PAGE, ..TaskQuery::default() };
        let page = deps.task_db.send(ListByState(query)).timeout(STEP_DEADLINE).await??;
        for (task, (key, expected)) in page.tasks.iter().flat_map(|task| task.blobs().into_iter().map(move |blob| (task, blob))) {
            if !is_whole(deps, report, key, expected).await? && still_refers(deps, task, key).await? {
                set_aside(deps, report, key).await?;
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assets(deps, report).await?;
    report.borrow_mut().passes += 1;
    Ok(())
}

async fn assets(deps: &JanitorDeps, report: &RefCell<Report>) -> Result<(), JanitorError> {
    let mut after = None;
    loop {
        let page = deps.assets.send(PageOfAssets(AssetQuery { after, limit: PAGE })).timeout(STEP_DEADLINE).await??;
        for asset in &page.assets {
            // A name that was given away meanwhile leaves its version to the sweep.
            if !is_whole(deps, report, asset.key(), asset.blob).await? {
                set_aside(deps, report, asset.key()).await?;
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Whether a blob is what it was when it was acknowledged; read twice before it is said that it is not.
async fn is_whole(deps: &JanitorDeps, report: &RefCell<Report>, key: BlobKey, expected: BlobMeta) -> Result<bool, JanitorError> {
    for _ in 0..2 {
        deps.on_duty()?;
        faults::point("janitor.scrub");
        let deadline = STEP_DEADLINE + Duration::from_secs(expected.len / SLOWEST);
        let found = deps.storage.send(DigestBlob { key }).timeout(deadline).await?;
        sleep(deps.scrub.pause(expected.len)).await;
        match found {
            Ok(found) => {
                let mut report = report.borrow_mut();
                report.blobs += 1;
                report.bytes += found.len;
                if found == expected {
                    return Ok(true);
                }
            }
            Err(BlobStoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

/// The row may have been deleted, or may refer to another blob by now.
async fn still_refers(deps: &JanitorDeps, task: &Task, key: BlobKey) -> Result<bool, JanitorError> {
    let now = deps.task_db.send(GetState { id: task.id }).timeout(STEP_DEADLINE).await??;
    Ok(now.is_some_and(|now| now.blobs().iter().any(|(shown, _)| *shown == key)))
}

async fn set_aside(deps: &JanitorDeps, report: &RefCell<Report>, key: BlobKey) -> Result<(), JanitorError> {
    deps.on_duty()?;
    log::error!(blob:% = key; "a blob is missing or damaged; what is left of it is set aside");
    deps.storage.send(SetBlobAside { key }).timeout(STEP_DEADLINE).await??;
    report.borrow_mut().damaged(key);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::TaskId;

    #[test]
    fn the_pace_is_that_of_the_plan() {
        let plan = ScrubPlan { interval: Duration::ZERO, rate: 1 << 20 };
        assert_eq!((plan.pause(3 << 20), plan.pause(0)), (Duration::from_secs(3), Duration::ZERO));
    }

    #[test]
    fn each_damaged_blob_counts_once_and_the_latest_are_named() {
        let mut report = Report::default();
        let keys: Vec<BlobKey> = (0..20).map(|_| BlobKey::Original(TaskId::random())).collect();
        keys.iter().chain([&keys[19]]).for_each(|key| report.damaged(*key));
        assert_eq!((report.damaged, report.named.as_slice()), (20, &keys[4..]));
    }
}
