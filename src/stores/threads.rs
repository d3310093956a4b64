//! Threads for calls that block: a bounded queue for one thread, and the bounded wait for threads to end. [`pool`](super::pool) has several.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc as std_mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;

/// How long dropping a store waits for its threads: a healthy disk ends what is queued well within it, and a dead one
/// must not keep the server from exiting.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// How busy a queue is, for the supervision tree and for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// Requests that wait.
    pub depth: usize,
    /// Requests that may wait.
    pub capacity: usize,
    /// Requests refused since the start because the queue was full.
    pub refused: u64,
}

/// The sending end of a bounded queue that refuses instead of waiting, and counts.
pub(super) struct Queue<T> {
    sender: mpsc::Sender<T>,
    refused: AtomicU64,
}

impl<T> Queue<T> {
    pub(super) fn new(capacity: usize) -> (Self, mpsc::Receiver<T>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self { sender, refused: AtomicU64::new(0) }, receiver)
    }

    /// Queues `item`, or says why not.
    pub(super) fn push(&self, item: T) -> Result<(), String> {
        self.sender.try_send(item).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                format!("{} requests are waiting already", self.sender.max_capacity())
            }
            mpsc::error::TrySendError::Closed(_) => "its threads have ended".into(),
        })
    }

    pub(super) fn stats(&self) -> QueueStats {
        let capacity = self.sender.max_capacity();
        QueueStats { depth: capacity - self.sender.capacity(), capacity, refused: self.refused.load(Ordering::Relaxed) }
    }
}

/// Threads that end once their queue is closed. Dropping it waits for them, but not for ever.
pub(super) struct Threads {
    name: String,
    /// Every thread holds the other end and never sends: a closed channel means that all have ended.
    running: Mutex<std_mpsc::Receiver<()>>,
}

impl Threads {
    pub(super) fn spawn(name: &str, bodies: impl IntoIterator<Item = impl FnOnce() + Send + 'static>) -> io::Result<Self> {
        let (alive, running) = std_mpsc::channel();
        for body in bodies {
            let alive = alive.clone();
            thread::Builder::new().name(name.into()).spawn(move || {
                body();
                drop(alive);
            })?;
        }
        Ok(Self { name: name.into(), running: Mutex::new(running) })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        if running.recv_timeout(CLOSE_DEADLINE) == Err(std_mpsc::RecvTimeoutError::Timeout) {
            log::error!(threads = self.name, waited:? = CLOSE_DEADLINE; "threads did not end in time and are left behind");
        }
    }
}
