//! What becomes of a claim: finished, failed, tried again; and the heartbeats that keep it alive.

use std::time::{Duration, Instant};

use actix::{ActorFutureExt, Context, Handler, Message, ResponseActFuture, WrapFuture};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::actors::master::{FirstMeasured, InHand, Master};
use crate::actors::task_db::{SetState, Unsettled, settle};
use crate::domain::faults;
use crate::domain::task::{Change, Claim, Failure, NewResult, Task};
use crate::stores::tasks::TaskStoreError;

/// How an attempt ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The result that was the last one missing is durable under the claim's blob name.
    Done(Box<NewResult>),
    /// The image or its pipeline cannot be processed; trying again would not help.
    Failed(Failure),
    /// The child died or ran past its deadline: counts as an attempt, and is tried again while attempts remain.
    Died(Failure),
    /// The server ended the attempt (restart, drain, storage away): tried again, the attempt refunded.
    Interrupted(Failure),
}

impl Outcome {
    /// What went wrong is logged where it is heard of; the state that follows from it, where that is durable.
    fn log(&self, claim: Claim) {
        let (kind, failure) = match self {
            Self::Done(_) => return,
            Self::Failed(failure) => ("failed", failure),
            Self::Died(failure) => ("died", failure),
            Self::Interrupted(failure) => ("interrupted", failure),
        };
        log::warn!(task:% = claim.task, claim:% = claim.claim_no, kind, code:% = failure.code, detail = failure.detail.as_str(); "attempt without result");
    }
}

/// News of a worker: the attempt is over. The reply comes once the change is durable or known to be too late.
#[derive(Message)]
#[rtype(result = "()")]
pub struct WorkFinished {
    /// The worker's name.
    pub worker: String,
    /// The fence.
    pub claim: Claim,
    /// How the attempt ended.
    pub outcome: Outcome,
    /// What its child had in memory at most, in bytes, where that is known.
    pub peak_memory: Option<u64>,
}

impl Handler<WorkFinished> for Master {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, WorkFinished { worker, claim, outcome, peak_memory }: WorkFinished, _: &mut Context<Self>) -> Self::Result {
        faults::point("master.work_finished");
        peak_memory.iter().for_each(|peak| self.note_memory(claim, *peak));
        let in_hand = self.taken_back(&worker, claim);
        let settled = self.settle_outcome(in_hand, outcome);
        Box::pin(settled.into_actor(self).map(|settled, master, context| master.settled(settled, context)))
    }
}

/// News of a worker: a result is durable under the claim's blob name, and others are missing. The reply comes once it can be seen.
#[derive(Message)]
#[rtype(result = "Result<(), NotAdded>")]
pub struct ResultMade {
    /// The fence.
    pub claim: Claim,
    /// The result.
    pub made: Box<NewResult>,
}

/// Why a result is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAdded {
    /// The claim is not the task's current one any more.
    #[error(transparent)]
    Late(#[from] Late),
    /// It could not be written, or whether it was is not known.
    #[error("the task database did not take the result")]
    Unavailable,
}

impl Handler<ResultMade> for Master {
    type Result = ResponseActFuture<Self, Result<(), NotAdded>>;

    fn handle(&mut self, ResultMade { claim, made }: ResultMade, _: &mut Context<Self>) -> Self::Result {
        faults::point("master.result_made");
        self.hear(claim);
        let change = self.addition(claim, *made);
        let task_db = self.deps.task_db.clone();
        Box::pin(async move { settle(&task_db, change).await }.into_actor(self).map(|added, _, _| match added {
            Ok(_) => Ok(()),
            Err(Unsettled::Refused(TaskStoreError::Rejected(_))) => Err(Late.into()),
            Err(_) => Err(NotAdded::Unavailable),
        }))
    }
}

/// News of a worker: it is leaving and does no further work.
#[derive(Message)]
#[rtype(result = "()")]
pub struct WorkerLeft {
    /// The worker's name.
    pub worker: String,
}

impl Handler<WorkerLeft> for Master {
    type Result = ();

    fn handle(&mut self, WorkerLeft { worker }: WorkerLeft, context: &mut Context<Self>) {
        self.release_forgotten(&worker, context);
    }
}

/// A worker still works on its claim.
#[derive(Message)]
#[rtype(result = "Result<(), Late>")]
pub struct Heartbeat {
    /// The fence.
    pub claim: Claim,
}

/// The claim is not the task's current one any more: whatever is done for it is for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the claim was lost; stop working on it")]
pub struct Late;

impl Handler<Heartbeat> for Master {
    type Result = ResponseActFuture<Self, Result<(), Late>>;

    fn handle(&mut self, Heartbeat { claim }: Heartbeat, _: &mut Context<Self>) -> Self::Result {
        faults::point("master.heartbeat");
        self.hear(claim);
        let change = Change::Heartbeat { claim, lease: self.deps.lease };
        let task_db = self.deps.task_db.clone();
        let beat = async move { settle(&task_db, change).await };
        Box::pin(beat.into_actor(self).map(|beat, _, _| match beat {
            Err(Unsettled::Refused(TaskStoreError::Rejected(_))) => Err(Late),
            _ => Ok(()),
        }))
    }
}

/// The outcome of writing an [`Outcome`].
pub(super) struct Settled {
    claim: Claim,
    result: Result<Task, Unsettled>,
    /// When a task that is to be tried again becomes runnable.
    runnable_in: Option<Duration>,
}

impl Master {
    /// What the worker had in hand, now no more; a claim that is not known here is late and left to the fence.
    fn taken_back(&mut self, worker: &str, claim: Claim) -> InHand {
        match self.in_hand.remove(worker) {
            Some(in_hand) if in_hand.claim == claim => in_hand,
            other => {
                self.in_hand.extend(other.map(|in_hand| (worker.to_owned(), in_hand)));
                InHand::new(claim)
            }
        }
    }

    /// A figure for people: whatever becomes of it, nobody waits for it. It is written before the outcome, in the order of sending.
    fn note_memory(&self, claim: Claim, peak: u64) {
        self.deps.task_db.do_send(SetState(Change::NoteMemory { claim, peak, lease: self.deps.lease }));
    }

    /// A worker is alive, whether or not its heartbeat can be written.
    fn hear(&mut self, claim: Claim) {
        self.in_hand.values_mut().filter(|in_hand| in_hand.claim == claim).for_each(|in_hand| in_hand.heard = Instant::now());
    }

    /// The change that shows a result.
    fn addition(&self, claim: Claim, made: NewResult) -> Change {
        let NewResult { variant, result, probe } = made;
        Change::AddResult { claim, variant, result, probe: Some(Box::new(probe)), lease: self.deps.lease }
    }

    /// Writes how the attempt ended.
    pub(super) fn settle_outcome(&mut self, in_hand: InHand, outcome: Outcome) -> BoxFuture<'static, Settled> {
        let claim = in_hand.claim;
        outcome.log(claim);
        self.settling.push(claim);
        if matches!(outcome, Outcome::Done(_) | Outcome::Failed(_)) {
            in_hand.since.iter().for_each(|since| self.throughput.record_work(since.elapsed()));
        }
        let backoff = self.deps.backoff.pause(in_hand.tries.saturating_sub(1), fastrand::f64());
        // Whoever still works on it is told to stop.
        drop(in_hand);
        let (change, runnable_in) = match outcome {
            Outcome::Done(made) => (self.addition(claim, *made), None),
            Outcome::Failed(failure) => (Change::Fail { claim, failure }, None),
            Outcome::Died(reason) => (Change::Release { claim, reason, refund: false, backoff }, Some(backoff)),
            Outcome::Interrupted(reason) => (Change::Release { claim, reason, refund: true, backoff }, Some(backoff)),
        };
        let task_db = self.deps.task_db.clone();
        async move { Settled { claim, result: settle(&task_db, change).await, runnable_in } }.boxed()
    }

    /// The change is durable, or known to be refused: counts it and looks for more work.
    pub(super) fn settled(&mut self, Settled { claim, result, runnable_in }: Settled, context: &mut Context<Self>) {
        faults::point("master.settled");
        self.settling.iter().position(|settling| *settling == claim).map(|at| self.settling.swap_remove(at));
        match result {
            Ok(task) => self.count(&task),
            Err(Unsettled::Refused(error)) => log::warn!(task:% = claim.task, claim:% = claim.claim_no, error:% = error; "outcome refused"),
            Err(Unsettled::Unknown) => {
                log::error!(task:% = claim.task, claim:% = claim.claim_no; "outcome not written; the lease will end");
            }
        }
        self.wake_in(runnable_in.unwrap_or_default(), context);
        self.answer_drained();
    }

    /// A task that ended gives its share of the admission back.
    fn count(&mut self, task: &Task) {
        log::info!(task:% = task.id, state = task.state.as_str(), attempts = task.attempts; "attempt ended");
        if task.state.is_terminal() {
            self.admission.task_ended(task.caller, task.original.len);
            if self.throughput.record(Instant::now()) {
                self.deps.nodes.do_send(FirstMeasured);
            }
        }
    }
}
