//! Child specifications, and the orders and reports between a supervisor and the cells its children live in.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::{ArbiterHandle, dev::channel, prelude::*};
use futures::channel::mpsc::{self, UnboundedSender as Reports};
use tokio::sync::oneshot;

use super::{Details, Exit, Restart, Service, Supervisor, cell::Cell, probe::Probe};

/// How a supervisor treats a child.
#[derive(Debug, Clone)]
pub struct Options {
    /// When it is started again.
    pub restart: Restart,
    /// How long it may take to stop before it is killed.
    pub shutdown: Duration,
    /// How long it may take to become ready.
    pub init: Duration,
    /// The arbiter (thread) it lives on; `None` is the one that calls [`child`].
    pub arbiter: Option<ArbiterHandle>,
}

impl Default for Options {
    /// Permanent, 5 s to stop (as in OTP), 30 s to become ready, on the calling arbiter.
    fn default() -> Self {
        Self { restart: Restart::Permanent, shutdown: Duration::from_secs(5), init: Duration::from_secs(30), arbiter: None }
    }
}

/// A child, to be given to one supervisor.
pub struct ChildSpec(pub(super) Handle);

/// A child as its supervisor knows it, in all lives of both. Clones mean the same child.
#[derive(Clone)]
pub(super) struct Handle {
    pub(super) id: Arc<str>,
    pub(super) restart: Restart,
    pub(super) shutdown: Duration,
    pub(super) init: Duration,
    /// Set for a child that is a supervisor.
    pub(super) supervisor: Option<Addr<Supervisor>>,
    orders: mpsc::UnboundedSender<Order>,
    finished: Arc<AtomicBool>,
    probe: Probe,
}

/// A mailbox whose address is known before there is an actor to it: for services that must know each other.
pub struct Mailbox<A: Service> {
    receiver: channel::AddressReceiver<A>,
    addr: Addr<A>,
}

impl<A: Service> Mailbox<A> {
    /// An empty mailbox, and its address.
    #[must_use]
    pub fn new() -> (Self, Addr<A>) {
        let (sender, receiver) = channel::channel(MAILBOX);
        let addr = Addr::new(sender);
        (Self { receiver, addr: addr.clone() }, addr)
    }

    /// Describes the child that this mailbox belongs to; see [`child`].
    ///
    /// # Panics
    /// When no actix system runs on this thread.
    pub fn child(self, id: impl Into<Arc<str>>, options: Options, make: impl FnMut() -> A + Send + 'static) -> ChildSpec {
        let Self { receiver, addr } = self;
        let (orders, inbox) = mpsc::unbounded();
        let arbiter = options.arbiter.unwrap_or_else(Arbiter::current);
        let probe = Probe::default();
        let answers = probe.clone();
        // On a dead arbiter this drops the mailbox and the orders: the address is closed, and a start reports `Lost`.
        arbiter.spawn_fn(move || {
            actix::spawn(Cell::new(make, receiver, addr, inbox, answers));
        });
        ChildSpec(Handle {
            id: id.into(),
            restart: options.restart,
            shutdown: options.shutdown,
            init: options.init,
            supervisor: None,
            orders,
            finished: Arc::new(AtomicBool::new(false)),
            probe,
        })
    }
}

/// Describes a child and makes its address, before anything of it runs.
///
/// Messages sent to the address wait until the child is ready. The address stays the same through all restarts; it closes when the
/// child ended for good, when its arbiter died, or when nobody supervises it any more.
///
/// # Panics
/// When no actix system runs on this thread.
pub fn child<A: Service>(id: impl Into<Arc<str>>, options: Options, make: impl FnMut() -> A + Send + 'static) -> (ChildSpec, Addr<A>) {
    let (mailbox, addr) = Mailbox::new();
    (mailbox.child(id, options, make), addr)
}

/// The bound of a mailbox. It only paces senders (each clone of an address has a slot of its own): it is no admission control.
const MAILBOX: usize = 16;

impl ChildSpec {
    /// The id, unique among its siblings.
    pub fn id(&self) -> &str {
        self.0.id()
    }
}

impl Handle {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// An order to a cell that is gone is dropped; dropped with it, a [`Run`] reports `Lost`.
    pub(super) fn order(&self, order: Order) {
        let _ = self.orders.unbounded_send(order);
    }

    /// Asks the actor about itself; it answers when its turn comes, behind the messages it has.
    pub(super) fn ask(&self) -> oneshot::Receiver<Details> {
        self.probe.ask(|| self.order(Order::Probe))
    }

    /// Closes the address: the child ended for good, and no sender shall wait for it.
    pub(super) fn finish(&self) {
        self.finished.store(true, Ordering::Relaxed);
        self.order(Order::Retire);
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Relaxed)
    }
}

/// What a supervisor tells a cell. Orders are obeyed one after the other.
pub(super) enum Order {
    /// Begin a life.
    Run(Run),
    /// End it in order: call `terminate`, then stop.
    Stop {
        /// What is left until the supervisor kills it.
        within: Duration,
    },
    /// Drop the state and its futures at once.
    Kill,
    /// End the cell and close the address.
    Retire,
    /// Answer the questions in the [`Probe`].
    Probe,
}

/// One life of a child, as promised to its supervisor: whatever happens to it, exactly one `Gone` is reported.
pub(super) struct Run {
    number: u64,
    reports: Option<Reports<Report>>,
}

/// What a supervisor hears about a life.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) run: u64,
    pub(super) news: News,
}

#[derive(Debug)]
pub(super) enum News {
    Ready,
    Gone(Exit),
}

impl Run {
    pub(super) fn new(number: u64, reports: Reports<Report>) -> Self {
        Self { number, reports: Some(reports) }
    }

    pub(super) fn ready(&self) {
        if let Some(reports) = &self.reports {
            let _ = reports.unbounded_send(Report { run: self.number, news: News::Ready });
        }
    }

    pub(super) fn gone(mut self, exit: Exit) {
        self.report_gone(exit);
    }

    fn report_gone(&mut self, exit: Exit) {
        if let Some(reports) = self.reports.take() {
            let _ = reports.unbounded_send(Report { run: self.number, news: News::Gone(exit) });
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.report_gone(Exit::Lost);
    }
}
