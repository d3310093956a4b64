//! What a cell does to a `ContextFut` from outside: reset it, swap its state, and slip actor futures into it.

use std::{
    cell::Cell as Slot,
    future::Future,
    mem,
    pin::Pin,
    rc::Rc,
    task::{Context as TaskContext, Poll, Waker},
    time::Duration,
};

use super::{
    Exit, InitResult, Service,
    cell::{Life, Make, Signal},
    panics::catch,
    probe::Probe,
};
use actix::{fut, prelude::*};

/// `ContextFut::restart` takes five steps in which foreign code may panic: the drops of four lists of futures, and `restarting`.
const STEPS_OF_A_RESTART: usize = 5;

/// Drops all futures of the life and makes it run again. The mailbox and the state stay.
pub(super) fn reset<A: Service>(life: &mut Life<A>) {
    for _ in 0..STEPS_OF_A_RESTART {
        match catch(|| life.restart()) {
            Ok(_) => return,
            // The list that was being dropped is empty now: the next attempt gets further.
            Err(exit) => log::error!(reason:% = exit, location = exit.location(); "dropping an actor's future panicked"),
        }
    }
}

/// Drops the futures and the state of an ended life, and puts a new state in its place.
///
/// The state is reached by an actor future that waits for ever, so that no message is handled; the next [`reset`] drops it.
///
/// # Errors
/// When `make` panicked, or `Actor::started`, which ought not to be there, got in the way; the used state is still there then.
pub(super) fn renew<A: Service>(life: &mut Life<A>, make: &Make<A>) -> Result<(), Exit> {
    reset(life);
    let renewed = Rc::new(Slot::new(false));
    life.ctx().wait(Renew { make: make.clone(), renewed: renewed.clone() });
    let polled = catch(|| Pin::new(life).poll(&mut TaskContext::from_waker(Waker::noop())));
    match polled {
        Err(exit) if renewed.get() => {
            log::error!(reason:% = exit, location = exit.location(); "dropping an actor panicked");
            Ok(())
        }
        Err(exit) => Err(exit),
        Ok(_) if renewed.get() => Ok(()),
        Ok(_) => Err(Exit::InitFailed("it stopped in `Actor::started`; use `Service::init`".to_owned())),
    }
}

struct Renew<A> {
    make: Make<A>,
    renewed: Rc<Slot<bool>>,
}

impl<A: Service> ActorFuture<A> for Renew<A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, actor: &mut A, _: &mut Context<A>, _: &mut TaskContext<'_>) -> Poll<()> {
        let fresh = self.make.borrow_mut()();
        let used = mem::replace(actor, fresh);
        self.renewed.set(true);
        drop(used);
        Poll::Pending
    }
}

/// Lets the life begin with `init`, before any message. While it runs, and for ever if it failed, no message is handled either,
/// unless the service says so.
pub(super) fn open<A: Service>(life: &mut Life<A>, signal: &Signal<InitResult>) {
    let signal = signal.clone();
    life.ctx().wait(fut::ready(()).map(move |(), actor: &mut A, ctx: &mut Context<A>| {
        let init = actor.init(ctx).then(move |result, actor, ctx| {
            let failed = result.is_err();
            // An actor that is stopping is not ready, whatever its init says; the cell sees it stop.
            if ctx.state().alive() {
                signal.set(Some(result));
            }
            hold_if(failed).into_actor(actor)
        });
        if A::OPEN_DURING_INIT {
            ctx.spawn(init);
        } else {
            ctx.wait(init);
        }
    }));
}

async fn hold_if(failed: bool) {
    if failed {
        std::future::pending::<()>().await;
    }
}

/// Lets the life end with `terminate`; messages and spawned futures go on meanwhile.
pub(super) fn close<A: Service>(life: &mut Life<A>, within: Duration) -> Signal<()> {
    let signal = Signal::default();
    let done = signal.clone();
    let terminate = fut::ready(()).then(move |(), actor: &mut A, ctx: &mut Context<A>| actor.terminate(within, ctx));
    life.ctx().spawn(terminate.map(move |(), _, _| done.set(Some(()))));
    signal
}

/// Lets the actor tell about itself when its turn comes: spawned futures are polled once the mailbox is empty.
pub(super) fn ask<A: Service>(life: &mut Life<A>, probe: &Probe) {
    let probe = probe.clone();
    life.ctx().spawn(fut::ready(()).map(move |(), actor: &mut A, _| probe.answer(&actor.inspect())));
}
