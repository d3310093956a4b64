//! Lost claims: claims that may have been made although their answer never came.
//!
//! Nobody works on such a claim, and its task would wait for the lease to end. So the master asks what is in progress before
//! it claims again, and gives back what is in no hand.

use actix::{ActorFutureExt, Addr, AsyncContext, Context, WrapFuture};

use crate::actors::master::{InHand, Master};
use crate::actors::task_db::{COMMIT_DEADLINE, ClaimTasks, ListClaims, TaskDb};
use crate::domain::error_code::ErrorCode;
use crate::domain::task::{Claim, Failure};
use crate::stores::tasks::ClaimRequest;

impl Master {
    /// Looks for claims that were lost. No claim is under way meanwhile: the one that failed counts as not ended yet.
    pub(super) fn look_for_lost_claims(&self, context: &mut Context<Self>) {
        let in_progress = in_progress(self.deps.task_db.clone(), self.deps.lease);
        context.spawn(in_progress.into_actor(self).map(|found, master, context| {
            let found = found.inspect_err(|error| log::warn!(error:% = error; "lost claims not looked for; their lease will end"));
            found.unwrap_or_default().into_iter().for_each(|claim| master.give_back_if_lost(claim, context));
            master.claim_ended(context);
        }));
    }

    fn give_back_if_lost(&mut self, claim: Claim, context: &mut Context<Self>) {
        let in_hand = self.in_hand.values().any(|in_hand| in_hand.claim == claim);
        if !in_hand && !self.settling.contains(&claim) {
            self.release(InHand::new(claim), Failure::new(ErrorCode::Unavailable, "the answer to the claim was lost"), context);
        }
    }
}

/// The claims that this server has in progress, also of what was under way to the database when it was asked.
async fn in_progress(task_db: Addr<TaskDb>, lease: std::time::Duration) -> Result<Vec<Claim>, Box<dyn std::error::Error>> {
    // Writes are made in order: when this claim for nobody is answered, the one before has been made, or never will be.
    let nobody = ClaimRequest { workers: Vec::new(), lease };
    task_db.send(ClaimTasks(nobody)).timeout(COMMIT_DEADLINE).await??;
    Ok(task_db.send(ListClaims).timeout(COMMIT_DEADLINE).await??)
}
