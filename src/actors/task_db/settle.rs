//! Settling: writing a change until it is known to be durable, or known to be refused.
//!
//! An error, a closed mailbox or a timeout does not tell whether a commit happened. So the task is read again: if it
//! shows the change, the change is durable; if not, it is written again. Every change is fenced, so writing twice
//! is harmless.

use std::time::Duration;

use actix::{Addr, MailboxError};
use tokio::time::sleep;

use crate::actors::task_db::{COMMIT_DEADLINE, GetState, SetState, TaskDb};
use crate::domain::faults::{self, Mechanism};
use crate::domain::task::{Change, Task};
use crate::stores::tasks::TaskStoreError;

/// Waits between tries; the last try is not followed by one.
const PAUSES: [Duration; 5] =
    [Duration::from_millis(20), Duration::from_millis(100), Duration::from_millis(400), Duration::from_secs(1), Duration::from_secs(2)];

/// A change that was not shown to be durable.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unsettled {
    /// It certainly did not happen.
    #[error("the change was refused: {0}")]
    Refused(TaskStoreError),
    /// It may have happened: nothing it refers to may be removed.
    #[error("whether the change is durable could not be found out")]
    Unknown,
}

/// Writes `change` and returns the task after it.
///
/// # Errors
/// [`Unsettled`]; after [`Unsettled::Unknown`] the change may still turn out to have happened.
pub async fn settle(task_db: &Addr<TaskDb>, change: Change) -> Result<Task, Unsettled> {
    let mut certain = true;
    let mut last = Unsettled::Unknown;
    for pause in PAUSES.into_iter().map(Some).chain([None]) {
        match task_db.send(SetState(change.clone())).timeout(COMMIT_DEADLINE).await {
            Ok(Ok(task)) => return Ok(task),
            // It was not taken, but may be in a moment.
            Ok(Err(error @ TaskStoreError::Unavailable(_))) if certain => last = Unsettled::Refused(error),
            Ok(Err(TaskStoreError::Unavailable(_))) => {}
            Ok(Err(error)) if !matches!(error, TaskStoreError::UnknownOutcome(_)) => {
                return refused(task_db, &change, error, certain).await;
            }
            Ok(Err(_)) | Err(MailboxError::Closed | MailboxError::Timeout) => certain = false,
        }
        if !certain {
            last = Unsettled::Unknown;
            if let Ok(Some(task)) = shown(task_db, &change).await {
                return Ok(task);
            }
        }
        if let Some(pause) = pause {
            sleep(pause).await;
        }
    }
    Err(last)
}

/// A refusal is certain for the first try only: a later one may be refused because an earlier one went through.
async fn refused(task_db: &Addr<TaskDb>, change: &Change, error: TaskStoreError, certain: bool) -> Result<Task, Unsettled> {
    if certain {
        return Err(Unsettled::Refused(error));
    }
    match shown(task_db, change).await {
        Ok(Some(task)) => Ok(task),
        Ok(None) if matches!(error, TaskStoreError::Rejected(_) | TaskStoreError::NoSuchAsset(_) | TaskStoreError::NoSuchWebhook(_)) => {
            Err(Unsettled::Refused(error))
        }
        Ok(None) | Err(NotRead) => Err(Unsettled::Unknown),
    }
}

/// The task could not be read, which says nothing about it.
struct NotRead;

/// The task, if it shows that `change` happened.
async fn shown(task_db: &Addr<TaskDb>, change: &Change) -> Result<Option<Task>, NotRead> {
    if faults::removed(Mechanism::ReRead) {
        return Ok(None);
    }
    match task_db.send(GetState { id: change.task() }).timeout(COMMIT_DEADLINE).await {
        Ok(Ok(task)) => Ok(task.filter(|task| change.is_shown_by(task))),
        Ok(Err(_)) | Err(_) => Err(NotRead),
    }
}

#[cfg(test)]
mod tests;
