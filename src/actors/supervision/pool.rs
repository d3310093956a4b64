//! Pools: supervisors whose children are all alike, and come and go by number (OTP's `simple_one_for_one`).

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use actix::prelude::*;

use super::{
    ChildSpec, Options, Policy, Service, Strategy, Supervisor, child,
    spec::Handle,
    supervisor::{Children, Plan, plan},
};

/// How a pool makes its children: `<id>-0`, `<id>-1`, ...
pub struct Template {
    id: Arc<str>,
    options: Options,
    make: Box<dyn Fn(String, Options, usize) -> ChildSpec + Send + Sync>,
}

impl Template {
    /// Children with ids beginning with `id`, treated as `options` say; `make` gets the child's number.
    pub fn new<A: Service>(id: impl Into<Arc<str>>, options: Options, make: impl Fn(usize) -> A + Send + Sync + 'static) -> Self {
        let make = Arc::new(make);
        let make = move |id: String, options, number| {
            let make = make.clone();
            child(id, options, move || make(number)).0
        };
        Self { id: id.into(), options, make: Box::new(make) }
    }
}

/// A pool's part of its supervisor's plan.
pub(super) struct Pool {
    template: Template,
    wanted: AtomicUsize,
}

impl Pool {
    pub(super) fn wanted(&self) -> usize {
        self.wanted.load(Ordering::Relaxed)
    }

    /// The children to add to those there are (given by id; `true` if they are to stay), under the lowest free numbers.
    pub(super) fn missing(&self, there: &[(&str, bool)]) -> Vec<Handle> {
        let staying = there.iter().filter(|(_, stays)| *stays).count();
        let free = (0..).filter(|number| !there.iter().any(|(id, _)| *id == self.child_id(*number)));
        free.take(self.wanted().saturating_sub(staying)).map(|number| self.make(number)).collect()
    }

    /// The ids to retire of those there are: the highest numbers.
    pub(super) fn surplus(&self, there: &[(&str, bool)]) -> Vec<String> {
        let mut staying: Vec<&str> = there.iter().filter(|(_, stays)| *stays).map(|(id, _)| *id).collect();
        staying.sort_by_key(|id| (id.len(), id.to_owned()));
        staying.into_iter().skip(self.wanted()).map(str::to_owned).collect()
    }

    fn child_id(&self, number: usize) -> String {
        format!("{}-{number}", self.template.id)
    }

    fn make(&self, number: usize) -> Handle {
        (self.template.make)(self.child_id(number), self.template.options.clone(), number).0
    }
}

/// Describes a supervisor of `count` children made from a template; [`Scale`] changes their number.
///
/// They start and stop all at the same time, and a failure takes no sibling along.
///
/// # Panics
/// When no actix system runs on this thread.
pub fn pool(id: impl Into<Arc<str>>, policy: Policy, count: usize, template: Template) -> (ChildSpec, Addr<Supervisor>) {
    let children = Children::Pool(Pool { template, wanted: AtomicUsize::new(count) });
    plan(Plan { id: id.into(), strategy: Strategy::OneForOne, policy, children, monitors: Mutex::default() })
}

/// Changes the number of a pool's children. New ones start at once; when there are too many, those with the highest numbers stop,
/// each in its own time. The number outlives restarts of the pool.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<(), NotAPool>")]
pub struct Scale {
    /// The number of children wanted.
    pub count: usize,
}

/// [`Scale`] was sent to a supervisor with a fixed list of children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only a pool can be scaled; this supervisor has a fixed list of children")]
pub struct NotAPool;

impl Handler<Scale> for Supervisor {
    type Result = Result<(), NotAPool>;

    fn handle(&mut self, Scale { count }: Scale, ctx: &mut Context<Self>) -> Self::Result {
        let plan = self.plan.clone();
        let Children::Pool(pool) = &plan.children else { return Err(NotAPool) };
        pool.wanted.store(count, Ordering::Relaxed);
        self.step(ctx, |supervisor, now| supervisor.resize(pool, now));
        Ok(())
    }
}

impl Supervisor {
    /// The ids of the children there are, and whether each is to stay.
    pub(super) fn pool_children(&self) -> Vec<(&str, bool)> {
        self.machine.children.iter().map(|child| (child.spec.id(), child.wanted)).collect()
    }

    fn resize(&mut self, pool: &Pool, now: tokio::time::Instant) {
        if self.machine.is_ending() {
            return;
        }
        let there = self.pool_children();
        let (surplus, missing) = (pool.surplus(&there), pool.missing(&there));
        surplus.iter().for_each(|id| self.machine.retire(id));
        self.machine.start(missing, now);
    }
}
