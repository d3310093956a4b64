//! A task: one uploaded image and the pipelines of its results, from its acceptance to its removal.
//!
//! The types live here, the history of attempts in [`attempt`], every transition with its guard in [`machine`], and what its owner
//! sees happen in [`event`].
//! Leases and backoffs are not part of a task: they run on the clock of the engine that stores it.
//!
//! ```text
//! not_started -> in_progress -> finished
//!      ^              |-> failed(reason)      cancelled from any non-terminal state; terminal -> deleting -> gone
//!      '--- retry ----'
//! ```

pub mod attempt;
pub mod event;
mod idempotency;
pub mod machine;
mod metadata;
mod retention;
mod shown;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use attempt::{Attempt, AttemptEnd, Ended};
pub use event::{Event, EventNo, News};
pub use idempotency::{Fingerprint, Idempotency, IdempotencyKey, InvalidIdempotencyKey};
pub use machine::{Change, Rejected, RetryPolicy, Timer, Transition};
pub use metadata::{InvalidMetadata, Metadata};
pub use retention::{InvalidRetention, Retention};
pub use turn::{InvalidPriority, Priority, Rank};

use crate::domain::access::KeyId;
use crate::domain::blob::{BlobKey, BlobMeta};
use crate::domain::error_code::ErrorCode;
use crate::domain::format::Format;
use crate::domain::ids::{ClaimNo, TaskId};
use crate::domain::pipeline::{Pipeline, VariantName, Variants};
use crate::domain::probe::{ImageProbe, Warning};
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::WebhookId;

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Accepted and durable; waits for a worker, or for its backoff to end. Next: in progress, cancelled.
    NotStarted,
    /// Handed to a worker under a lease. Next: finished, failed, cancelled, or not started again.
    InProgress,
    /// Terminal: every result is there.
    Finished,
    /// Terminal for its run: the failure says why; a retry opens the next run.
    Failed,
    /// Terminal for its run: the user stopped it; a retry opens the next run.
    Cancelled,
    /// Its blobs are being removed; the row follows. Users no longer see the task.
    Deleting,
}

impl TaskState {
    /// Every state, in the order of a task's life.
    pub const ALL: [Self; 6] = [Self::NotStarted, Self::InProgress, Self::Finished, Self::Failed, Self::Cancelled, Self::Deleting];

    /// The state's name in the database, in replies and in queries.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::InProgress => "in_progress",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Deleting => "deleting",
        }
    }

    /// Whether the current run has ended: nothing but a retry or a deletion changes the task any more.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Cancelled)
    }

    /// Whether the task still needs a worker, and so counts towards the backlog.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::NotStarted | Self::InProgress)
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text was not the name of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a task's state: expected one of not_started, in_progress, finished, failed, cancelled, deleting")]
pub struct InvalidTaskState;

impl FromStr for TaskState {
    type Err = InvalidTaskState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(InvalidTaskState)
    }
}

/// What is known of an accepted upload once its original is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// The id under which the original was stored.
    pub id: TaskId,
    /// What to make of the image.
    pub variants: Variants,
    /// Length and digest of the original.
    pub original: BlobMeta,
    /// The format that the original's first bytes belong to.
    pub input_format: Format,
    /// The key that it belongs to; `None` if it was handed in without one.
    pub caller: Option<KeyId>,
    /// What the sender says about it.
    pub metadata: Option<Metadata>,
    /// How long it is to be kept once it has ended.
    pub retention: Retention,
    /// How soon it gets its turn.
    pub priority: Priority,
    /// Who is told when it has ended: an endpoint of the same key.
    pub webhook: Option<WebhookId>,
    /// The key under which it was sent: no other task of the caller may have it.
    pub idempotency: Option<Idempotency>,
}

impl NewTask {
    /// An upload of nobody in particular, about which nothing more is said.
    #[must_use]
    pub fn new(id: TaskId, variants: Variants, original: BlobMeta, input_format: Format) -> Self {
        Self {
            id,
            variants,
            original,
            input_format,
            caller: None,
            metadata: None,
            retention: Retention::Forever,
            priority: Priority::Normal,
            webhook: None,
            idempotency: None,
        }
    }
}

/// A task as it was at one moment: a copy of its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The task's name.
    pub id: TaskId,
    /// The order of insertion and the key of pages; never reused.
    pub seq: u64,
    /// Where the task stands.
    pub state: TaskState,
    /// The number of the current run, from 1; a retry opens the next one.
    pub run: u32,
    /// What to make of the image.
    pub variants: Variants,
    /// Length and digest of the original.
    pub original: BlobMeta,
    /// The format of the original.
    pub input_format: Format,
    /// The key that it belongs to; `None` if it was handed in without one.
    pub caller: Option<KeyId>,
    /// How soon it gets its turn.
    pub priority: Priority,
    /// What the sender says about it.
    pub metadata: Option<Metadata>,
    /// How long it is kept once it has ended.
    pub retention: Retention,
    /// Who is told when a run of it has ended; it may be gone.
    pub webhook: Option<WebhookId>,
    /// The fence of the latest claim, over all runs; 0 before the first.
    pub claim_no: ClaimNo,
    /// Attempts that count in this run.
    pub attempts: u32,
    /// Attempts given back in this run because the server, not the image, ended them.
    pub refunds: u32,
    /// When the task was accepted.
    pub created_at: Timestamp,
    /// When the first attempt of this run began.
    pub started_at: Option<Timestamp>,
    /// When this run reached its terminal state.
    pub ended_at: Option<Timestamp>,
    /// From when on it may be removed: its retention after this run's end, by the clock of the engine; a retry takes it away.
    pub expires_at: Option<Timestamp>,
    /// The results that are there. The task is finished exactly when none is missing; those of a task that ends otherwise, or is tried
    /// again, are kept.
    pub results: Results,
    /// What is known of the original; there once a result is.
    pub probe: Option<ImageProbe>,
    /// Why the run failed; there exactly when the task is failed, and kept while it is being deleted.
    pub failure: Option<Failure>,
}

impl Task {
    /// The row that an accepted upload begins with.
    #[must_use]
    pub fn create(new: NewTask, seq: u64, now: Timestamp) -> Self {
        Self {
            id: new.id,
            seq,
            state: TaskState::NotStarted,
            run: 1,
            variants: new.variants,
            original: new.original,
            input_format: new.input_format,
            caller: new.caller,
            metadata: new.metadata,
            priority: new.priority,
            retention: new.retention,
            webhook: new.webhook,
            claim_no: ClaimNo::default(),
            attempts: 0,
            refunds: 0,
            created_at: now,
            started_at: None,
            ended_at: None,
            expires_at: None,
            results: Results::new(),
            probe: None,
            failure: None,
        }
    }

    /// What the worker that holds the latest claim must show.
    #[must_use]
    pub fn current_claim(&self) -> Claim {
        Claim { task: self.id, claim_no: self.claim_no }
    }

    /// The variants whose results are not there yet, with their pipelines.
    pub fn missing(&self) -> impl Iterator<Item = (VariantName, &Pipeline)> {
        self.variants.iter().filter(|(name, _)| !self.results.contains_key(name))
    }

    /// The name of the blob that readers of a variant are given, once there is one.
    #[must_use]
    pub fn result_key(&self, variant: VariantName) -> Option<BlobKey> {
        self.results.get(&variant).map(|result| BlobKey::Processed(self.id, result.claim_no, variant))
    }

    /// The blobs that must be there for this task, with what they must be: none once they are being removed.
    #[must_use]
    pub fn blobs(&self) -> Vec<(BlobKey, BlobMeta)> {
        if self.state == TaskState::Deleting {
            return Vec::new();
        }
        let results = self.results.iter().filter_map(|(variant, result)| Some((self.result_key(*variant)?, result.blob)));
        results.chain([(BlobKey::Original(self.id), self.original)]).collect()
    }

    /// Whether readers are given this blob.
    #[must_use]
    pub fn shows(&self, key: BlobKey) -> bool {
        matches!(key, BlobKey::Processed(id, _, variant) if id == self.id && self.result_key(variant) == Some(key))
    }
}

/// One hand-out of a task to a worker. Every report of the worker carries it; only the latest claim is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The task that was handed out.
    pub task: TaskId,
    /// The fence.
    pub claim_no: ClaimNo,
}

impl Claim {
    /// The name under which this claim, and no other, stores its result of a variant.
    #[must_use]
    pub fn result_key(&self, variant: VariantName) -> BlobKey {
        BlobKey::Processed(self.task, self.claim_no, variant)
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "claim {} of task {}", self.claim_no, self.task)
    }
}

/// The results of a task, by variant.
pub type Results = BTreeMap<VariantName, TaskResult>;

/// A result that is durable, and what is known of the original by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewResult {
    /// Which it is.
    pub variant: VariantName,
    /// The result.
    pub result: TaskResult,
    /// What is known of the original.
    pub probe: ImageProbe,
}

/// One result: the blob is durable before the row says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskResult {
    /// The claim whose blob it is; with the task's id and the variant, the blob's name.
    pub claim_no: ClaimNo,
    /// Length and digest of the blob.
    pub blob: BlobMeta,
    /// The format of the blob.
    pub format: Format,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What it lacks that the pipeline did not say it should.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// Why an attempt or a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The public code.
    pub code: ErrorCode,
    /// One sentence for the task's owner; no internals.
    pub detail: String,
}

impl Failure {
    /// A failure with its code and a sentence that says what happened.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}
