//! The state machine of a task: every transition and its guard. Nothing else in the program writes a state.
//!
//! Engines load a row, ask here what becomes of it, and write the answer with a guard on the state and `claim_no` they
//! loaded. The fence is the one of "Leases, fencing tokens" (M. Kleppmann, *How to do distributed locking*, 2016):
//! `claim_no` grows at every claim and never shrinks, so that a worker thought dead can harm nothing when it returns.

use std::time::Duration;

use crate::domain::faults::{self, Mechanism};
use crate::domain::ids::{ClaimNo, TaskId};
use crate::domain::pipeline::VariantName;
use crate::domain::probe::ImageProbe;
use crate::domain::task::{AttemptEnd, Claim, Failure, NewTask, Task, TaskResult, TaskState};
use crate::domain::timestamp::Timestamp;

/// How often a task is tried before it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts per run that may end without a verdict on the image; the last one fails the run.
    pub max_attempts: u32,
    /// Attempts per run that are given back because the server ended them; further ones count.
    pub max_refunds: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_attempts: 3, max_refunds: 10 }
    }
}

/// A request to change one task. Claiming is no change of one named task and has its own call, [`Task::claim`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Accept an upload whose original is durable.
    Insert(NewTask),
    /// Prolong the lease of a claim, counted from now.
    Heartbeat {
        /// The claim that is still being worked on.
        claim: Claim,
        /// How long it may stay silent from now on.
        lease: Duration,
    },
    /// Note what the process of a claim had in memory at most; counts as a heartbeat.
    NoteMemory {
        /// The claim.
        claim: Claim,
        /// In bytes.
        peak: u64,
        /// How long the claim may stay silent from now on.
        lease: Duration,
    },
    /// The blob of a variant's result is durable: show it. The last one that was missing finishes the task, any other counts as a
    /// heartbeat.
    AddResult {
        /// The claim that made it.
        claim: Claim,
        /// Which it is.
        variant: VariantName,
        /// The result.
        result: TaskResult,
        /// What is known of the original, if this claim knows; the first that tells is believed.
        probe: Option<Box<ImageProbe>>,
        /// How long the claim may stay silent from now on, if others are missing.
        lease: Duration,
    },
    /// The image cannot be processed, and trying again would not change that.
    Fail {
        /// The claim that found out.
        claim: Claim,
        /// Why.
        failure: Failure,
    },
    /// The attempt ended without a verdict: try again while attempts remain, else fail.
    Release {
        /// The claim that ended.
        claim: Claim,
        /// What happened.
        reason: Failure,
        /// Whether the server, not the image, ended it (drain, restart).
        refund: bool,
        /// How long to wait before the next attempt.
        backoff: Duration,
    },
    /// The user no longer wants the result.
    Cancel {
        /// The task.
        id: TaskId,
    },
    /// Open the next run of a failed or cancelled task.
    Retry {
        /// The task.
        id: TaskId,
        /// The run that ended so: a retry that is repeated opens one run, however often it arrives.
        run: u32,
    },
    /// Hide an ended task; its blobs may be removed from now on.
    MarkDeleting {
        /// The task.
        id: TaskId,
    },
    /// Forget a task whose blobs are gone.
    Remove {
        /// The task.
        id: TaskId,
    },
}

impl Change {
    /// The task that is to change.
    #[must_use]
    pub fn task(&self) -> TaskId {
        match self {
            Self::Insert(new) => new.id,
            Self::Heartbeat { claim, .. }
            | Self::NoteMemory { claim, .. }
            | Self::AddResult { claim, .. }
            | Self::Fail { claim, .. }
            | Self::Release { claim, .. } => claim.task,
            Self::Cancel { id } | Self::Retry { id, .. } | Self::MarkDeleting { id } | Self::Remove { id } => *id,
        }
    }
}

/// The state machine said no; the task is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// No task has that id.
    #[error("there is no such task")]
    NotFound,
    /// The claim is not the current one: the worker must drop what it has.
    #[error("the claim is late: the task is {state} and its latest claim is {claim_no}; drop the work")]
    Late {
        /// The task's state.
        state: TaskState,
        /// The task's latest claim.
        claim_no: ClaimNo,
    },
    /// The task's state does not allow the change.
    #[error("the task is {state}, which does not allow this")]
    WrongState {
        /// The task's state.
        state: TaskState,
    },
    /// A task of that id is already there.
    #[error("a task of that id is already there")]
    Duplicate,
    /// Another task of the caller has the idempotency key.
    #[error("the idempotency key belongs to task {by}")]
    KeyTaken {
        /// The task.
        by: TaskId,
        /// Whether it was sent as the same upload.
        same: bool,
    },
    /// The task has no such variant, or has its result already.
    #[error("the task does not wait for a result called {0}")]
    NotAwaited(VariantName),
}

/// What a transition asks of the clock of the engine that stores the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Nothing runs.
    Off,
    /// The claim lapses unless it is heard of within this time.
    Lease(Duration),
    /// The task may be claimed after this time.
    Backoff(Duration),
    /// The run has ended, and the task may be removed after this time.
    Retention(Duration),
}

/// What becomes of a task: everything an engine has to write, in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The task after it (or as it last was, if it is gone).
    pub task: Task,
    /// How the attempt in progress ended, if it did; goes into the history.
    pub ended: Option<AttemptEnd>,
    /// The task's timer from now on; replaces the one before.
    pub timer: Timer,
    /// What is to be noted of the attempt in progress: what its process had in memory at most, in bytes.
    pub peak_memory: Option<u64>,
    /// Whether the task is to be forgotten with its history.
    pub gone: bool,
}

impl Transition {
    fn to(task: Task) -> Self {
        Self { task, ended: None, timer: Timer::Off, peak_memory: None, gone: false }
    }

    /// To a terminal state.
    fn end(task: Task) -> Self {
        let timer = task.retention.time().map_or(Timer::Off, Timer::Retention);
        Self { timer, ..Self::to(task) }
    }

    fn ending(self, end: AttemptEnd) -> Self {
        Self { ended: Some(end), ..self }
    }
}

impl Task {
    /// Hands the task out: the fence grows, and the attempt counts before anything can go wrong with it, so that an
    /// image which brings the server down is counted too.
    ///
    /// # Errors
    /// [`Rejected::WrongState`] unless the task is not started.
    pub fn claim(&self, lease: Duration, now: Timestamp) -> Result<Transition, Rejected> {
        self.require(self.state == TaskState::NotStarted)?;
        let task = Self {
            state: TaskState::InProgress,
            claim_no: self.claim_no.next(),
            attempts: self.attempts + 1,
            started_at: self.started_at.or(Some(now)),
            ..self.clone()
        };
        Ok(Transition { timer: Timer::Lease(lease), ..Transition::to(task) })
    }

    /// What `change` makes of the task.
    ///
    /// # Errors
    /// When the guard of the transition does not hold; the task then stays as it is.
    pub fn apply(&self, change: &Change, policy: &RetryPolicy, now: Timestamp) -> Result<Transition, Rejected> {
        match change {
            Change::Insert(_) => Err(Rejected::Duplicate),
            Change::Heartbeat { claim, lease } => {
                self.require_current(*claim)?;
                Ok(Transition { timer: Timer::Lease(*lease), ..Transition::to(self.clone()) })
            }
            Change::NoteMemory { claim, peak, lease } => {
                self.require_current(*claim)?;
                Ok(Transition { timer: Timer::Lease(*lease), peak_memory: Some(*peak), ..Transition::to(self.clone()) })
            }
            Change::AddResult { claim, variant, result, probe, lease } => {
                let mut transition = self.add_result(*claim, *variant, result, *lease, now)?;
                transition.task.probe = transition.task.probe.or_else(|| probe.as_deref().cloned());
                Ok(transition)
            }
            Change::Fail { claim, failure } => {
                self.require_current(*claim)?;
                Ok(Transition::end(self.failed(failure.clone(), now)).ending(AttemptEnd::Failed(failure.clone())))
            }
            Change::Release { claim, reason, refund, backoff } => self.release(*claim, reason, *refund, *backoff, policy, now),
            Change::Cancel { .. } => self.cancel(now),
            Change::Retry { run, .. } => self.retry(*run),
            Change::MarkDeleting { .. } => {
                self.require(self.state.is_terminal())?;
                Ok(Transition::to(Self { state: TaskState::Deleting, expires_at: None, ..self.clone() }))
            }
            Change::Remove { .. } => {
                self.require(self.state == TaskState::Deleting)?;
                Ok(Transition { gone: true, ..Transition::to(self.clone()) })
            }
        }
    }

    fn add_result(
        &self,
        claim: Claim,
        variant: VariantName,
        result: &TaskResult,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Transition, Rejected> {
        if !faults::removed(Mechanism::Fence) {
            self.require_current(claim)?;
            // A blob of another claim must never become visible through this one.
            self.require_current(Claim { claim_no: result.claim_no, ..claim })?;
        }
        if self.missing().all(|(name, _)| name != variant) {
            return Err(Rejected::NotAwaited(variant));
        }
        let mut task = self.clone();
        task.results.insert(variant, result.clone());
        if task.missing().next().is_some() {
            return Ok(Transition { timer: Timer::Lease(lease), ..Transition::to(task) });
        }
        Ok(Transition::end(Self { state: TaskState::Finished, ended_at: Some(now), ..task }).ending(AttemptEnd::Finished))
    }

    fn release(
        &self,
        claim: Claim,
        reason: &Failure,
        refund: bool,
        backoff: Duration,
        policy: &RetryPolicy,
        now: Timestamp,
    ) -> Result<Transition, Rejected> {
        self.require_current(claim)?;
        let refunded = refund && (self.refunds < policy.max_refunds || faults::removed(Mechanism::RefundCap));
        let end = AttemptEnd::Released { reason: reason.clone(), refunded };
        if !refunded && self.attempts >= policy.max_attempts {
            return Ok(Transition::end(self.failed(reason.clone(), now)).ending(end));
        }
        let given_back = u32::from(refunded);
        let task =
            Self { state: TaskState::NotStarted, attempts: self.attempts - given_back, refunds: self.refunds + given_back, ..self.clone() };
        Ok(Transition { timer: Timer::Backoff(backoff), ..Transition::to(task).ending(end) })
    }

    fn cancel(&self, now: Timestamp) -> Result<Transition, Rejected> {
        self.require(self.state.is_open())?;
        let task = Self { state: TaskState::Cancelled, ended_at: Some(now), ..self.clone() };
        let ended = (self.state == TaskState::InProgress).then_some(AttemptEnd::Cancelled);
        Ok(Transition { ended, ..Transition::end(task) })
    }

    fn retry(&self, run: u32) -> Result<Transition, Rejected> {
        self.require(self.run == run && matches!(self.state, TaskState::Failed | TaskState::Cancelled))?;
        Ok(Transition::to(Self {
            state: TaskState::NotStarted,
            run: self.run + 1,
            attempts: 0,
            refunds: 0,
            started_at: None,
            ended_at: None,
            expires_at: None,
            failure: None,
            ..self.clone()
        }))
    }

    fn failed(&self, failure: Failure, now: Timestamp) -> Self {
        Self { state: TaskState::Failed, failure: Some(failure), ended_at: Some(now), ..self.clone() }
    }

    fn require(&self, allowed: bool) -> Result<(), Rejected> {
        if allowed { Ok(()) } else { Err(Rejected::WrongState { state: self.state }) }
    }

    /// The guard of everything a worker reports.
    fn require_current(&self, claim: Claim) -> Result<(), Rejected> {
        let current = self.state == TaskState::InProgress && claim == self.current_claim();
        if current { Ok(()) } else { Err(Rejected::Late { state: self.state, claim_no: self.claim_no }) }
    }
}
