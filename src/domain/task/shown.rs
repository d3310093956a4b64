//! Whether a task shows that a change has happened: how an unknown commit is found out about.

use crate::domain::task::{Change, Claim, Task, TaskState};

impl Change {
    /// Whether `task`, as it was just read, is one to which this change has certainly been applied.
    ///
    /// `false` also means "cannot be told": repeating the change is then right, since its guard holds against a second time.
    #[must_use]
    pub fn is_shown_by(&self, task: &Task) -> bool {
        match self {
            Self::Insert(new) => task.id == new.id,
            // A lease leaves no mark on the task.
            Self::Heartbeat { .. } | Self::NoteMemory { .. } => false,
            Self::AddResult { claim, variant, .. } => task.shows(claim.result_key(*variant)),
            Self::Fail { claim, .. } => task.state == TaskState::Failed && over(*claim, task),
            Self::Release { claim, .. } => matches!(task.state, TaskState::NotStarted | TaskState::Failed) && over(*claim, task),
            Self::Cancel { .. } => task.state == TaskState::Cancelled,
            Self::Retry { run, .. } => task.run > *run,
            Self::MarkDeleting { .. } | Self::Remove { .. } => task.state == TaskState::Deleting,
        }
    }
}

/// The claim is the task's latest, and no longer in progress.
fn over(claim: Claim, task: &Task) -> bool {
    task.claim_no == claim.claim_no && task.state != TaskState::InProgress
}
