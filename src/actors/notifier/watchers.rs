//! Who is told what: clients that wait for the end of a task, and streams of events. Nothing here waits for anybody.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot};

use crate::domain::ids::TaskId;
use crate::domain::task::{Event, EventNo};
use crate::stores::events::EventFilter;

/// How many may be told, and how far a stream may fall behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchLimits {
    /// Clients that wait for the end of a task.
    pub waiters: u64,
    /// Streams.
    pub streams: u64,
    /// Events that one stream holds for a client that does not read them; a stream that needs more is cut off.
    pub buffer: usize,
}

/// Why nobody will be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotWatched {
    /// As many wait, or read streams, as may.
    #[error("as many clients wait or read events as this server serves at once; try again, or ask without waiting")]
    Full,
    /// The server is stopping.
    #[error("the server is stopping and lets nobody wait any more")]
    Stopping,
}

/// Why a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// A run of the task has ended.
    Ended,
    /// The server is stopping.
    Stopping,
    /// The notifier was restarted and has forgotten the wait.
    Forgotten,
}

/// Counts towards a bound until it is dropped.
#[derive(Debug)]
struct Seat(Arc<AtomicU64>);

impl Seat {
    fn take(taken: &Arc<AtomicU64>, bound: u64) -> Result<Self, NotWatched> {
        // Only the notifier takes seats, so that the count cannot grow between these two lines.
        if taken.load(Ordering::Relaxed) >= bound {
            return Err(NotWatched::Full);
        }
        taken.fetch_add(1, Ordering::Relaxed);
        Ok(Self(Arc::clone(taken)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Is told once, when a run of a task ends. Dropping it ends the wait.
#[derive(Debug)]
pub struct Waiter {
    woken: oneshot::Receiver<Woken>,
    _seat: Seat,
}

impl Waiter {
    /// Waits, for ever if nothing happens.
    pub async fn woken(self) -> Woken {
        self.woken.await.unwrap_or(Woken::Forgotten)
    }
}

/// Is told of every event of a filter behind a number. Dropping it ends the stream.
#[derive(Debug)]
pub struct Subscription {
    /// The last number that was told before the subscription; what is behind it will be told here.
    pub from: EventNo,
    events: mpsc::Receiver<Arc<Event>>,
    _seat: Seat,
}

impl Subscription {
    /// The next event; `None` when the server is stopping, the reader has fallen too far behind, or the notifier was restarted: whoever
    /// comes back reads on in the store.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        self.events.recv().await
    }
}

struct Subscriber {
    filter: EventFilter,
    events: mpsc::Sender<Arc<Event>>,
}

/// Everybody who is told.
#[derive(Default)]
pub(super) struct Watchers {
    waiting: HashMap<TaskId, Vec<oneshot::Sender<Woken>>>,
    of_tasks: HashMap<TaskId, Vec<Subscriber>>,
    of_all: Vec<Subscriber>,
    stopping: bool,
    counts: Counts,
}

/// What the tree shows.
#[derive(Debug, Default)]
pub(super) struct Counts {
    waiters: Arc<AtomicU64>,
    streams: Arc<AtomicU64>,
    /// Refused since the start because of a bound.
    pub(super) refused: u64,
    /// Streams that were cut off since the start because nobody read them.
    pub(super) cut_off: u64,
}

impl Counts {
    /// Clients that wait now.
    pub(super) fn waiters(&self) -> u64 {
        self.waiters.load(Ordering::Relaxed)
    }

    /// Streams that are open now.
    pub(super) fn streams(&self) -> u64 {
        self.streams.load(Ordering::Relaxed)
    }
}

impl Watchers {
    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Whether anybody waits, or reads a stream; those who are gone count until the next sweep.
    pub(super) fn is_anybody_there(&self) -> bool {
        !(self.waiting.is_empty() && self.of_tasks.is_empty() && self.of_all.is_empty())
    }

    /// Somebody waits for the end of a run of a task.
    pub(super) fn wait(&mut self, id: TaskId, limits: WatchLimits) -> Result<Waiter, NotWatched> {
        let seat = self.seat(&Arc::clone(&self.counts.waiters), limits.waiters)?;
        let (wake, woken) = oneshot::channel();
        self.waiting.entry(id).or_default().push(wake);
        Ok(Waiter { woken, _seat: seat })
    }

    /// Somebody reads what is behind `from`.
    pub(super) fn subscribe(&mut self, filter: EventFilter, from: EventNo, limits: WatchLimits) -> Result<Subscription, NotWatched> {
        let seat = self.seat(&Arc::clone(&self.counts.streams), limits.streams)?;
        let (sender, events) = mpsc::channel(limits.buffer);
        let subscriber = Subscriber { filter, events: sender };
        match filter.task {
            Some(task) => self.of_tasks.entry(task).or_default().push(subscriber),
            None => self.of_all.push(subscriber),
        }
        Ok(Subscription { from, events, _seat: seat })
    }

    fn seat(&mut self, taken: &Arc<AtomicU64>, bound: u64) -> Result<Seat, NotWatched> {
        if self.stopping {
            return Err(NotWatched::Stopping);
        }
        Seat::take(taken, bound).inspect_err(|_| self.counts.refused += 1)
    }

    /// Tells everybody whom it concerns.
    pub(super) fn tell(&mut self, event: &Arc<Event>) {
        if event.news.ends_run().is_some() {
            for wake in self.waiting.remove(&event.task).into_iter().flatten() {
                // A client that is gone does not hear it.
                let _ = wake.send(Woken::Ended);
            }
        }
        let cut_off = &mut self.counts.cut_off;
        self.of_all.retain(|subscriber| subscriber.take(event, cut_off));
        if let Some(subscribers) = self.of_tasks.get_mut(&event.task) {
            subscribers.retain(|subscriber| subscriber.take(event, cut_off));
        }
    }

    /// Forgets those who are gone.
    pub(super) fn sweep(&mut self) {
        self.waiting.retain(|_, waiting| {
            waiting.retain(|wake| !wake.is_closed());
            !waiting.is_empty()
        });
        self.of_tasks.retain(|_, subscribers| {
            subscribers.retain(|subscriber| !subscriber.events.is_closed());
            !subscribers.is_empty()
        });
        self.of_all.retain(|subscriber| !subscriber.events.is_closed());
    }

    /// Ends every wait and every stream, and lets nobody in any more.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
        for wake in std::mem::take(&mut self.waiting).into_values().flatten() {
            // A client that is gone does not hear it.
            let _ = wake.send(Woken::Stopping);
        }
        self.of_tasks.clear();
        self.of_all.clear();
    }
}

impl Subscriber {
    /// Takes an event if it is meant; `false` once the stream is over. A reader that is too slow is cut off and reads on in the store.
    fn take(&self, event: &Arc<Event>, cut_off: &mut u64) -> bool {
        if !self.filter.includes(event) {
            return true;
        }
        let taken = self.events.try_send(Arc::clone(event));
        *cut_off += u64::from(matches!(taken, Err(mpsc::error::TrySendError::Full(_))));
        taken.is_ok()
    }
}

#[cfg(test)]
mod tests;
