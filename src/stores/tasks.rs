//! What every store of tasks promises.
//!
//! A reply means that the commit is durable. Where that is not known, the reply says so
//! ([`TaskStoreError::UnknownOutcome`]) and the caller reads the task again before it does anything that cannot be undone.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::domain::access::KeyId;
use crate::domain::asset::AssetRef;
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::TaskId;
use crate::domain::task::{Attempt, Change, Claim, Failure, Rejected, Task, TaskState};
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::WebhookId;

/// A store of tasks. Every transition is decided by [`Task::apply`] and [`Task::claim`], never by the engine.
pub trait TaskStore: Send + Sync {
    /// Changes one task and replies with the task as it is now (as it last was, for [`Change::Remove`]).
    ///
    /// A task that is inserted with an idempotency key takes it in the same transaction; while another task of the caller has it, the new
    /// one is refused. A task that is being deleted has none any more.
    ///
    /// What its owner can see of the change ([`News::of_change`](crate::domain::task::News::of_change)) is written as events in the same
    /// transaction; so it is with claims and the recovery.
    ///
    /// A task that is inserted with a webhook names one of its own caller's, or is refused. Where a run of it ends, a delivery to that
    /// webhook is written in the same transaction ([`WebhookStore`](crate::stores::webhooks::WebhookStore)).
    ///
    /// A task that is inserted is pinned to the versions that the assets of its pipeline have in the same transaction; they are in use
    /// until it is finished or deleted ([`AssetStore::is_in_use`](crate::stores::assets::AssetStore::is_in_use)).
    ///
    /// Not idempotent: a caller whose outcome is unknown reads the task again before it repeats the change.
    fn apply(&self, change: Change) -> BoxFuture<'static, Result<Task, TaskStoreError>>;

    /// Hands out the runnable tasks whose turn it is ([`Rank`](crate::domain::task::Rank)), at most one to each named worker, in the order of
    /// the names. Each caller has a line for each priority, in which older tasks go first; a task that comes back keeps its place, one
    /// that is retried goes to the end. Costs the same at any length of the queue.
    fn claim(&self, request: ClaimRequest) -> BoxFuture<'static, Result<Vec<ClaimedTask>, TaskStoreError>>;

    /// The task as it is.
    fn get(&self, id: TaskId) -> BoxFuture<'static, Result<Option<Task>, TaskStoreError>>;

    /// The task as it is, with its history.
    fn view(&self, id: TaskId) -> BoxFuture<'static, Result<Option<TaskView>, TaskStoreError>>;

    /// One page of tasks in the order of their insertion. A task inserted while pages are read is on a later page.
    fn list(&self, query: TaskQuery) -> BoxFuture<'static, Result<TaskPage, TaskStoreError>>;

    /// Claims whose lease has ended on the engine's clock, whichever server made them, at most `limit`. They stay as they are until they
    /// are released.
    fn expired(&self, limit: usize) -> BoxFuture<'static, Result<Vec<Claim>, TaskStoreError>>;

    /// The claims in progress that this server made. Several servers may share a store; each tells its own.
    fn claims(&self) -> BoxFuture<'static, Result<Vec<Claim>, TaskStoreError>>;

    /// Takes every claim that this server made back with its attempt refunded, and forgets the backoffs that it gave; replies with the
    /// number of claims. For the start of the service that hands out work, when no worker of this server can hold a claim any more.
    fn recover(&self) -> BoxFuture<'static, Result<u64, TaskStoreError>>;

    /// Hides the tasks whose retention is over, at most `limit` of them, as [`Change::MarkDeleting`] does, and replies with them.
    ///
    /// Retention outlives the engine's clock: it goes by the wall clock at the opening and by the engine's clock since.
    fn retire(&self, limit: usize) -> BoxFuture<'static, Result<Vec<Task>, TaskStoreError>>;

    /// How much work is waiting or in progress. Costs the same at any length of the queue.
    fn backlog(&self) -> BoxFuture<'static, Result<Backlog, TaskStoreError>>;

    /// What the tasks of every key come to, where that is more than nothing.
    fn usage(&self) -> BoxFuture<'static, Result<Vec<CallerUsage>, TaskStoreError>>;

    /// How long until a task can be claimed: zero if one can be claimed now, `None` if nothing waits.
    fn next_runnable(&self) -> BoxFuture<'static, Result<Option<Duration>, TaskStoreError>>;
}

/// A task with its history, both of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskView {
    /// The task.
    pub task: Task,
    /// Its attempts, oldest first.
    pub attempts: Vec<Attempt>,
}

/// Asks for work.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// The names of the workers that are free.
    pub workers: Vec<String>,
    /// How long each may stay silent.
    pub lease: Duration,
}

/// A task and what its worker must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedTask {
    /// The worker that it was handed to.
    pub worker: String,
    /// The task, already in progress.
    pub task: Task,
    /// The fence.
    pub claim: Claim,
}

/// Asks for one page of tasks.
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskQuery {
    /// Only tasks of this key; those of everybody if none is named.
    pub caller: Option<KeyId>,
    /// Only tasks in this state.
    pub state: Option<TaskState>,
    /// Only tasks accepted at this moment or later. Their order is that of insertion: one that was inserted before, under a wall clock
    /// that was ahead, is left out.
    pub since: Option<Timestamp>,
    /// Only tasks behind this place.
    pub after: Option<Cursor>,
    /// At most so many; engines cap it at [`TaskQuery::MAX_LIMIT`], and 0 reads as 1.
    pub limit: usize,
}

impl TaskQuery {
    /// The longest page.
    pub const MAX_LIMIT: usize = 1000;
}

/// A place between two tasks in the order of insertion: the `seq` of the task before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub u64);

/// One page of tasks.
#[derive(Clone, Debug)]
pub struct TaskPage {
    /// In the order of insertion.
    pub tasks: Vec<Task>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
}

/// Tasks that are not started or in progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Their number.
    pub tasks: u64,
    /// The sum of the lengths of their originals, in bytes.
    pub bytes: u64,
}

/// What the tasks of one key come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerUsage {
    /// The key.
    pub caller: KeyId,
    /// What they come to.
    pub usage: Usage,
}

/// What some tasks come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tasks that are not started or in progress.
    pub tasks: u64,
    /// The sum of the lengths of their originals, in bytes.
    pub bytes: u64,
    /// The sum of the lengths of the originals and results of all tasks, ended ones included, in bytes.
    pub stored: u64,
}

/// Why a store of tasks did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskStoreError {
    /// The state machine said no; nothing changed.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The pipeline of a new task names an asset that is not there, or not in that version; nothing changed.
    #[error("there is no asset {0}")]
    NoSuchAsset(AssetRef),
    /// A new task names a webhook that its caller does not have; nothing changed.
    #[error("there is no webhook {0} of this caller")]
    NoSuchWebhook(WebhookId),
    /// No room on the disk; nothing changed.
    #[error("the task database is full: free disk space, then try again")]
    Full,
    /// The request was not carried out; nothing changed.
    #[error("the task database did not take the request: {0}; try again later")]
    Unavailable(String),
    /// The change may or may not have happened.
    #[error("whether the task database kept the change is unknown: {0}; read the task again")]
    UnknownOutcome(String),
    /// What the database holds cannot be understood.
    #[error("the task database holds something unreadable: {0}; restore a backup or remove the task")]
    Corrupt(String),
}

/// Why a claim ended that its worker did not outlive: what [`TaskStore::recover`] writes into the history.
#[must_use]
pub fn recovered() -> Failure {
    Failure::new(ErrorCode::Unavailable, "the server stopped while the image was processed")
}
