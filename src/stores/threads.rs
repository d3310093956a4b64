//! Threads for calls that block: a pool with one bounded queue, and the bounded wait for threads to end.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc as std_mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

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

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// Threads that share one bounded queue; each owns a state of its own, made anew after a job panicked.
pub(super) struct Pool<S> {
    // Dropped first: a closed queue lets the threads end.
    queue: Queue<Job<S>>,
    _threads: Threads,
}

impl<S: 'static> Pool<S> {
    pub(super) fn start(name: &str, threads: usize, capacity: usize, make: impl Fn() -> S + Send + Sync + 'static) -> io::Result<Self> {
        let (queue, receiver) = Queue::new(capacity);
        let (receiver, make) = (Arc::new(Mutex::new(receiver)), Arc::new(make));
        let bodies = (0..threads).map(|_| {
            let (receiver, make) = (Arc::clone(&receiver), Arc::clone(&make));
            move || serve(&receiver, &*make)
        });
        Ok(Self { _threads: Threads::spawn(name, bodies)?, queue })
    }

    /// Queues `job`; its result arrives through the receiver, which is closed without one if the job panics.
    pub(super) fn run<T: Send + 'static>(&self, job: impl FnOnce(&mut S) -> T + Send + 'static) -> Result<oneshot::Receiver<T>, String> {
        let (reply, result) = oneshot::channel();
        self.queue.push(Box::new(move |state: &mut S| {
            // Nobody waits any more: the value is dropped here, on a thread that may block.
            drop(reply.send(job(state)));
        }))?;
        Ok(result)
    }

    pub(super) fn stats(&self) -> QueueStats {
        self.queue.stats()
    }
}

fn serve<S>(queue: &Mutex<mpsc::Receiver<Job<S>>>, make: &dyn Fn() -> S) {
    let mut state = make();
    loop {
        // No job runs under this lock, so a poisoned one is still in order.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(job) = job else { return };
        if catch_unwind(AssertUnwindSafe(|| job(&mut state))).is_err() {
            log::error!("a job on a store's thread panicked; its thread goes on with a fresh state");
            state = make();
        }
    }
}
