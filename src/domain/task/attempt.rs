//! The history of a task: which worker had it, when, and how that ended.

use crate::domain::ids::ClaimNo;
use crate::domain::task::Failure;
use crate::domain::timestamp::Timestamp;

/// One claim in the history of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The run that it belongs to.
    pub run: u32,
    /// The fence it was handed out with; grows from attempt to attempt, also across runs.
    pub claim_no: ClaimNo,
    /// The worker's name.
    pub worker: String,
    /// When it was handed out.
    pub started_at: Timestamp,
    /// What its process had in memory at most, in bytes, with what it kept of jobs before; `None` where that is not known.
    pub peak_memory: Option<u64>,
    /// When and how it ended; `None` while it goes on.
    pub ended: Option<Ended>,
}

/// The end of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// How.
    pub end: AttemptEnd,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    /// With the task's result.
    Finished,
    /// With a failure that no further attempt would change.
    Failed(Failure),
    /// Without a verdict on the image: the worker died, ran past its deadline, lost its lease, or the server stopped.
    Released {
        /// What happened.
        reason: Failure,
        /// Whether the attempt was given back because the server, not the image, ended it.
        refunded: bool,
    },
    /// The user cancelled the task meanwhile.
    Cancelled,
}

impl AttemptEnd {
    /// The end's name in the database and in replies.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Failed(_) => "failed",
            Self::Released { .. } => "released",
            Self::Cancelled => "cancelled",
        }
    }

    /// Why the attempt ended without a result, where something went wrong.
    #[must_use]
    pub fn reason(&self) -> Option<&Failure> {
        match self {
            Self::Failed(reason) | Self::Released { reason, .. } => Some(reason),
            Self::Finished | Self::Cancelled => None,
        }
    }

    /// Whether the attempt was given back to the task.
    #[must_use]
    pub fn refunded(&self) -> bool {
        matches!(self, Self::Released { refunded: true, .. })
    }
}
