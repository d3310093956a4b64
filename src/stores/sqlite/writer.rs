//! The one thread that writes, with group commit.
//!
//! It takes one request, drains what else is queued, runs each in a savepoint of one transaction, commits, and only then
//! answers. A commit that fails in a way that leaves its outcome open is never repeated: the connection is discarded,
//! because after a failed fsync the kernel may have dropped the pages that a second one would seem to save.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::domain::faults;
use crate::stores::sqlite::connection::{self, OpenError};
use crate::stores::sqlite::fault::Fault;
use crate::stores::sqlite::views::Views;
use crate::stores::threads::{Queue, QueueStats, Threads};

/// Requests that share one commit at most: past this the cost of the fsync no longer shows, and latency grows.
const BATCH: usize = 256;

/// The handle of the writing thread; dropping it ends the thread once the queue is empty.
pub(super) struct Writer {
    // Dropped first: a closed queue lets the thread end.
    queue: Queue<Box<dyn Request>>,
    _thread: Threads,
    commits: Arc<AtomicU64>,
}

impl Writer {
    pub(super) fn start(path: PathBuf, connection: Connection, views: Arc<Views>, capacity: usize) -> io::Result<Self> {
        let (queue, requests) = Queue::new(capacity);
        let commits = Arc::new(AtomicU64::new(0));
        let connection = told(connection, &views).map_err(io::Error::other)?;
        let mut database = Database { path, connection: Some(connection), views, commits: Arc::clone(&commits) };
        let body = move || database.serve(requests);
        Ok(Self { _thread: Threads::spawn("sqlite-writer", [body])?, queue, commits })
    }

    /// Queues `work`; the reply arrives after the commit. A receiver closed without a reply means that the thread
    /// panicked with the request in hand.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, Fault>>, Fault> {
        let (reply, result) = oneshot::channel();
        self.queue.push(Box::new(Write { work: Some(work), done: None, reply })).map_err(Fault::Unavailable)?;
        Ok(result)
    }

    pub(super) fn stats(&self) -> QueueStats {
        self.queue.stats()
    }

    /// Transactions committed since the start.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

/// A request on its way through the batch.
trait Request: Send {
    /// Does the work inside the request's savepoint and keeps its result back. An error undoes the savepoint.
    fn run(&mut self, savepoint: &Connection) -> Result<(), Fault>;
    /// Answers, now that the fate of the whole batch is known.
    fn answer(self: Box<Self>, fate: &Result<(), Fault>);
}

struct Write<T, W> {
    work: Option<W>,
    done: Option<Result<T, Fault>>,
    reply: oneshot::Sender<Result<T, Fault>>,
}

impl<T: Send, W: FnOnce(&Connection) -> Result<T, Fault> + Send> Request for Write<T, W> {
    fn run(&mut self, savepoint: &Connection) -> Result<(), Fault> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let result = work(savepoint);
        let verdict = result.as_ref().map(drop).map_err(Clone::clone);
        self.done = Some(result);
        verdict
    }

    fn answer(self: Box<Self>, fate: &Result<(), Fault>) {
        // A refusal, too, is only true if what it was based on was committed.
        let reply = match fate {
            Ok(()) => self.done.unwrap_or_else(|| Err(Fault::Unavailable("the request was not run".into()))),
            Err(fault) => Err(fault.clone()),
        };
        // The caller may have stopped waiting; the change stands.
        drop(self.reply.send(reply));
    }
}

struct Database {
    path: PathBuf,
    connection: Option<Connection>,
    views: Arc<Views>,
    commits: Arc<AtomicU64>,
}

impl Database {
    fn serve(&mut self, mut requests: mpsc::Receiver<Box<dyn Request>>) {
        while let Some(first) = requests.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Ok(next) = requests.try_recv()
            {
                batch.push(next);
            }
            // A panic drops the batch unanswered, which its callers read as an unknown outcome.
            let panicked = catch_unwind(AssertUnwindSafe(|| self.write(batch))).is_err();
            if panicked {
                log::error!("a write to the database panicked; its connection is replaced");
                self.discard();
            }
        }
    }

    fn write(&mut self, mut batch: Vec<Box<dyn Request>>) {
        let views = Arc::clone(&self.views);
        let writing = views.writing();
        let fate = self.commit(&mut batch);
        match &fate {
            Ok(()) => drop(self.commits.fetch_add(1, Ordering::Relaxed)),
            Err(fault) => log::error!(requests = batch.len(), fault:%; "a batch of writes failed"),
        }
        if matches!(fate, Err(Fault::Broken(_) | Fault::UnknownOutcome(_))) {
            self.discard();
        }
        // Whoever is answered may ask at once.
        drop(writing);
        for request in batch {
            request.answer(&fate);
        }
    }

    /// The next batch opens a new connection.
    fn discard(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection::discard(connection);
        }
        self.views.forget_all();
    }

    fn commit(&mut self, batch: &mut [Box<dyn Request>]) -> Result<(), Fault> {
        if faults::soft("tasks.full") {
            return Err(Fault::Full);
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(told(connection::open_writer(&self.path).map_err(not_opened)?, &self.views)?),
        };
        let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for request in batch {
            run_in_savepoint(&mut transaction, request.as_mut())?;
        }
        commit(transaction)
    }
}

/// The connection, which tells of every row of a task that it changes.
fn told(mut connection: Connection, views: &Arc<Views>) -> Result<Connection, rusqlite::Error> {
    let views = Arc::clone(views);
    connection.update_hook(Some(move |_, _: &str, table: &str, row: i64| {
        if table == "tasks" {
            views.forget(row.unsigned_abs());
        }
    }))?;
    Ok(connection)
}

/// Nothing of the batch was run.
fn not_opened(error: OpenError) -> Fault {
    match error {
        OpenError::Sqlite(error) => Fault::from(error),
        other => Fault::Broken(other.to_string()),
    }
}

/// An error here is one of the whole batch, and nothing of the batch was committed.
fn run_in_savepoint(transaction: &mut Transaction<'_>, request: &mut dyn Request) -> Result<(), Fault> {
    let mut savepoint = transaction.savepoint()?;
    match request.run(&savepoint) {
        Ok(()) => savepoint.commit()?,
        Err(fault @ Fault::Broken(_)) => return Err(fault),
        // SQLite itself may undo the whole transaction, as it does when the disk is full.
        Err(fault) if savepoint.is_autocommit() => return Err(fault),
        Err(_) => {
            savepoint.rollback()?;
            savepoint.commit()?;
        }
    }
    Ok(())
}

fn commit(transaction: Transaction<'_>) -> Result<(), Fault> {
    faults::point("tasks.before_commit");
    if faults::soft("tasks.commit_fails") {
        return Err(Fault::UnknownOutcome("a planted failure before the commit".into()));
    }
    transaction.commit().map_err(|error| match error.sqlite_error_code() {
        // These two are found out before the commit record is written: the batch is rolled back for certain.
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy) => Fault::from(error),
        _ => Fault::UnknownOutcome(error.to_string()),
    })?;
    if faults::soft("tasks.after_commit") {
        return Err(Fault::UnknownOutcome("a planted failure after the commit".into()));
    }
    Ok(())
}
