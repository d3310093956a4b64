//! The cell a child lives in: one task per child that polls the actor, catches its panics, and obeys its supervisor.
//!
//! The mailbox is part of the polled `ContextFut`. Because a panic is caught *around* its poll, the mailbox, and so every address,
//! outlives the actor's state: `ContextFut::restart` drops the futures of the old life, and an actor future swaps the state.
//! The cell decides nothing and keeps no time; both are the supervisor's part.

use std::{
    cell::{Cell as Slot, RefCell},
    future::Future,
    mem,
    pin::Pin,
    rc::Rc,
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use actix::{
    dev::{ContextFut, channel::AddressReceiver},
    prelude::*,
};
// Its poll keeps a waker that it knows already; tokio's clones one at every poll, which showed in the cost of a message.
use futures::{StreamExt, channel::mpsc::UnboundedReceiver};

use super::{
    Exit, InitResult, Service, life,
    panics::catch,
    probe::Probe,
    spec::{Order, Run},
};

/// A promise of the actor to its cell: set by a future inside the actor, taken by the cell after a poll.
pub(super) type Signal<T> = Rc<Slot<Option<T>>>;
pub(super) type Life<A> = ContextFut<A, Context<A>>;
pub(super) type Make<A> = Rc<RefCell<dyn FnMut() -> A>>;

/// See the module.
pub(super) struct Cell<A: Service> {
    make: Make<A>,
    /// Taken when the first life is made of it.
    mailbox: Option<AddressReceiver<A>>,
    life: Option<Life<A>>,
    /// Whether the state in `life` is new: nothing but its constructor ran on it.
    fresh: bool,
    stage: Stage,
    orders: UnboundedReceiver<Order>,
    probe: Probe,
    /// Keeps the mailbox connected: actix stops an actor that nobody can reach.
    _addr: Addr<A>,
}

enum Stage {
    Down,
    Starting(Run, Signal<InitResult>),
    Up(Run),
    Stopping(Run, Signal<()>),
}

impl<A: Service> Cell<A> {
    pub(super) fn new(
        make: impl FnMut() -> A + 'static,
        mailbox: AddressReceiver<A>,
        addr: Addr<A>,
        orders: UnboundedReceiver<Order>,
        probe: Probe,
    ) -> Self {
        let make = Rc::new(RefCell::new(make));
        Self { make, mailbox: Some(mailbox), life: None, fresh: false, stage: Stage::Down, orders, probe, _addr: addr }
    }

    /// Returns whether the cell goes on.
    fn obey(&mut self, order: Order) -> bool {
        match order {
            Order::Run(run) => self.begin(run),
            Order::Stop { within } => self.stop(within),
            Order::Kill => self.end(Exit::Killed),
            Order::Probe => self.probe(),
            Order::Retire => return false,
        }
        true
    }

    fn begin(&mut self, run: Run) {
        // There is a life only if its supervisor was lost, and this is the order of the next.
        self.end(Exit::Killed);
        if let Err(exit) = self.renew() {
            return run.gone(exit);
        }
        let Some(life) = &mut self.life else { return };
        let signal = Signal::default();
        life::reset(life);
        life::open(life, &signal);
        self.fresh = false;
        self.stage = Stage::Starting(run, signal);
    }

    fn stop(&mut self, within: Duration) {
        self.stage = match (mem::replace(&mut self.stage, Stage::Down), &mut self.life) {
            (Stage::Up(run), Some(life)) => Stage::Stopping(run, life::close(life, within)),
            (Stage::Starting(run, _), Some(life)) if A::OPEN_DURING_INIT => Stage::Stopping(run, life::close(life, within)),
            (stage @ Stage::Starting(..), _) => {
                self.stage = stage;
                return self.end(Exit::Shutdown);
            }
            (stage, _) => stage,
        };
    }

    fn probe(&mut self) {
        match (&mut self.life, &self.stage) {
            (Some(life), Stage::Starting(..) | Stage::Up(_) | Stage::Stopping(..)) => life::ask(life, &self.probe),
            _ => self.probe.give_up(),
        }
    }

    /// Ends the life there is: drops its state and its futures, then reports. Does nothing when there is none.
    fn end(&mut self, exit: Exit) {
        let (run, exit) = match mem::replace(&mut self.stage, Stage::Down) {
            Stage::Down => return,
            Stage::Starting(run, _) if exit == Exit::Normal => (run, Exit::InitFailed("it stopped before it was ready".to_owned())),
            Stage::Stopping(run, _) if exit == Exit::Normal => (run, Exit::Shutdown),
            Stage::Starting(run, _) | Stage::Up(run) | Stage::Stopping(run, _) => (run, exit),
        };
        if let Err(exit) = self.renew() {
            log::error!(reason:% = exit, location = exit.location(); "the state of an actor could not be renewed; its next start will try again");
        }
        self.probe.give_up();
        run.gone(exit);
    }

    /// Puts a new state in the place of the used one.
    fn renew(&mut self) -> Result<(), Exit> {
        if self.fresh {
            return Ok(());
        }
        match &mut self.life {
            Some(life) => life::renew(life, &self.make)?,
            None => {
                let actor = catch(|| self.make.borrow_mut()())?;
                self.life = self.mailbox.take().map(|mailbox| Context::with_receiver(mailbox).into_future(actor));
            }
        }
        self.fresh = true;
        Ok(())
    }

    /// Polls the life; returns whether it must be polled again at once.
    fn advance(&mut self, task: &mut TaskContext<'_>) -> bool {
        let (Some(life), false) = (&mut self.life, matches!(self.stage, Stage::Down)) else { return false };
        let polled = catch(|| Pin::new(&mut *life).poll(task));
        let again = self.heed();
        match polled {
            Ok(Poll::Pending) => return again,
            Ok(Poll::Ready(())) => self.end(Exit::Normal),
            Err(exit) => self.end(exit),
        }
        false
    }

    /// Reads the actor's signals. They come first even when the same poll panicked: it was ready, then it failed.
    fn heed(&mut self) -> bool {
        // By far the most polls: nothing is awaited, and nothing is moved.
        if matches!(self.stage, Stage::Up(_)) {
            return false;
        }
        match mem::replace(&mut self.stage, Stage::Down) {
            Stage::Starting(run, signal) => match signal.take() {
                Some(Ok(())) => {
                    run.ready();
                    self.stage = Stage::Up(run);
                }
                Some(Err(error)) => {
                    self.stage = Stage::Starting(run, signal);
                    self.end(init_error(error));
                }
                None => self.stage = Stage::Starting(run, signal),
            },
            Stage::Stopping(run, signal) => {
                let done = signal.take().is_some();
                self.stage = Stage::Stopping(run, signal);
                if let (true, Some(life)) = (done, &mut self.life) {
                    life.ctx().stop();
                    return true;
                }
            }
            stage => self.stage = stage,
        }
        false
    }
}

fn init_error(error: Box<dyn std::error::Error>) -> Exit {
    match error.downcast::<Exit>() {
        Ok(exit) => *exit,
        Err(error) => Exit::InitFailed(error.to_string()),
    }
}

impl<A: Service> Future for Cell<A> {
    type Output = ();

    /// Orders come before the actor, so that one drowning in messages can still be killed between two polls.
    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        let cell = self.get_mut();
        loop {
            while let Poll::Ready(order) = cell.orders.poll_next_unpin(task) {
                if !order.is_some_and(|order| cell.obey(order)) {
                    cell.end(Exit::Killed);
                    return Poll::Ready(());
                }
            }
            if !cell.advance(task) {
                return Poll::Pending;
            }
        }
    }
}

impl<A: Service> Drop for Cell<A> {
    /// The life is dropped without another poll, which actix would otherwise do: no code of a broken actor runs again.
    fn drop(&mut self) {
        let Some(mut life) = self.life.take() else { return };
        let dropped = catch(move || {
            life.ctx().terminate();
            drop(life);
        });
        if let Err(exit) = dropped {
            log::error!(reason:% = exit, location = exit.location(); "dropping an actor panicked");
        }
    }
}
