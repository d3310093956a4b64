//! A pool of threads for calls that block, with one bounded queue that refuses instead of waiting.
//!
//! A job that comes while a thread is looking for one is taken without a call of the system: only threads that sleep are woken, each at most
//! once for a job. A question to the database takes less time than such a call.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::stores::threads::{QueueStats, Threads};

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// Threads that share one bounded queue; each owns a state of its own, made anew after a job panicked.
pub(super) struct Pool<S> {
    // Dropped first: a closed queue lets the threads end.
    jobs: Sender<S>,
    _threads: Threads,
}

impl<S: 'static> Pool<S> {
    pub(super) fn start(name: &str, threads: usize, capacity: usize, make: impl Fn() -> S + Send + Sync + 'static) -> io::Result<Self> {
        let queue = Arc::new(Queue { waiting: Mutex::default(), came: Condvar::new(), capacity });
        let make = Arc::new(make);
        let bodies = (0..threads).map(|_| {
            let (queue, make) = (Arc::clone(&queue), Arc::clone(&make));
            move || serve(&queue, &*make)
        });
        Ok(Self { _threads: Threads::spawn(name, bodies)?, jobs: Sender(queue) })
    }

    /// Queues `job`; its result arrives through the receiver, which is closed without one if the job panics.
    pub(super) fn run<T: Send + 'static>(&self, job: impl FnOnce(&mut S) -> T + Send + 'static) -> Result<oneshot::Receiver<T>, String> {
        let (reply, result) = oneshot::channel();
        self.jobs.0.push(Box::new(move |state: &mut S| {
            // Nobody waits any more: the value is dropped here, on a thread that may block.
            drop(reply.send(job(state)));
        }))?;
        Ok(result)
    }

    pub(super) fn stats(&self) -> QueueStats {
        let waiting = self.jobs.0.waiting();
        QueueStats { depth: waiting.jobs.len(), capacity: self.jobs.0.capacity, refused: waiting.refused }
    }
}

/// The only handle that queues jobs: dropping it closes the queue, and what is in it is still done.
struct Sender<S>(Arc<Queue<S>>);

impl<S> Drop for Sender<S> {
    fn drop(&mut self) {
        self.0.waiting().is_closed = true;
        self.0.came.notify_all();
    }
}

struct Queue<S> {
    waiting: Mutex<Waiting<S>>,
    came: Condvar,
    capacity: usize,
}

struct Waiting<S> {
    jobs: VecDeque<Job<S>>,
    /// Threads that sleep and were not woken yet.
    asleep: usize,
    refused: u64,
    is_closed: bool,
}

impl<S> Default for Waiting<S> {
    fn default() -> Self {
        Self { jobs: VecDeque::new(), asleep: 0, refused: 0, is_closed: false }
    }
}

impl<S> Queue<S> {
    /// No job runs under this lock, so a poisoned one is still in order.
    fn waiting(&self) -> MutexGuard<'_, Waiting<S>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job, or says why not.
    fn push(&self, job: Job<S>) -> Result<(), String> {
        let mut waiting = self.waiting();
        if waiting.jobs.len() >= self.capacity {
            waiting.refused += 1;
            return Err(format!("{} requests are waiting already", self.capacity));
        }
        waiting.jobs.push_back(job);
        let wake = waiting.asleep > 0;
        waiting.asleep -= usize::from(wake);
        drop(waiting);
        if wake {
            self.came.notify_one();
        }
        Ok(())
    }

    /// The next job; sleeps until there is one. `None` once the queue is closed and empty.
    fn pop(&self) -> Option<Job<S>> {
        let mut waiting = self.waiting();
        loop {
            if let Some(job) = waiting.jobs.pop_front() {
                return Some(job);
            }
            if waiting.is_closed {
                return None;
            }
            // A thread that wakes without being woken counts twice until the next job, which then costs one call more.
            waiting.asleep += 1;
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn serve<S>(queue: &Queue<S>, make: &dyn Fn() -> S) {
    let mut state = make();
    while let Some(job) = queue.pop() {
        if catch_unwind(AssertUnwindSafe(|| job(&mut state))).is_err() {
            log::error!("a job on a store's thread panicked; its thread goes on with a fresh state");
            state = make();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::executor::block_on;

    use super::*;

    #[test]
    fn a_job_wakes_a_thread_that_sleeps() {
        let pool = Pool::start("test", 2, 1, || ()).expect("threads");
        for number in 0..1000 {
            // The only job there is: both threads may be asleep by now.
            assert_eq!(block_on(pool.run(move |()| number).expect("the queue is empty")), Ok(number));
        }
    }

    #[test]
    fn both_threads_work_at_once() {
        let pool = Pool::start("test", 2, 2, || ()).expect("threads");
        let (first, second) = (mpsc::channel(), mpsc::channel());
        // Each ends only after the other has begun.
        let one = pool.run(move |()| first.0.send(()).is_ok() && second.1.recv().is_ok()).expect("room");
        let other = pool.run(move |()| second.0.send(()).is_ok() && first.1.recv().is_ok()).expect("room");
        assert_eq!((block_on(one), block_on(other)), (Ok(true), Ok(true)));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_counted() {
        let pool = Pool::start("test", 1, 1, || ()).expect("a thread");
        let ((begun_in, begun), (go_on, may_go_on)) = (mpsc::channel(), mpsc::channel());
        let first = pool.run(move |()| (begun_in.send(()), may_go_on.recv())).expect("room");
        begun.recv().expect("the first is in hand");
        let second = pool.run(|()| ()).expect("room for one");
        assert!(pool.run(|()| ()).is_err_and(|refusal| refusal.contains("1 requests")));
        assert_eq!(pool.stats(), QueueStats { depth: 1, capacity: 1, refused: 1 });
        go_on.send(()).expect("the first waits");
        assert!(block_on(first).is_ok() && block_on(second).is_ok());
    }

    #[test]
    fn a_panic_costs_its_job_and_the_state() {
        let made = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let count = Arc::clone(&made);
        let make = move || count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let pool = Pool::start("test", 1, 2, make).expect("a thread");
        assert!(block_on(pool.run(|_| panic!("planted")).expect("room")).is_err());
        assert_eq!(block_on(pool.run(|state| *state).expect("room")), Ok(1));
    }

    #[test]
    fn what_is_queued_is_done_before_the_end() {
        let pool = Pool::start("test", 1, 100, || ()).expect("a thread");
        let replies: Vec<_> = (0..100).map(|number| pool.run(move |()| number).expect("room")).collect();
        drop(pool);
        assert!(replies.into_iter().enumerate().all(|(number, reply)| block_on(reply) == Ok(number)));
    }
}
