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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::blob::{BlobMeta, Sha256};
    use crate::domain::error_code::ErrorCode;
    use crate::domain::format::Format;
    use crate::domain::ids::ClaimNo;
    use crate::domain::task::{Change, Failure, NewTask, RetryPolicy, TaskResult};
    use crate::domain::timestamp::Timestamp;

    const GRACE: Duration = Duration::from_secs(600);
    const NOW: Timestamp = Timestamp(0);

    fn blob(key: BlobKey, age: Duration) -> BlobEntry {
        BlobEntry { key, len: 1, age }
    }

    /// Which of the processed blobs 1 to 4, and whether the original, are orphans of `task`.
    fn sweep(task: &Task) -> (Vec<u64>, bool) {
        let processed = (1..=4).map(|n| blob(BlobKey::Processed(task.id, ClaimNo(n)), Duration::ZERO));
        let blobs = processed.chain([blob(BlobKey::Original(task.id), GRACE * 2)]);
        let swept = orphans(blobs, |id| (id == task.id).then_some(task), GRACE);
        let claims = swept.iter().filter_map(|key| if let BlobKey::Processed(_, claim_no) = key { Some(claim_no.0) } else { None });
        (claims.collect(), swept.contains(&BlobKey::Original(task.id)))
    }

    fn task_at_claim(claim_no: u64) -> Task {
        let original = BlobMeta { len: 1, sha256: Sha256([0; 32]) };
        let new = NewTask { id: TaskId::random(), pipeline: "invert".parse().unwrap(), original, input_format: Format::Png };
        let waiting = Task { claim_no: ClaimNo(claim_no - 1), ..Task::create(new, 1, NOW) };
        waiting.claim(GRACE, NOW).unwrap().task
    }

    fn after(task: &Task, change: &Change) -> Task {
        task.apply(change, &RetryPolicy::default(), NOW).unwrap().task
    }

    #[test]
    fn an_original_waits_for_its_row_until_the_grace_is_over() {
        let key = BlobKey::Original(TaskId::random());
        let swept = |age| orphans([blob(key, age)], |_| None, GRACE);
        assert_eq!(swept(GRACE - Duration::from_millis(1)), []);
        assert_eq!(swept(GRACE), [key]);
    }

    #[test]
    fn a_result_without_a_row_has_no_grace() {
        let key = BlobKey::Processed(TaskId::random(), ClaimNo(1));
        assert_eq!(orphans([blob(key, Duration::ZERO)], |_| None, GRACE), [key]);
    }

    #[test]
    fn what_the_row_refers_to_or_may_refer_to_is_kept() {
        let working = task_at_claim(3);
        let claim = working.current_claim();
        // Claim 4 was made after the row was read.
        assert_eq!(sweep(&working), (vec![1, 2], false));
        let result = TaskResult { claim_no: ClaimNo(3), blob: working.original, format: Format::Png, width: 1, height: 1 };
        let finished = after(&working, &Change::Finish { claim, result });
        assert_eq!(sweep(&finished), (vec![1, 2], false));
        assert_eq!(sweep(&after(&finished, &Change::MarkDeleting { id: finished.id })), (vec![1, 2], false));
        let reason = Failure::new(ErrorCode::WorkerDied, "signal 9");
        let released = after(&working, &Change::Release { claim, reason, refund: false, backoff: GRACE });
        assert_eq!(sweep(&released), (vec![1, 2, 3], false), "a claim that ended without a result");
    }
}
