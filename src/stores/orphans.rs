//! Which blobs no task refers to. Pure: whoever sweeps lists the blobs, reads the rows and deletes.

use std::time::Duration;

use crate::domain::blob::BlobKey;
use crate::domain::ids::TaskId;
use crate::domain::task::{Task, TaskState};
use crate::stores::blobs::BlobEntry;

/// The blobs among `blobs` that nothing refers to and nothing will.
///
/// `lookup` gives the row of a task, read from the store (a failed read must not look like a missing row); it may have been
/// read before or after the listing. `grace` must exceed the time between the durable original and the commit of its row.
pub fn orphans<'a>(
    blobs: impl IntoIterator<Item = BlobEntry>,
    lookup: impl Fn(TaskId) -> Option<&'a Task>,
    grace: Duration,
) -> Vec<BlobKey> {
    blobs.into_iter().filter(|blob| is_orphan(blob, lookup(blob.key.task()), grace)).map(|blob| blob.key).collect()
}

fn is_orphan(blob: &BlobEntry, task: Option<&Task>, grace: Duration) -> bool {
    match (blob.key, task) {
        // Its row may be on its way.
        (BlobKey::Original(_), None) => blob.age >= grace,
        (BlobKey::Original(_), Some(_)) => false,
        // The row was there before the claim, so it is gone for good.
        (BlobKey::Processed(..), None) => true,
        (BlobKey::Processed(_, claim_no), Some(task)) => {
            let is_result = task.result.as_ref().is_some_and(|result| result.claim_no == claim_no);
            let in_progress = task.state == TaskState::InProgress && claim_no == task.claim_no;
            // A claim beyond the row's latest means that the row was read before the claim was made.
            let unheard_of = claim_no > task.claim_no;
            !is_result && !in_progress && !unheard_of
        }
    }
}
