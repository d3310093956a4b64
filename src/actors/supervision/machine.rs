//! The decisions of a supervisor, as a state machine over its children: no actor, no timer, no await.
//!
//! Every input (a report, a deadline, an order) first changes what *should* be; [`Machine::settle`] then compares that with what is,
//! and gives the orders that the rules allow now. So inputs that arrive in the middle of a start, a stop or a restart need no cases
//! of their own: the next settling goes on from whatever is left.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures::channel::mpsc::UnboundedSender as Reports;
use tokio::time::Instant;

use super::{
    Exit, Policy, Restart, Strategy,
    child::{Child, Stage},
    spec::{Handle, News, Report},
};

/// See the module.
pub(super) struct Machine {
    pub(super) children: Vec<Child>,
    /// The supervisor's id, for the log.
    id: Arc<str>,
    strategy: Strategy,
    policy: Policy,
    /// Whether children start one after the other and stop in reverse; those of a pool come and go all at once.
    ordered: bool,
    phase: Phase,
    failures: VecDeque<Instant>,
    runs: u64,
    reports: Reports<Report>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// No child was started yet.
    New,
    /// Until every child was ready once.
    Starting,
    Running,
    /// All children are being stopped; `Some` is the failure that is then escalated.
    Ending(Option<Exit>),
    Over,
}

/// What has become of the supervisor itself; each is told once.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Every child is ready.
    Ready,
    /// Every child is down, after an order to stop.
    Stopped,
    /// Every child is down, because this could not be mended.
    Escalate(Exit),
}

impl Machine {
    pub(super) fn new(id: Arc<str>, strategy: Strategy, policy: Policy, ordered: bool, reports: Reports<Report>) -> Self {
        Self { children: Vec::new(), id, strategy, policy, ordered, phase: Phase::New, failures: VecDeque::new(), runs: 0, reports }
    }

    /// Begins to start the children.
    pub(super) fn start(&mut self, children: impl IntoIterator<Item = Handle>, now: Instant) {
        self.children.extend(children.into_iter().map(|spec| Child::new(spec, now)));
        if self.phase == Phase::New {
            self.phase = Phase::Starting;
        }
    }

    /// Begins to stop them; an escalation that is under way stays one.
    pub(super) fn stop(&mut self) {
        if !matches!(self.phase, Phase::Ending(_) | Phase::Over) {
            self.phase = Phase::Ending(None);
        }
    }

    /// Stops a child for good, in its own time: it is not a failure, and it is forgotten when it is down.
    pub(super) fn retire(&mut self, id: &str) {
        if let Some(child) = self.children.iter_mut().find(|child| child.wanted && child.spec.id() == id) {
            child.finish();
        }
    }

    pub(super) fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Ending(_) | Phase::Over)
    }

    /// Whether all children are down, and stay so.
    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Takes a report; returns who ended and why. Reports of lives that were given up are ignored.
    pub(super) fn hear(&mut self, report: Report, now: Instant) -> Option<(Arc<str>, Exit)> {
        let at = self.children.iter().position(|child| child.life.as_ref().is_some_and(|life| life.run == report.run))?;
        match report.news {
            News::Ready => {
                let child = &mut self.children[at];
                child.ready(now);
                log::info!(supervisor = &*self.id, child = child.spec.id(), restarts = child.restarts; "child is ready");
                None
            }
            News::Gone(exit) => Some(self.gone(at, exit, now)?),
        }
    }

    /// Acts on deadlines that have passed; returns the lives that must be taken for lost.
    pub(super) fn overdue(&mut self, now: Instant) -> Vec<Report> {
        let lost = self.children.iter_mut().filter_map(|child| child.overdue(now));
        lost.map(|run| Report { run, news: News::Gone(Exit::Lost) }).collect()
    }

    fn gone(&mut self, at: usize, exit: Exit, now: Instant) -> Option<(Arc<str>, Exit)> {
        let was_to_end = self.must_end(at);
        let child = &mut self.children[at];
        let up_for = child.up_for(now);
        let (stage, exit) = child.gone(exit)?;
        let news = (child.spec.id.clone(), exit.clone());
        if was_to_end || stage == Stage::Stopping {
            self.children[at].was_healthy(up_for);
            self.ended_on_order(at, exit, now);
        } else if stage == Stage::Starting && self.phase == Phase::Starting && !self.children[at].was_up {
            self.children[at].note_failure(&exit, now);
            self.escalate(at, exit);
        } else if self.children[at].is_to_be_restarted(stage, &exit) {
            self.failed(at, exit, up_for, now);
        } else {
            self.ended_for_good(at, &exit, now);
        }
        Some(news)
    }

    fn ended_on_order(&mut self, at: usize, exit: Exit, now: Instant) {
        let child = &mut self.children[at];
        if !exit.is_normal() {
            child.note_failure(&exit, now);
            log::warn!(supervisor = &*self.id, child = child.spec.id(), reason:% = exit, location = exit.location(); "child failed while it was being stopped");
        }
        if !child.wanted {
            child.finish();
        } else if exit.is_final() && !self.is_ending() {
            self.escalate(at, exit);
        }
    }

    fn ended_for_good(&mut self, at: usize, exit: &Exit, now: Instant) {
        let child = &mut self.children[at];
        if exit.is_normal() {
            log::info!(supervisor = &*self.id, child = child.spec.id(); "child ended");
        } else {
            child.note_failure(exit, now);
            log::error!(supervisor = &*self.id, child = child.spec.id(), reason:% = exit, location = exit.location(); "child failed and is not to be restarted");
        }
        child.finish();
    }

    /// Answers a failure: by a restart of the child and of those its strategy takes along, or by giving up.
    fn failed(&mut self, at: usize, exit: Exit, up_for: Duration, now: Instant) {
        self.failures.push_back(now);
        while self.failures.front().is_some_and(|first| now - *first > self.policy.period()) {
            self.failures.pop_front();
        }
        let child = &mut self.children[at];
        let pause = child.failed(&exit, up_for, &self.policy.backoff(), now);
        if exit.is_final() || self.failures.len() > self.policy.intensity() as usize {
            return self.escalate(at, exit);
        }
        log::error!(
            supervisor = &*self.id, child = child.spec.id(), reason:% = exit, location = exit.location(), restarts = child.restarts, pause_ms = pause.as_millis() as u64;
            "child failed and is restarted"
        );
        self.take_along(at, now + pause);
    }

    fn take_along(&mut self, at: usize, not_before: Instant) {
        let first = match self.strategy {
            Strategy::OneForOne => return self.children[at].hold_until(not_before),
            Strategy::RestForOne => at,
            Strategy::OneForAll => 0,
        };
        for (index, child) in self.children.iter_mut().enumerate().skip(first) {
            child.hold_until(not_before);
            if child.life.is_none() || index == at {
                continue;
            }
            match child.spec.restart {
                Restart::Temporary => child.finish(),
                Restart::Permanent | Restart::Transient => child.recycle = true,
            }
        }
    }

    fn escalate(&mut self, at: usize, exit: Exit) {
        let child = self.children[at].spec.id().to_owned();
        log::error!(supervisor = &*self.id, child = child.as_str(), reason:% = exit, location = exit.location(); "supervisor gives up");
        self.phase = Phase::Ending(Some(Exit::Escalated { child, cause: Box::new(exit) }));
    }

    /// Gives the orders that the rules allow now, and tells what has become of the supervisor.
    pub(super) fn settle(&mut self, now: Instant) -> Option<Outcome> {
        for at in (0..self.children.len()).rev() {
            if self.must_end(at) && self.may_stop(at) {
                self.children[at].stop(now);
            }
        }
        if !self.ordered {
            self.children.retain(|child| child.wanted || child.life.is_some());
        }
        for at in 0..self.children.len() {
            if !self.is_ending() && self.children[at].is_due(now) && self.may_start(at) {
                self.runs += 1;
                self.children[at].start(self.runs, &self.reports, now);
            }
        }
        self.outcome()
    }

    /// Whether a child that runs must not.
    fn must_end(&self, at: usize) -> bool {
        let child = &self.children[at];
        child.life.is_some() && (self.is_ending() || !child.wanted || child.recycle)
    }

    /// In reverse: not before all later ones that must end have ended.
    fn may_stop(&self, at: usize) -> bool {
        !self.ordered || (at + 1..self.children.len()).all(|later| !self.must_end(later))
    }

    /// In order: after all earlier ones are ready, and, where failures take siblings along, after all that must end have ended.
    fn may_start(&self, at: usize) -> bool {
        let mut earlier = self.children[..at].iter().filter(|child| child.wanted);
        match self.strategy {
            _ if !self.ordered => true,
            Strategy::OneForOne => earlier.all(|child| child.was_up),
            Strategy::RestForOne | Strategy::OneForAll => {
                earlier.all(Child::is_up) && (0..self.children.len()).all(|other| !self.must_end(other))
            }
        }
    }

    fn outcome(&mut self) -> Option<Outcome> {
        match &mut self.phase {
            Phase::Starting if self.children.iter().all(|child| child.was_up || !child.wanted) => {
                self.phase = Phase::Running;
                Some(Outcome::Ready)
            }
            Phase::Ending(failure) if self.children.iter().all(|child| child.life.is_none()) => {
                let outcome = failure.take().map_or(Outcome::Stopped, Outcome::Escalate);
                self.phase = Phase::Over;
                Some(outcome)
            }
            _ => None,
        }
    }

    /// When [`overdue`](Self::overdue) and [`settle`](Self::settle) must be called again, if no report comes first.
    pub(super) fn wake_at(&self, now: Instant) -> Option<Instant> {
        self.children.iter().filter_map(|child| child.wake_at(now)).min()
    }
}
