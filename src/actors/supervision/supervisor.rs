//! The supervisor: an actor, and so a child itself, that carries out what its [`Machine`] decides.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix::prelude::*;
use futures::channel::mpsc;
use tokio::{sync::oneshot, time::Instant};

use super::{
    ChildSpec, Details, Down, Exit, InitResult, Options, Policy, Restart, Service, Strategy, child, exit,
    machine::{Machine, Outcome},
    pool::Pool,
    spec::{Handle, Order, Report},
};

/// What outlives a supervisor's life: its children with their addresses, the wanted size of a pool, and who wants to hear of ends.
pub(super) struct Plan {
    pub(super) id: Arc<str>,
    pub(super) strategy: Strategy,
    pub(super) policy: Policy,
    pub(super) children: Children,
    pub(super) monitors: Mutex<Vec<Recipient<Down>>>,
}

pub(super) enum Children {
    Fixed(Vec<Handle>),
    Pool(Pool),
}

/// Starts its children in order, restarts those that fail, and stops them in reverse. Made by [`supervisor`] or [`pool`](super::pool()).
pub struct Supervisor {
    pub(super) plan: Arc<Plan>,
    pub(super) machine: Machine,
    pub(super) born: Instant,
    reports: Option<mpsc::UnboundedReceiver<Report>>,
    /// Resolves `init`.
    ready: Option<oneshot::Sender<Result<(), Exit>>>,
    /// Resolves `terminate` when it is dropped.
    stopped: Option<oneshot::Sender<()>>,
    /// When the earliest timer that is set will fire.
    alarm: Option<Instant>,
}

/// Describes a supervisor of a fixed list of children, as a child of another supervisor or of the [`Root`](super::Root).
///
/// It is permanent and lives on the calling arbiter.
///
/// # Errors
/// [`DuplicateId`] when two children have the same id.
///
/// # Panics
/// When no actix system runs on this thread.
pub fn supervisor(
    id: impl Into<Arc<str>>,
    strategy: Strategy,
    policy: Policy,
    children: Vec<ChildSpec>,
) -> Result<(ChildSpec, Addr<Supervisor>), DuplicateId> {
    let id = id.into();
    let children: Vec<Handle> = children.into_iter().map(|child| child.0).collect();
    for (at, child) in children.iter().enumerate() {
        if children[..at].iter().any(|earlier| earlier.id == child.id) {
            return Err(DuplicateId { supervisor: id.to_string(), child: child.id.to_string() });
        }
    }
    Ok(plan(Plan { id, strategy, policy, children: Children::Fixed(children), monitors: Mutex::default() }))
}

/// Two children of one supervisor have the same id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("supervisor {supervisor} has two children with the id {child}; give each its own")]
pub struct DuplicateId {
    supervisor: String,
    child: String,
}

/// Turns a plan into a child. It has no deadlines of its own, as in OTP: those of its children bound how long it starts and stops.
pub(super) fn plan(plan: Plan) -> (ChildSpec, Addr<Supervisor>) {
    let options = Options { restart: Restart::Permanent, shutdown: Duration::MAX, init: Duration::MAX, arbiter: None };
    let plan = Arc::new(plan);
    let (mut spec, addr) = child(plan.id.clone(), options, move || Supervisor::new(plan.clone()));
    spec.0.supervisor = Some(addr.clone());
    (spec, addr)
}

impl Supervisor {
    fn new(plan: Arc<Plan>) -> Self {
        let (sender, reports) = mpsc::unbounded();
        let ordered = matches!(plan.children, Children::Fixed(_));
        let machine = Machine::new(plan.id.clone(), plan.strategy, plan.policy, ordered, sender);
        Self { plan, machine, born: Instant::now(), reports: Some(reports), ready: None, stopped: None, alarm: None }
    }

    /// The children to begin with. A pool may have been scaled already by a message that waited for its start.
    fn first_children(&self) -> Vec<Handle> {
        match &self.plan.children {
            Children::Fixed(children) => children.clone(),
            Children::Pool(pool) => pool.missing(&self.pool_children()),
        }
    }

    /// Gives the machine an input, then carries out what follows from it.
    pub(super) fn step(&mut self, ctx: &mut Context<Self>, input: impl FnOnce(&mut Self, Instant)) {
        let now = Instant::now();
        input(self, now);
        if let Some(outcome) = self.machine.settle(now) {
            self.conclude(outcome, ctx);
        }
        self.set_alarm(ctx, now);
    }

    fn conclude(&mut self, outcome: Outcome, ctx: &mut Context<Self>) {
        let is_ordered = self.stopped.is_some();
        match (outcome, self.ready.take()) {
            (Outcome::Ready, ready) => {
                ready.map(|ready| ready.send(Ok(())));
            }
            (Outcome::Stopped, _) => self.stopped = None,
            (Outcome::Escalate(failure), Some(ready)) if !is_ordered => {
                let _ = ready.send(Err(failure));
            }
            // Also when an order to stop came meanwhile: that it failed must not be lost. Not before this turn is over, in which it
            // may just have become ready: the one above tells a failed start from a failure.
            (Outcome::Escalate(failure), _) => {
                ctx.spawn(fut::ready(()).map(|(), _, _| exit(failure)));
            }
        }
    }

    /// Timers are never cancelled: one that fires early finds nothing to do.
    fn set_alarm(&mut self, ctx: &mut Context<Self>, now: Instant) {
        let Some(at) = self.machine.wake_at(now) else { return };
        if self.alarm.is_some_and(|alarm| alarm <= at) {
            return;
        }
        self.alarm = Some(at);
        ctx.run_later(at - now, |supervisor, ctx| {
            supervisor.alarm = None;
            supervisor.step(ctx, Self::look_at_the_clock);
        });
    }

    fn look_at_the_clock(&mut self, now: Instant) {
        for lost in self.machine.overdue(now) {
            self.hear(lost, now);
        }
    }

    fn hear(&mut self, report: Report, now: Instant) {
        let Some((child, exit)) = self.machine.hear(report, now) else { return };
        let down = Down { supervisor: self.plan.id.clone(), child, exit };
        let mut monitors = self.plan.monitors.lock().unwrap_or_else(PoisonError::into_inner);
        monitors.retain(Recipient::connected);
        // Unbounded by the mailbox, but bounded by the supervisor's intensity.
        monitors.iter().for_each(|monitor| monitor.do_send(down.clone()));
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;
}

impl Supervised for Supervisor {}

impl Service for Supervisor {
    /// It hears of its children, and answers for its tree, while they start.
    const OPEN_DURING_INIT: bool = true;

    fn init(&mut self, ctx: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        if let Some(reports) = self.reports.take() {
            ctx.add_stream(reports);
        }
        let (ready, became_ready) = oneshot::channel();
        self.ready = Some(ready);
        let children = self.first_children();
        self.step(ctx, |supervisor, now| supervisor.machine.start(children, now));
        Box::pin(became_ready.into_actor(self).map(|result, _, _| Ok(result.unwrap_or(Err(Exit::Shutdown))?)))
    }

    fn terminate(&mut self, _: Duration, ctx: &mut Context<Self>) -> ResponseActFuture<Self, ()> {
        let (stopped, has_stopped) = oneshot::channel();
        self.stopped = Some(stopped);
        self.step(ctx, |supervisor, _| supervisor.machine.stop());
        if self.machine.is_over() {
            // All were down before the order came, and nothing more will happen; an `init` that was about to fail is not heard any more.
            self.stopped = None;
        }
        Box::pin(has_stopped.into_actor(self).map(|_, _, _| ()))
    }

    fn inspect(&self) -> Details {
        match &self.plan.children {
            Children::Fixed(_) => Details::new(),
            Children::Pool(pool) => Details::from_iter([("wanted".to_owned(), pool.wanted().into())]),
        }
    }
}

impl StreamHandler<Report> for Supervisor {
    fn handle(&mut self, report: Report, ctx: &mut Context<Self>) {
        self.step(ctx, |supervisor, now| supervisor.hear(report, now));
    }
}

impl Drop for Supervisor {
    /// A supervisor that fails or is killed takes its children along, as OTP's links do.
    fn drop(&mut self) {
        for child in mem::take(&mut self.machine.children).iter().rev().filter(|child| child.life.is_some()) {
            child.spec.order(Order::Kill);
        }
    }
}
