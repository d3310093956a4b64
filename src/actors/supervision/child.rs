//! One child in a supervisor's books: what it is, what it should be, and until when the supervisor waits for it.

use std::{mem, time::Duration};

use futures::channel::mpsc::UnboundedSender as Reports;
use tokio::time::Instant;

use super::{
    Backoff, Exit, Restart, State,
    spec::{Handle, Order, Report, Run},
};

/// How long a killed child's cell may take to say so, before its arbiter is taken for dead. Killing itself takes no time.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Child {
    pub(super) spec: Handle,
    /// Whether it should run while the supervisor does; false once it ended for good or is retired.
    pub(super) wanted: bool,
    /// Whether it must go down, because of a sibling, before it may run again.
    pub(super) recycle: bool,
    /// Whether it was ready once in this life of the supervisor.
    pub(super) was_up: bool,
    /// The life it has now, if any.
    pub(super) life: Option<Life>,
    pub(super) restarts: u64,
    pub(super) last_failure: Option<(Instant, Exit)>,
    not_before: Instant,
    /// Failures in a row, for the backoff.
    streak: u32,
    /// For how long it was up since its last failure, in lives that were ended by order.
    healthy: Duration,
}

pub(super) struct Life {
    pub(super) run: u64,
    pub(super) stage: Stage,
    /// Since when it starts, or, once it was ready, since when it was.
    pub(super) since: Instant,
    /// When its present stage must be over.
    deadline: Option<Instant>,
    /// Why it was killed; the next deadline is the last.
    killed: Option<Exit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Starting,
    Up,
    Stopping,
}

impl Child {
    pub(super) fn new(spec: Handle, now: Instant) -> Self {
        let wanted = !spec.is_finished();
        let (recycle, was_up, life, restarts, last_failure, streak) = (false, false, None, 0, None, 0);
        Self { spec, wanted, recycle, was_up, life, restarts, last_failure, not_before: now, streak, healthy: Duration::ZERO }
    }

    pub(super) fn stage(&self) -> Option<Stage> {
        self.life.as_ref().map(|life| life.stage)
    }

    pub(super) fn is_up(&self) -> bool {
        self.stage() == Some(Stage::Up)
    }

    /// Whether it can be started, as far as it alone is concerned.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.wanted && self.life.is_none() && self.not_before <= now
    }

    pub(super) fn start(&mut self, run: u64, reports: &Reports<Report>, now: Instant) {
        if self.last_failure.is_some() || self.was_up {
            self.restarts += 1;
        }
        self.spec.order(Order::Run(Run::new(run, reports.clone())));
        self.life = Some(Life { run, stage: Stage::Starting, since: now, deadline: now.checked_add(self.spec.init), killed: None });
    }

    pub(super) fn ready(&mut self, now: Instant) {
        if let Some(life) = self.life.as_mut().filter(|life| life.stage == Stage::Starting) {
            *life = Life { run: life.run, stage: Stage::Up, since: now, deadline: None, killed: None };
            self.was_up = true;
        }
    }

    pub(super) fn stop(&mut self, now: Instant) {
        self.healthy += self.up_for(now);
        if let Some(life) = self.life.as_mut().filter(|life| life.stage != Stage::Stopping) {
            life.stage = Stage::Stopping;
            life.deadline = now.checked_add(self.spec.shutdown);
            life.killed = None;
            self.spec.order(Order::Stop { within: self.spec.shutdown });
        }
    }

    /// Books the end of the life and tells with which exit it ended: a kill at the init deadline is a failed init.
    pub(super) fn gone(&mut self, exit: Exit) -> Option<(Stage, Exit)> {
        let life = self.life.take()?;
        self.recycle = false;
        Some((life.stage, if exit == Exit::Killed { life.killed.unwrap_or(exit) } else { exit }))
    }

    /// Acts on a deadline that has passed. Returns the run that is lost: killed, and still silent.
    pub(super) fn overdue(&mut self, now: Instant) -> Option<u64> {
        let life = self.life.as_mut().filter(|life| life.deadline.is_some_and(|deadline| deadline <= now))?;
        if life.killed.is_some() {
            return Some(life.run);
        }
        life.killed = Some(match life.stage {
            Stage::Starting => Exit::InitFailed(format!("not ready within {:?}", self.spec.init)),
            Stage::Up | Stage::Stopping => Exit::Killed,
        });
        life.deadline = Some(now + GRACE);
        self.spec.order(Order::Kill);
        None
    }

    /// For how long it has been up, and not told to stop.
    pub(super) fn up_for(&self, now: Instant) -> Duration {
        self.life.as_ref().filter(|life| life.stage == Stage::Up).map_or(Duration::ZERO, |life| now - life.since)
    }

    /// Notes that a life which was up for so long has ended, and not for a failure of its own.
    pub(super) fn was_healthy(&mut self, up_for: Duration) {
        self.healthy += up_for;
    }

    /// Notes a failure; returns the pause before the restart. Siblings that took the child along meanwhile do not make it any
    /// less healthy: all the time that it was up since its last failure counts.
    pub(super) fn failed(&mut self, exit: &Exit, up_for: Duration, backoff: &Backoff, now: Instant) -> Duration {
        let healthy = mem::take(&mut self.healthy) + up_for;
        if self.was_up && healthy >= backoff.reset_after {
            self.streak = 0;
        }
        let pause = backoff.pause(self.streak, fastrand::f64());
        self.streak = self.streak.saturating_add(1);
        self.note_failure(exit, now);
        pause
    }

    pub(super) fn note_failure(&mut self, exit: &Exit, now: Instant) {
        self.last_failure = Some((now, exit.clone()));
    }

    pub(super) fn hold_until(&mut self, at: Instant) {
        self.not_before = self.not_before.max(at);
    }

    /// Ends it for good and closes its address. A life it still has goes on until it is stopped.
    pub(super) fn finish(&mut self) {
        self.wanted = false;
        if self.life.is_none() {
            self.spec.finish();
        }
    }

    /// When the supervisor must look at this child again, if no report comes first.
    pub(super) fn wake_at(&self, now: Instant) -> Option<Instant> {
        match &self.life {
            Some(life) => life.deadline,
            None => Some(self.not_before).filter(|at| self.wanted && *at > now),
        }
    }

    pub(super) fn state(&self, now: Instant) -> State {
        match self.stage() {
            Some(Stage::Starting) => State::Starting,
            Some(Stage::Up) => State::Running,
            Some(Stage::Stopping) => State::Stopping,
            None if !self.wanted => State::Stopped,
            None if self.not_before > now => State::Backoff,
            None => State::Waiting,
        }
    }

    /// Whether its kind asks for a restart. One that ended before it was ready cannot have ended normally.
    pub(super) fn is_to_be_restarted(&self, stage: Stage, exit: &Exit) -> bool {
        match self.spec.restart {
            Restart::Permanent => true,
            Restart::Transient => stage == Stage::Starting || !exit.is_normal(),
            Restart::Temporary => false,
        }
    }
}
