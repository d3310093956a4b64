//! Hints between the nodes: one connection of each listens, and tells the others what its node has done.
//!
//! A notification takes a lock that all nodes share, until it is committed. So it is never part of a change: it has a transaction of its own
//! after that, which waits for no disk, and there is at most one in [`INTERVAL`], whatever happens meanwhile; where many nodes tell something,
//! each does so less often, since each of them wakes all. Nothing depends on hints: while the connection is away, the nodes hear of each
//! other when they look.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::poll_fn;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_postgres::{AsyncMessage, Client, Connection, Socket};

use crate::stores::hints::{Heard, Hint, Hints};
use crate::stores::postgres::connection::Way;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::session::column;
use crate::stores::postgres::tls::Encrypted;

/// Nothing is written here, so no commit waits for a disk.
const UNSYNCED: &str = "-c synchronous_commit=off";

/// How often a node tells something at most.
const INTERVAL: Duration = Duration::from_millis(100);

/// How far the notifications of different nodes lie apart on average: fifty a second are enough to make all of them look.
const SPACING: Duration = Duration::from_millis(20);

/// For how long a node counts that has told something.
const WINDOW: Duration = Duration::from_secs(5);

/// How long the server may take over anything that is asked of it here.
const ANSWER: Duration = Duration::from_secs(5);

/// The first pause before a new connection, and the longest; it doubles.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// The name of the channel; a database has its own.
const CHANNEL: &str = "safelight";

/// What is to be told.
#[derive(Default)]
pub(super) struct Outbox {
    pending: AtomicU8,
    wake: Notify,
}

impl Outbox {
    /// Adds to what is told next.
    pub(super) fn put(&self, hint: Hint) {
        if hint != Hint::NONE {
            self.pending.fetch_or(hint.bits(), Ordering::AcqRel);
            self.wake.notify_one();
        }
    }

    /// What is to be told, as soon as there is something, and not before `due`.
    async fn take(&self, due: Instant) -> Hint {
        sleep_until(due).await;
        loop {
            let hint = Hint::from_bits(self.pending.swap(0, Ordering::AcqRel));
            if hint != Hint::NONE {
                return hint;
            }
            self.wake.notified().await;
        }
    }
}

/// The nodes that have told something lately, by their connections.
#[derive(Default)]
struct Tellers(HashMap<i32, Instant>);

impl Tellers {
    fn note(&mut self, connection: i32, now: Instant) {
        self.0.insert(connection, now);
    }

    /// How long this node is silent after it has told something, so that all of them together do not tell too much.
    fn interval(&mut self, now: Instant) -> Duration {
        self.0.retain(|_, told| now.duration_since(*told) < WINDOW);
        let all = u32::try_from(self.0.len()).unwrap_or(u32::MAX).saturating_add(1);
        INTERVAL.max(SPACING.saturating_mul(all))
    }
}

/// The connection that listens and tells.
pub(super) struct Listener {
    way: Way,
    outbox: Arc<Outbox>,
    heard: watch::Sender<Heard>,
    tellers: Mutex<Tellers>,
}

impl Listener {
    /// One that connects when it is served, and where its hints are heard.
    pub(super) fn new(way: Way, outbox: Arc<Outbox>) -> (Self, Hints) {
        let (heard, hints) = watch::channel(Heard::default());
        (Self { way: way.with(UNSYNCED), outbox, heard, tellers: Mutex::default() }, hints)
    }

    /// Listens and tells for ever, over one connection after the other.
    pub(super) async fn serve(self) {
        let (shortest, longest) = PAUSES;
        let mut pause = shortest;
        loop {
            let begun = Instant::now();
            let fault = self.stay().await;
            if begun.elapsed() > longest {
                pause = shortest;
                log::warn!(fault:%; "the connection that hears of other servers is lost; until there is another one they are noticed later");
            } else {
                log::debug!(fault:%; "no connection that hears of other servers");
            }
            sleep(pause.mul_f64(0.5 + fastrand::f64())).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// Serves one connection until it is lost.
    async fn stay(&self) -> Fault {
        let (client, connection) = match answered(self.way.connect()).await {
            Ok(both) => both,
            Err(fault) => return fault,
        };
        // Unknown until the connection works; nothing of its own is heard before.
        let own = AtomicI32::new(0);
        let ended = tokio::select! {
            ended = self.listen(connection, &own) => ended,
            ended = self.tell(&client, &own) => ended,
        };
        let Err(fault) = ended;
        fault
    }

    /// Hears what other connections tell.
    async fn listen(&self, mut connection: Connection<Socket, Encrypted>, own: &AtomicI32) -> Result<Infallible, Fault> {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            match message? {
                AsyncMessage::Notification(told) if told.process_id() != own.load(Ordering::Relaxed) => {
                    self.tellers().note(told.process_id(), Instant::now());
                    self.hear(read(told.payload()));
                }
                _ => {}
            }
        }
        Err(Fault::Broken("it was closed".into()))
    }

    /// Begins to listen, and tells others what is in the outbox.
    async fn tell(&self, client: &Client, own: &AtomicI32) -> Result<Infallible, Fault> {
        own.store(column(&answered(client.query_one("SELECT pg_backend_pid() AS own", &[])).await?, "own")?, Ordering::Relaxed);
        answered(client.batch_execute(&format!("LISTEN {CHANNEL}"))).await?;
        // What was told while nobody listened was missed.
        self.hear(Hint::ALL);
        let mut due = Instant::now();
        loop {
            let hint = self.outbox.take(due).await;
            due = Instant::now() + self.tellers().interval(Instant::now());
            let told = answered(client.batch_execute(&format!("NOTIFY {CHANNEL}, '{}'", hint.bits()))).await;
            told.inspect_err(|_| self.outbox.put(hint))?;
        }
    }

    fn tellers(&self) -> MutexGuard<'_, Tellers> {
        self.tellers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, hint: Hint) {
        if hint != Hint::NONE {
            self.heard.send_modify(|heard| heard.count(hint));
        }
    }
}

/// What another node has told; nothing if it is of a version that says it otherwise.
fn read(payload: &str) -> Hint {
    payload.parse().map_or(Hint::NONE, Hint::from_bits)
}

async fn answered<T>(asked: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Fault> {
    let silent = || Fault::Broken("it did not answer in time".into());
    Ok(timeout(ANSWER, asked).await.map_err(|_| silent())??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whatever_happens_it_is_told_once_in_an_interval() {
        let (outbox, start) = (Outbox::default(), Instant::now());
        outbox.put(Hint::EVENTS);
        assert_eq!((outbox.take(start).await, start.elapsed()), (Hint::EVENTS, Duration::ZERO), "the first is told at once");
        for hint in [Hint::RUNNABLE, Hint::EVENTS, Hint::NONE].repeat(100) {
            outbox.put(hint);
        }
        let told = outbox.take(start + INTERVAL).await;
        assert_eq!((told, start.elapsed()), (Hint::RUNNABLE | Hint::EVENTS, INTERVAL), "the others together");
        let more = timeout(INTERVAL * 1000, outbox.take(start + INTERVAL * 2)).await;
        assert!(more.is_err(), "and nothing twice");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_something_to_tell_is_woken_by_it() {
        let (outbox, start) = (Outbox::default(), Instant::now());
        let put = async {
            sleep(INTERVAL * 5).await;
            outbox.put(Hint::WITHDRAWN);
        };
        let (hint, ()) = tokio::join!(outbox.take(start), put);
        assert_eq!((hint, start.elapsed()), (Hint::WITHDRAWN, INTERVAL * 5));
    }

    #[tokio::test(start_paused = true)]
    async fn where_many_tell_something_each_tells_less() {
        let (mut tellers, start) = (Tellers::default(), Instant::now());
        assert_eq!(tellers.interval(start), INTERVAL);
        (1..=4).for_each(|node| tellers.note(node, start));
        (1..=4).for_each(|node| tellers.note(node, start));
        assert_eq!(tellers.interval(start), INTERVAL, "five of them, fifty times a second");
        (1..=99).for_each(|node| tellers.note(node, start));
        assert_eq!(tellers.interval(start + WINDOW / 2), Duration::from_secs(2), "a hundred of them, as often");
        tellers.note(7, start + WINDOW / 2);
        assert_eq!(tellers.interval(start + WINDOW), INTERVAL, "the others are silent");
    }

    #[test]
    fn what_cannot_be_read_is_no_hint() {
        assert_eq!(
            ["5", "", "x", "300", "192"].map(read),
            [Hint::RUNNABLE | Hint::WITHDRAWN, Hint::NONE, Hint::NONE, Hint::NONE, Hint::NONE]
        );
    }
}
