//! How one task is: what is asked by far the most.
//!
//! None of it needs the state of the frontend or of the task database, so it takes no turn in their mailboxes: like the [`Gate`](super::Gate),
//! every HTTP thread has a [`Lookup`] and asks the store from there. A question is handed over twice, to a reading thread and back, and
//! goes on being answered while either actor is restarted.

use std::fmt;
use std::sync::Arc;

use tokio::time::timeout;

use crate::actors::frontend::{ASK_DEADLINE, FrontendError};
use crate::domain::access::Caller;
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::TaskId;
use crate::domain::pipeline::VariantName;
use crate::domain::task::{Failure, Task, TaskState};
use crate::stores::tasks::{TaskStore, TaskView};

/// Answers questions about single tasks as of the last commit: a change that was acknowledged is seen by every question after it.
#[derive(Clone)]
pub struct Lookup(Arc<dyn TaskStore>);

impl Lookup {
    /// Looks tasks up in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn TaskStore>) -> Self {
        Self(store)
    }

    /// Answers a question.
    ///
    /// # Errors
    /// [`FrontendError::NotFound`] for a task that the caller may not see, too; [`FrontendError::Unavailable`] when the store has too much to read.
    pub async fn ask<Q: Question>(&self, question: Q) -> Result<Q::Answer, FrontendError> {
        timeout(ASK_DEADLINE, question.answer(&*self.0)).await.map_err(|_| FrontendError::Unavailable)?
    }
}

/// A question about one task.
pub trait Question {
    /// What is told.
    type Answer;

    /// Finds it out.
    ///
    /// # Errors
    /// As [`Lookup::ask`].
    fn answer(self, tasks: &dyn TaskStore) -> impl Future<Output = Result<Self::Answer, FrontendError>>;
}

/// Whether the caller may see a task: one of somebody else's is as if it were not there, and one that is being removed is gone.
pub(super) fn is_visible(task: &Task, caller: Caller) -> bool {
    caller.sees(task.caller) && task.state != TaskState::Deleting
}

/// Why a failed task failed.
pub(super) fn failure(task: &Task) -> Failure {
    task.failure.clone().unwrap_or_else(|| Failure::new(ErrorCode::Internal, "the task failed without a reason"))
}

pub(super) fn no_such_variant(task: &Task, variant: VariantName) -> FrontendError {
    let known: Vec<String> = task.variants.iter().map(|(name, _)| name.to_string()).collect();
    FrontendError::NoSuchVariant { variant, known: known.join(", ") }
}

/// Where a task stands, in the words of the classic routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Waits or is being worked on.
    InProgress,
    /// The result is there.
    Finished,
    /// It ended without a result.
    Failed(ErrorCode),
}

impl Readiness {
    /// That of a task, or of one of its results.
    fn of(task: &Task, variant: Option<VariantName>) -> Result<Self, FrontendError> {
        match variant {
            Some(variant) if task.variants.get(variant).is_none() => return Err(no_such_variant(task, variant)),
            Some(variant) if task.results.contains_key(&variant) => return Ok(Self::Finished),
            _ => {}
        }
        Ok(match task.state {
            TaskState::Finished => Self::Finished,
            TaskState::Failed => Self::Failed(failure(task).code),
            TaskState::Cancelled => Self::Failed(ErrorCode::Cancelled),
            TaskState::NotStarted | TaskState::InProgress | TaskState::Deleting => Self::InProgress,
        })
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProgress => f.write_str("in progress"),
            Self::Finished => f.write_str("finished"),
            Self::Failed(code) => write!(f, "failed: {code}"),
        }
    }
}

/// Asks whether an image is ready.
pub struct IsReady {
    /// Who asks.
    pub caller: Caller,
    /// The task.
    pub id: TaskId,
    /// Which of its results; all of them if none is named.
    pub variant: Option<VariantName>,
}

impl Question for IsReady {
    type Answer = Readiness;

    async fn answer(self, tasks: &dyn TaskStore) -> Result<Readiness, FrontendError> {
        let task = tasks.get(self.id).await?.filter(|task| is_visible(task, self.caller)).ok_or(FrontendError::NotFound)?;
        Readiness::of(&task, self.variant)
    }
}

/// Asks for one task with its history.
pub struct GetTask {
    /// Who asks.
    pub caller: Caller,
    /// The task.
    pub id: TaskId,
}

impl Question for GetTask {
    type Answer = TaskView;

    async fn answer(self, tasks: &dyn TaskStore) -> Result<TaskView, FrontendError> {
        tasks.view(self.id).await?.filter(|view| is_visible(&view.task, self.caller)).ok_or(FrontendError::NotFound)
    }
}
