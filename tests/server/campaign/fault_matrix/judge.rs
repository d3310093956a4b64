//! What must be true in the end: every acknowledged image has its one right result, was worked on as often as its history says, and nothing else
//! is left.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

use safelight::domain::blob::BlobKey;
use safelight::stores::s3::S3Blobs;
use serde_json::Value;
use tempfile::TempDir;

use crate::campaign::fault_matrix::fleet::Fleet;
use crate::campaign::load::{Acknowledged, Album, states};
use crate::fleet::names;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    acknowledged: usize,
    refused: usize,
    /// Attempts that ended without a result, by their reason.
    repeated: BTreeMap<String, usize>,
}

impl Judgement {
    pub(super) fn add(&mut self, other: &Self) {
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        other.repeated.iter().for_each(|(reason, count)| *self.repeated.entry(reason.clone()).or_default() += count);
    }
}

impl Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, refused, repeated } = self;
        let repeated: Vec<_> = repeated.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let repeated = if repeated.is_empty() { "none".to_owned() } else { repeated.join(", ") };
        write!(f, "{acknowledged} acknowledged, 0 lost, 0 done twice; {refused} refused or cut off; attempts repeated: {repeated}")
    }
}

/// Waits for the end of everything that was acknowledged, and looks at it from both sides.
pub(super) fn judge(fleet: &Fleet, album: &Album, acknowledged: &[Acknowledged], refused: usize) -> Judgement {
    let mut judgement = Judgement { acknowledged: acknowledged.len(), refused, ..Judgement::default() };
    for (turn, one) in acknowledged.iter().enumerate() {
        let server = fleet.fronts[turn % 2].server().expect("it runs");
        album.assert_result(&server, one);
        let task = server.task(&one.id);
        let attempts = task["attempts"].as_array().unwrap_or_else(|| panic!("no attempts in {task}"));
        let (last, before) = attempts.split_last().unwrap_or_else(|| panic!("never tried: {task}"));
        assert_eq!(last["end"], "finished", "{task}");
        for attempt in before {
            assert_eq!((&attempt["end"], &attempt["refunded"]), (&"released".into(), &true.into()), "no fault of the image: {task}");
            *judgement.repeated.entry(reason(attempt)).or_default() += 1;
        }
    }
    judgement
}

fn reason(attempt: &Value) -> String {
    attempt["reason"]["code"].as_str().unwrap_or("without a reason").to_owned()
}

/// Every task has its original and a result in the store. What else is there belongs to uploads that were not acknowledged and to attempts that
/// came too late; so many blobs are left to the sweep, which comes when they are old enough.
pub(super) fn leftovers(fleet: &Fleet) -> usize {
    let spool = TempDir::new().expect("a temporary directory");
    let store = S3Blobs::open(&fleet.images(), spool.path()).expect("it is there");
    let states = states(&fleet.fronts[0].server().expect("it runs"));
    assert!(states.values().all(|state| state == "finished"), "{states:?}");
    let (mut originals, mut results, mut left) = (BTreeSet::new(), BTreeSet::new(), 0);
    for key in names(&store) {
        let id = key.task().map(|id| id.to_string()).filter(|id| states.contains_key(id));
        let known = if matches!(key, BlobKey::Original(_)) { &mut originals } else { &mut results };
        left += usize::from(id.is_none_or(|id| !known.insert(id)));
    }
    assert_eq!((originals.len(), results.len()), (states.len(), states.len()), "an original and a result of each task");
    left
}
