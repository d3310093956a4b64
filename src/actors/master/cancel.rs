//! Cancellation: the store first, so that it is durable and certain who was faster; then the worker that has the task in hand
//! is told by taking its claim back, and kills its child at once.

use actix::{ActorFutureExt, Context, Handler, Message, ResponseActFuture, WrapFuture};

use crate::actors::master::Master;
use crate::actors::task_db::{Unsettled, settle};
use crate::domain::faults;
use crate::domain::ids::TaskId;
use crate::domain::task::{Change, Claim, Task};

/// Stops a task that has not ended. The reply comes once that is durable and whoever works on it was told.
#[derive(Message)]
#[rtype(result = "Result<Task, Unsettled>")]
pub struct CancelTask {
    /// The task.
    pub id: TaskId,
}

impl Handler<CancelTask> for Master {
    type Result = ResponseActFuture<Self, Result<Task, Unsettled>>;

    fn handle(&mut self, CancelTask { id }: CancelTask, _: &mut Context<Self>) -> Self::Result {
        faults::point("master.cancel_task");
        let task_db = self.deps.task_db.clone();
        let settled = async move { settle(&task_db, Change::Cancel { id }).await };
        Box::pin(settled.into_actor(self).map(|settled, master, _| settled.inspect(|task| master.cancelled(task))))
    }
}

impl Master {
    /// A task was cancelled: its share of the admission is free, and so is whoever worked on it.
    fn cancelled(&mut self, task: &Task) {
        log::info!(task:% = task.id, attempts = task.attempts; "task cancelled");
        self.admission.task_ended(task.caller, task.original.len);
        self.withdraw(task.current_claim());
        self.answer_drained();
    }

    /// Takes a claim back from the hand that it is in, or is on its way to.
    fn withdraw(&mut self, claim: Claim) {
        // What is dropped here breaks the worker's link to it.
        self.in_hand.retain(|_, in_hand| in_hand.claim != claim);
        self.dispatch.withdraw(claim);
    }
}
