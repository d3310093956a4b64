//! Which blobs nothing refers to. Pure: whoever sweeps lists the blobs, reads the rows and deletes.

use std::time::Duration;

use crate::domain::asset::AssetVersion;
use crate::domain::blob::BlobKey;
use crate::domain::ids::{ClaimNo, TaskId};
use crate::domain::task::{Task, TaskState};
use crate::stores::blobs::BlobEntry;

/// The blobs among `blobs` that nothing refers to and nothing will.
///
/// `lookup` gives the row of a task, read from the store (a failed read must not look like a missing row); it may have been
/// read before or after the listing. `in_use` tells whether a name stands for the version of an asset. `grace` must exceed the
/// time between a durable original or asset and the commit of its row.
pub fn orphans<'a>(
    blobs: impl IntoIterator<Item = BlobEntry>,
    lookup: impl Fn(TaskId) -> Option<&'a Task>,
    in_use: impl Fn(AssetVersion) -> bool,
    grace: Duration,
) -> Vec<BlobKey> {
    let is_orphan = |blob: &BlobEntry| match blob.key {
        // The row may be on its way.
        BlobKey::Original(id) => blob.age >= grace && lookup(id).is_none(),
        BlobKey::Asset(version) => blob.age >= grace && !in_use(version),
        BlobKey::Processed(id, claim_no, _) => is_left_behind(blob.key, claim_no, lookup(id)),
    };
    blobs.into_iter().filter(is_orphan).map(|blob| blob.key).collect()
}

/// Whether nothing refers to this blob, which that claim of a task made.
fn is_left_behind(key: BlobKey, claim_no: ClaimNo, task: Option<&Task>) -> bool {
    match task {
        // The row was there before the claim, so it is gone for good.
        None => true,
        Some(task) => {
            let in_progress = task.state == TaskState::InProgress && claim_no == task.claim_no;
            // A claim beyond the row's latest means that the row was read before the claim was made.
            let unheard_of = claim_no > task.claim_no;
            !task.shows(key) && !in_progress && !unheard_of
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::blob::{BlobMeta, Sha256};
    use crate::domain::error_code::ErrorCode;
    use crate::domain::format::Format;
    use crate::domain::pipeline::{VariantName, Variants};
    use crate::domain::task::{Change, Failure, NewTask, RetryPolicy, TaskResult};
    use crate::domain::timestamp::Timestamp;

    const GRACE: Duration = Duration::from_secs(600);
    const NOW: Timestamp = Timestamp(0);

    fn blob(key: BlobKey, age: Duration) -> BlobEntry {
        BlobEntry { key, len: 1, age }
    }

    /// Which of the processed blobs 1 to 4, and whether the original, are orphans of `task`.
    fn sweep(task: &Task) -> (Vec<u64>, bool) {
        let processed = (1..=4).map(|n| blob(BlobKey::Processed(task.id, ClaimNo(n), VariantName::RESULT), Duration::ZERO));
        let blobs = processed.chain([blob(BlobKey::Original(task.id), GRACE * 2)]);
        let swept = orphans(blobs, |id| (id == task.id).then_some(task), |_| false, GRACE);
        let claims = swept.iter().filter_map(|key| if let BlobKey::Processed(_, claim_no, _) = key { Some(claim_no.0) } else { None });
        (claims.collect(), swept.contains(&BlobKey::Original(task.id)))
    }

    fn task_at_claim(claim_no: u64) -> Task {
        let original = BlobMeta { len: 1, sha256: Sha256([0; 32]) };
        let new = NewTask::new(TaskId::random(), Variants::only("invert".parse().unwrap()), original, Format::Png);
        let waiting = Task { claim_no: ClaimNo(claim_no - 1), ..Task::create(new, 1, NOW) };
        waiting.claim(GRACE, NOW).unwrap().task
    }

    fn after(task: &Task, change: &Change) -> Task {
        task.apply(change, &RetryPolicy::default(), NOW).unwrap().task
    }

    #[test]
    fn an_original_waits_for_its_row_until_the_grace_is_over() {
        let key = BlobKey::Original(TaskId::random());
        let swept = |age| orphans([blob(key, age)], |_| None, |_| true, GRACE);
        assert_eq!(swept(GRACE - Duration::from_millis(1)), []);
        assert_eq!(swept(GRACE), [key]);
    }

    #[test]
    fn a_result_without_a_row_has_no_grace() {
        let key = BlobKey::Processed(TaskId::random(), ClaimNo(1), VariantName::RESULT);
        assert_eq!(orphans([blob(key, Duration::ZERO)], |_| None, |_| true, GRACE), [key]);
    }

    #[test]
    fn an_asset_is_kept_while_it_is_in_use_or_may_come_into_use() {
        let version = AssetVersion::random();
        let key = BlobKey::Asset(version);
        let swept = |age, in_use| orphans([blob(key, age)], |_| None, |asked| asked == version && in_use, GRACE);
        assert_eq!(swept(GRACE * 9, true), []);
        assert_eq!(swept(GRACE - Duration::from_millis(1), false), []);
        assert_eq!(swept(GRACE, false), [key]);
    }

    #[test]
    fn what_the_row_refers_to_or_may_refer_to_is_kept() {
        let working = task_at_claim(3);
        let claim = working.current_claim();
        // Claim 4 was made after the row was read.
        assert_eq!(sweep(&working), (vec![1, 2], false));
        let result =
            TaskResult { claim_no: ClaimNo(3), blob: working.original, format: Format::Png, width: 1, height: 1, warnings: Vec::new() };
        let finished = after(&working, &Change::AddResult { claim, variant: VariantName::RESULT, result, probe: None, lease: GRACE });
        assert_eq!(sweep(&finished), (vec![1, 2], false));
        assert_eq!(sweep(&after(&finished, &Change::MarkDeleting { id: finished.id })), (vec![1, 2], false));
        let reason = Failure::new(ErrorCode::WorkerDied, "signal 9");
        let released = after(&working, &Change::Release { claim, reason, refund: false, backoff: GRACE });
        assert_eq!(sweep(&released), (vec![1, 2, 3], false), "a claim that ended without a result");
    }
}
