//! What an actor must be to live under a supervisor.

use std::{error::Error, time::Duration};

use actix::prelude::*;

/// What [`Service::init`] resolves to; any error type fits through `?`.
pub type InitResult = Result<(), Box<dyn Error>>;

/// What a service tells about itself in the supervision tree.
pub type Details = serde_json::Map<String, serde_json::Value>;

/// An actor that can be a child: its supervisor starts it, stops it, and restarts it when it fails.
///
/// Every life begins with a new value from the closure given to [`child`](super::child()), so no state survives a restart. The
/// mailbox does: only the message in hand and the spawned futures are lost. The closure is called as soon as a life has ended, so
/// it must be cheap, hold nothing and not fail; what takes time or may go wrong belongs into [`init`](Service::init).
///
/// `Supervised` is to be implemented empty. `Actor::started` is not to be implemented: it also runs on the state of a life that
/// has ended, just before that state is dropped; `init` replaces it.
///
/// Panics are caught only in code that the actor's context runs: handlers answer at once, with a `ResponseActFuture`, or by
/// spawning actor futures; a `ResponseFuture` is a free task that nobody supervises.
pub trait Service: Actor<Context = Context<Self>> + Supervised {
    /// Whether messages and spawned futures are handled while [`init`](Service::init) runs. OTP says no, and so does the default.
    const OPEN_DURING_INIT: bool = false;

    /// Begins a life. The child counts as started once this resolved to `Ok`; an error, a panic, or the init deadline make a failed start.
    fn init(&mut self, _ctx: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        Box::pin(fut::ready(Ok(())))
    }

    /// Ends a life on the supervisor's order. The service is stopped when this resolves, or killed after `within`.
    ///
    /// Messages and spawned futures are still handled meanwhile, so this is where a service takes no new work, finishes the work in
    /// hand, or gives it back. Whoever was not ready yet is dropped without this call.
    fn terminate(&mut self, _within: Duration, _ctx: &mut Context<Self>) -> ResponseActFuture<Self, ()> {
        Box::pin(fut::ready(()))
    }

    /// What the tree shows about this service: queue depths, the task in hand, a process id.
    fn inspect(&self) -> Details {
        Details::new()
    }
}
