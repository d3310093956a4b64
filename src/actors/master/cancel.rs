//! Cancellation: the store first, so that it is durable and certain who was faster; then the worker that has the task in hand
//! is told by taking its claim back, and kills its child at once. If it is another server's, that one gets a hint and looks.

use actix::{ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseActFuture, WrapFuture};

use crate::actors::master::Master;
use crate::actors::task_db::{COMMIT_DEADLINE, ChangedElsewhere, ListClaims, Unsettled, settle};
use crate::domain::faults;
use crate::domain::ids::TaskId;
use crate::domain::task::{Change, Claim, Task};
use crate::stores::hints::Hint;

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

impl Handler<ChangedElsewhere> for Master {
    type Result = ();

    fn handle(&mut self, ChangedElsewhere(hint): ChangedElsewhere, context: &mut Context<Self>) {
        if hint.is_about(Hint::RUNNABLE) {
            self.claim_for_waiting(context);
        }
        if hint.is_about(Hint::WITHDRAWN) {
            self.look_for_withdrawn_claims(context);
        }
    }
}

impl Master {
    /// Another server has cancelled a task that somebody has in hand: whoever it is drops it. Without this look the next heartbeat tells it.
    fn look_for_withdrawn_claims(&self, context: &mut Context<Self>) {
        let held: Vec<Claim> = self.in_hand.values().map(|in_hand| in_hand.claim).collect();
        if held.is_empty() {
            return;
        }
        let claims = self.deps.task_db.send(ListClaims).timeout(COMMIT_DEADLINE);
        context.spawn(claims.into_actor(self).map(move |claims, master, _| match claims {
            Ok(Ok(claims)) => held.into_iter().filter(|claim| !claims.contains(claim)).for_each(|claim| master.withdraw(claim)),
            _ => log::debug!("claims that were taken back not looked for; the next heartbeat tells it"),
        }));
    }

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
