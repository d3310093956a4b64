//! Dispatch: workers ask for work and are parked until there is some; nobody polls.
//!
//! One claim of the store serves all workers that wait. Whatever is not handed out at once (the worker went away
//! meanwhile) is released with its attempt refunded.

use std::collections::VecDeque;
use std::time::Instant;

use actix::{ActorFutureExt, AsyncContext, Context, Handler, MailboxError, Message, WrapFuture};

use crate::actors::master::{InHand, Master, Outcome};
use crate::actors::supervision::{Link, Parked, ParkedReply, parked};
use crate::actors::task_db::COMMIT_DEADLINE;
use crate::actors::task_db::ClaimTasks;
use crate::domain::error_code::ErrorCode;
use crate::domain::faults;
use crate::domain::limits::ImageLimits;
use crate::domain::task::{Claim, Failure, Task};
use crate::stores::tasks::{ClaimRequest, ClaimedTask, TaskStoreError};

/// A worker asks for its next task; the reply comes when there is one.
#[derive(Message)]
#[rtype(result = "Box<Work>")]
pub struct GetWork {
    /// The worker's name. Asking means having nothing in hand.
    pub worker: String,
}

/// One task in the hands of one worker.
#[derive(Debug, Clone)]
pub struct Work {
    /// The task as it is claimed.
    pub task: Task,
    /// The fence to show with everything that is said about it.
    pub claim: Claim,
    /// The limits in force when it was handed out.
    pub limits: ImageLimits,
    /// Breaks when the claim is taken back: there is nothing left to work for.
    pub hold: Link,
    /// Breaks when the master that handed it out is no more; the next one gives the claim back.
    pub master: Link,
}

/// Workers that wait, and whether a claim is under way.
#[derive(Default)]
pub(super) struct Dispatch {
    parked: VecDeque<(String, ParkedReply<GetWork>)>,
    claiming: bool,
    /// Something became runnable while a claim was under way.
    again: bool,
    /// Claims that were taken back while one was under way: they may be among those that it brings.
    withdrawn: Vec<Claim>,
}

impl Dispatch {
    /// Workers that wait for work.
    pub(super) fn waiting(&self) -> usize {
        self.parked.len()
    }

    /// Whether tasks may be claimed by now that no worker has in hand yet.
    pub(super) fn is_claiming(&self) -> bool {
        self.claiming
    }

    /// Parks a worker; a second request of the same worker replaces the first.
    fn park(&mut self, worker: String, reply: ParkedReply<GetWork>) {
        self.parked.retain(|(name, _)| *name != worker);
        self.parked.push_back((worker, reply));
    }

    /// The workers to claim for, unless a claim is under way already or nobody waits.
    fn begin(&mut self) -> Option<Vec<String>> {
        if self.claiming {
            self.again = true;
            return None;
        }
        self.parked.retain(|(_, reply)| !reply.is_closed());
        self.claiming = !self.parked.is_empty();
        self.claiming.then(|| self.parked.iter().map(|(name, _)| name.clone()).collect())
    }

    /// A claim ended; says whether to claim again at once.
    fn end(&mut self) -> bool {
        self.claiming = false;
        self.withdrawn.clear();
        std::mem::take(&mut self.again)
    }

    /// A claim was taken back that may not have been handed out yet.
    pub(super) fn withdraw(&mut self, claim: Claim) {
        if self.claiming {
            self.withdrawn.push(claim);
        }
    }

    /// Whether a claim that was just made was taken back meanwhile; the worker that it was made for then waits on.
    fn is_withdrawn(&mut self, claim: Claim) -> bool {
        let withdrawn = self.withdrawn.contains(&claim);
        self.again |= withdrawn;
        withdrawn
    }

    /// Hands work to the worker it was claimed for; gives it back if that worker is gone.
    fn hand_out(&mut self, worker: &str, work: Box<Work>) -> Result<(), Box<Work>> {
        let Some(at) = self.parked.iter().position(|(name, _)| name == worker) else { return Err(work) };
        let (_, reply) = self.parked.remove(at).expect("the position was just found");
        reply.send(work)
    }
}

impl Handler<GetWork> for Master {
    type Result = Parked<GetWork>;

    fn handle(&mut self, GetWork { worker }: GetWork, context: &mut Context<Self>) -> Self::Result {
        faults::point("master.get_work");
        let (parked, reply) = parked();
        self.release_forgotten(&worker, context);
        self.dispatch.park(worker, reply);
        self.claim_for_waiting(context);
        parked
    }
}

impl Master {
    /// Claims for every worker that waits. Called whenever something may have become runnable, or a worker free.
    pub(super) fn claim_for_waiting(&mut self, context: &mut Context<Self>) {
        if self.admission.is_draining() {
            return;
        }
        let Some(workers) = self.dispatch.begin() else { return };
        let request = ClaimRequest { workers, lease: self.deps.lease };
        let claimed = self.deps.task_db.send(ClaimTasks(request)).timeout(COMMIT_DEADLINE);
        context.spawn(claimed.into_actor(self).map(|claimed, master, context| master.hand_out(claimed, context)));
    }

    /// Hands out what was claimed.
    fn hand_out(&mut self, claimed: Result<Result<Vec<ClaimedTask>, TaskStoreError>, MailboxError>, context: &mut Context<Self>) {
        faults::point("master.hand_out");
        match claimed {
            Ok(Ok(claimed)) => claimed.into_iter().for_each(|claimed| self.hand_to_worker(claimed, context)),
            Ok(Err(error @ TaskStoreError::UnknownOutcome(_))) => {
                log::warn!(error:% = error; "claim of unknown outcome");
                return self.look_for_lost_claims(context);
            }
            // The tick tries again.
            Ok(Err(error)) => log::warn!(error:% = error; "claim failed"),
            Err(error) => {
                log::warn!(error:% = error; "task database did not answer a claim");
                return self.look_for_lost_claims(context);
            }
        }
        self.claim_ended(context);
    }

    /// The next claim may begin.
    pub(super) fn claim_ended(&mut self, context: &mut Context<Self>) {
        if self.dispatch.end() {
            self.claim_for_waiting(context);
        }
        self.answer_drained();
    }

    fn hand_to_worker(&mut self, ClaimedTask { task, claim, worker }: ClaimedTask, context: &mut Context<Self>) {
        if self.dispatch.is_withdrawn(claim) {
            return;
        }
        let in_hand = InHand { tries: task.attempts + task.refunds, since: Some(Instant::now()), ..InHand::new(claim) };
        let work = Work { task, claim, limits: self.live.limits(), hold: in_hand.hold.link(), master: self.lifeline.link() };
        match self.dispatch.hand_out(&worker, Box::new(work)) {
            Ok(()) => {
                self.in_hand.insert(worker, in_hand);
            }
            Err(_) => self.release(in_hand, Failure::new(ErrorCode::Unavailable, "the worker went away before it began"), context),
        }
    }

    /// A worker that asks for work has nothing in hand: what it had before its restart is released.
    pub(super) fn release_forgotten(&mut self, worker: &str, context: &mut Context<Self>) {
        if let Some(in_hand) = self.in_hand.remove(worker) {
            log::warn!(worker, task:% = in_hand.claim.task; "worker was restarted with a task in hand");
            self.release(in_hand, Failure::new(ErrorCode::Unavailable, "the worker was restarted"), context);
        }
    }

    /// Gives a claim back that the server, not the image, ended: the attempt is refunded.
    pub(super) fn release(&mut self, in_hand: InHand, reason: Failure, context: &mut Context<Self>) {
        let settled = self.settle_outcome(in_hand, Outcome::Interrupted(reason));
        context.spawn(settled.into_actor(self).map(|settled, master, context| master.settled(settled, context)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ClaimNo, TaskId};

    #[test]
    fn one_claim_at_a_time_and_none_is_forgotten() {
        let mut dispatch = Dispatch::default();
        assert!(dispatch.begin().is_none(), "nobody waits");
        let (_kept, reply) = parked();
        dispatch.park("worker-1".into(), reply);
        assert_eq!(dispatch.begin(), Some(vec!["worker-1".to_owned()]));
        assert!(dispatch.begin().is_none(), "a claim is under way");
        assert!(dispatch.end(), "what became runnable meanwhile is claimed next");
        assert!(!dispatch.end());
    }

    #[test]
    fn a_claim_that_was_taken_back_on_its_way_reaches_nobody() {
        let claim = |claim_no| Claim { task: TaskId::random(), claim_no: ClaimNo(claim_no) };
        let (early, late, other) = (claim(1), claim(2), claim(3));
        let mut dispatch = Dispatch::default();
        dispatch.withdraw(early);
        let (_kept, reply) = parked();
        dispatch.park("worker-1".into(), reply);
        dispatch.begin();
        dispatch.withdraw(late);
        assert!(!dispatch.is_withdrawn(early), "it was in a hand, or in none");
        assert!(!dispatch.is_withdrawn(other));
        assert!(dispatch.is_withdrawn(late));
        assert!(dispatch.end(), "its worker still waits: something else is claimed for it");
        assert!(!dispatch.is_withdrawn(late), "it is not remembered for longer than the claim is under way");
    }

    #[test]
    fn a_worker_waits_once() {
        let mut dispatch = Dispatch::default();
        for _ in 0..2 {
            dispatch.park("worker-1".into(), parked().1);
        }
        assert_eq!(dispatch.waiting(), 1);
    }
}
