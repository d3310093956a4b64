//! Waiting for the end of a task: registering with the notifier first and reading the task afterwards, so that no end is missed.

use std::time::Duration;

use actix::{Addr, Context, Handler, Message, ResponseActFuture, WrapFuture};
use tokio::time::{Instant, timeout_at};

use crate::actors::frontend::{ASK_DEADLINE, Frontend, FrontendError, GetTask, Lookup, TaskView};
use crate::actors::notifier::{NotWatched, Waiter, WatchTask, Woken};
use crate::domain::access::Caller;
use crate::domain::faults;
use crate::domain::ids::TaskId;

/// Asks to be told when a run of a task ends.
#[derive(Message)]
#[rtype(result = "Result<Waiter, FrontendError>")]
pub struct WatchEnd {
    /// The task.
    pub id: TaskId,
}

impl Handler<WatchEnd> for Frontend {
    type Result = ResponseActFuture<Self, Result<Waiter, FrontendError>>;

    fn handle(&mut self, WatchEnd { id }: WatchEnd, _: &mut Context<Self>) -> Self::Result {
        faults::point("frontend.watch_end");
        let watched = self.services.notifier.send(WatchTask { id }).timeout(ASK_DEADLINE);
        Box::pin(async move { Ok(watched.await??) }.into_actor(self))
    }
}

/// Reads a task that the caller may see and, while it has not ended, waits until it has, or `longest` is over, or the server stops.
///
/// It runs in the task of whoever waits, not in the frontend: an actor polls all of its futures whenever one of them wakes.
///
/// # Errors
/// As [`GetTask`]; [`FrontendError::NotWatched`] when as many wait as may.
pub async fn await_end(
    frontend: &Addr<Frontend>,
    lookup: &Lookup,
    caller: Caller,
    id: TaskId,
    longest: Duration,
) -> Result<TaskView, FrontendError> {
    let read = || lookup.ask(GetTask { caller, id });
    let end = Instant::now() + longest;
    let mut view = read().await?;
    while view.task.state.is_open() && Instant::now() < end {
        let waiter = match frontend.send(WatchEnd { id }).timeout(ASK_DEADLINE).await? {
            Err(FrontendError::NotWatched(NotWatched::Stopping)) => break,
            waiter => waiter?,
        };
        // What happened before anybody watched.
        view = read().await?;
        if !view.task.state.is_open() {
            break;
        }
        let woken = timeout_at(end, waiter.woken()).await;
        // Many may wake at once, more than the database lets wait: those see the task as it was.
        view = match read().await {
            Err(FrontendError::Unavailable) if woken != Ok(Woken::Ended) => view,
            read => read?,
        };
        if woken == Ok(Woken::Stopping) {
            break;
        }
    }
    Ok(view)
}
