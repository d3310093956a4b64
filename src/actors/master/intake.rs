//! Intake: who may upload, what was inserted, and the drain that ends both.

use std::time::{Duration, Instant};

use actix::{Context, Handler, Message};

use crate::actors::master::{Master, Permit, Refusal};
use crate::actors::supervision::{Parked, parked};
use crate::domain::access::Caller;
use crate::domain::faults;
use crate::domain::ids::TaskId;

/// Asks for the right to upload one image.
#[derive(Message)]
#[rtype(result = "Result<Permit, Refusal>")]
pub struct Admit {
    /// Whose it will be.
    pub caller: Caller,
    /// How many bytes the image has at most, where the client announced anything about it.
    pub length: Option<u64>,
}

impl Handler<Admit> for Master {
    type Result = Result<Permit, Refusal>;

    fn handle(&mut self, Admit { caller, length }: Admit, _: &mut Context<Self>) -> Self::Result {
        faults::point("master.admit");
        let (throughput, now) = (&self.throughput, Instant::now());
        self.admission.admit(caller, length, |tasks| throughput.wait_for(tasks, now))
    }
}

/// Asks whether a small upload would be admitted now.
#[derive(Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct CheckAdmission;

impl Handler<CheckAdmission> for Master {
    type Result = Result<(), Refusal>;

    fn handle(&mut self, _: CheckAdmission, _: &mut Context<Self>) -> Self::Result {
        let now = Instant::now();
        self.admission.check(Caller::LOCAL, 0, |tasks| self.throughput.wait_for(tasks, now))
    }
}

/// Asks whether tasks are worked on now, however many wait.
#[derive(Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct CheckDispatch;

impl Handler<CheckDispatch> for Master {
    type Result = Result<(), Refusal>;

    fn handle(&mut self, _: CheckDispatch, _: &mut Context<Self>) -> Self::Result {
        let refusal = |reason| Refusal { reason, retry_after: Duration::from_secs(1) };
        self.admission.standstill().map_or(Ok(()), |reason| Err(refusal(reason)))
    }
}

/// Asks in which time a task that was inserted just now may have ended; `None` where that cannot be told.
#[derive(Message)]
#[rtype(result = "Option<Duration>")]
pub struct EstimateEnd;

impl Handler<EstimateEnd> for Master {
    type Result = Option<Duration>;

    fn handle(&mut self, _: EstimateEnd, _: &mut Context<Self>) -> Self::Result {
        self.throughput.time_for(self.admission.backlog().tasks, self.workers(), Instant::now())
    }
}

/// News of the frontend: a task is durable and can be claimed. The permit ends; the task counts by itself from now on.
#[derive(Message)]
#[rtype(result = "()")]
pub struct TaskInserted {
    /// The task.
    pub id: TaskId,
    /// The length of its original in bytes.
    pub bytes: u64,
    /// The permit of its upload.
    pub permit: Permit,
}

impl Handler<TaskInserted> for Master {
    type Result = ();

    fn handle(&mut self, TaskInserted { id, bytes, permit }: TaskInserted, context: &mut Context<Self>) {
        faults::point("master.task_inserted");
        log::debug!(task:% = id; "task inserted");
        self.admission.task_inserted(&permit, bytes);
        drop(permit);
        self.claim_for_waiting(context);
    }
}

/// Stops admission and dispatch; the reply comes when no worker has a task in hand any more.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Drain;

impl Handler<Drain> for Master {
    type Result = Parked<Drain>;

    fn handle(&mut self, _: Drain, _: &mut Context<Self>) -> Self::Result {
        let (parked, reply) = parked();
        self.admission.drain();
        self.drained.push(reply);
        self.answer_drained();
        parked
    }
}

impl Master {
    /// Whether no task is in hand, on its way to a hand, or on its way back.
    fn is_idle(&self) -> bool {
        self.in_hand.is_empty() && self.settling.is_empty() && !self.dispatch.is_claiming()
    }

    /// Answers those who wait for the drain, once nothing is in hand.
    pub(super) fn answer_drained(&mut self) {
        if self.admission.is_draining() && self.is_idle() {
            self.drained.drain(..).for_each(|reply| {
                // Whoever asked may have given up waiting.
                let _ = reply.send(());
            });
        }
    }
}
