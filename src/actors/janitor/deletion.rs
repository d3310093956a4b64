//! Deletion of a task whose row is hidden already: its blobs, then the row.
//!
//! In this order a crash leaves the hidden row, which says what is still to be removed. Blobs that no result of the row refers to
//! (of attempts that were dropped) are orphans once the row is gone, and swept as such.

use actix::{Context, Handler, Message, ResponseActFuture, WrapFuture};

use crate::actors::janitor::{Janitor, JanitorDeps, JanitorError, STEP_DEADLINE};
use crate::actors::storage::DeleteBlob;
use crate::actors::task_db::{ListByState, Unsettled, settle};
use crate::domain::blob::BlobKey;
use crate::domain::faults;
use crate::domain::task::{Change, Rejected, Task, TaskState};
use crate::stores::tasks::{TaskQuery, TaskStoreError};

/// Asks to remove what is left of a task that is being deleted. What fails is done by the next round.
#[derive(Message)]
#[rtype(result = "Result<(), JanitorError>")]
pub struct FinishDeletion {
    /// The task; its state is `deleting`.
    pub task: Box<Task>,
}

impl Handler<FinishDeletion> for Janitor {
    type Result = ResponseActFuture<Self, Result<(), JanitorError>>;

    fn handle(&mut self, FinishDeletion { task }: FinishDeletion, _: &mut Context<Self>) -> Self::Result {
        faults::point("janitor.finish_deletion");
        let deps = self.deps.clone();
        Box::pin(async move { finish(&deps, &task).await }.into_actor(self))
    }
}

/// Finishes every deletion that was left unfinished; says how many.
pub(super) async fn finish_all(deps: &JanitorDeps) -> Result<u64, JanitorError> {
    let mut finished = 0;
    let mut after = None;
    loop {
        let query = TaskQuery { state: Some(TaskState::Deleting), after, limit: TaskQuery::MAX_LIMIT, ..TaskQuery::default() };
        let page = deps.task_db.send(ListByState(query)).timeout(STEP_DEADLINE).await??;
        for task in &page.tasks {
            deps.on_duty()?;
            finish(deps, task).await?;
            finished += 1;
        }
        after = page.next;
        if after.is_none() {
            return Ok(finished);
        }
    }
}

/// Removes the blobs of a hidden task, then its row. Every step may be repeated.
pub(super) async fn finish(deps: &JanitorDeps, task: &Task) -> Result<(), JanitorError> {
    let results = task.results.keys().filter_map(|variant| task.result_key(*variant));
    for key in results.chain([BlobKey::Original(task.id)]) {
        faults::point("janitor.delete_blob");
        deps.storage.send(DeleteBlob { key }).timeout(STEP_DEADLINE).await??;
    }
    faults::point("janitor.blobs_deleted");
    match settle(&deps.task_db, Change::Remove { id: task.id }).await {
        // Somebody else was faster: the request and a round may remove the same task.
        Ok(_) | Err(Unsettled::Refused(TaskStoreError::Rejected(Rejected::NotFound))) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
