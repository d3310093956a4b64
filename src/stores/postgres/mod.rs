//! Tasks, their events, key-values, assets, API keys and webhooks in a PostgreSQL database that several servers may share.
//!
//! | file | what lives there |
//! |---|---|
//! | `connection`, `session`, `tls` | the way to the database, the pool and its deadlines, and one connection of it |
//! | `schema` | the migrations, `schema_N.sql` |
//! | `writer` | the queue of what changes something, its transactions and their outcomes |
//! | `changes`, `insertion`, `writes` | changes of tasks: loaded at once, decided by the state machine, written at once |
//! | `claims`, `low_water` | the hand-out of tasks, and from where on it reads the queue |
//! | `tasks`, `events`, `key_values`, `assets`, `keys`, `webhooks` | the traits |
//! | `nodes`, `duty` | the servers themselves, and which of them is the janitor |
//! | `uses` | how often keys were used, as nodes tell each other |
//! | `history`, `deliveries`, `idempotency`, `turns`, `tallies` | what is written with the tasks' changes |
//! | `order` | why numbers become visible in their order |
//! | `hints` | what nodes tell each other, so that none has to wait for its next look |
//! | `queries`, `rows` | questions, and rows as domain values |
//! | `fault` | errors sorted by what they mean for the caller |
//!
//! Each server is a *node*. It writes in one transaction at a time, on one thread that also runs the connections; nodes meet in the rows of
//! tasks only, and there they pass by each other (`SKIP LOCKED`). Time is the database's.

mod assets;
mod changes;
mod claims;
mod connection;
mod deliveries;
mod duty;
mod events;
mod fault;
mod hints;
mod history;
mod idempotency;
mod insertion;
mod key_values;
mod keys;
mod low_water;
mod nodes;
mod order;
mod queries;
mod rows;
mod schema;
mod session;
mod tallies;
mod tasks;
mod tls;
mod turns;
mod uses;
mod webhooks;
mod writer;
mod writes;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use uuid::Uuid;

pub use connection::OpenError;

use crate::domain::faults;
use crate::domain::task::{Change, RetryPolicy, Task};
use crate::stores::Database;
use crate::stores::hints::Hints;
use crate::stores::postgres::connection::{Connections, Way};
use crate::stores::postgres::duty::JanitorLock;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::hints::{Listener, Outbox};
use crate::stores::postgres::low_water::LowWater;
use crate::stores::postgres::session::{Session, column};
use crate::stores::postgres::writer::{Request, Writer};
use crate::stores::tasks::TaskStoreError;
use crate::stores::threads::{Queue, QueueStats, Threads};
use crate::stores::webhooks::{Letter, plain_letter};

/// How a database is opened.
#[derive(Clone)]
pub struct PostgresOptions {
    /// The name of this server among those that share the database. No two that run may have the same: whoever opens the database under a
    /// name ends the leases of whoever had it before.
    pub node: String,
    /// Where the blobs are that the rows refer to, in words. A server with others is refused: it would take tasks whose images it does not
    /// have, and take the blobs of others for nobody's.
    pub blobs: String,
    /// A file of the authorities that vouch for the server, where the URL asks for TLS; `None` trusts those that browsers trust.
    pub roots: Option<PathBuf>,
    /// How often a task is tried.
    pub policy: RetryPolicy,
    /// What endpoints of webhooks are sent.
    pub letter: Letter,
    /// How many connections may read; one more writes, so that no crowd of readers keeps it waiting.
    pub readers: usize,
    /// How many writes may wait; further ones are refused.
    pub write_queue: usize,
    /// How many reads may wait or be under way; further ones are refused.
    pub read_queue: usize,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        let policy = RetryPolicy::default();
        Self {
            node: "node".to_owned(),
            blobs: String::new(),
            roots: None,
            policy,
            letter: plain_letter,
            readers: 6,
            write_queue: 4096,
            read_queue: 1024,
        }
    }
}

/// How busy the engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresStats {
    /// What waits for its transaction.
    pub writes: QueueStats,
    /// Reads that wait for a connection or an answer.
    pub reads: QueueStats,
    /// Transactions committed since the opening; changes share them.
    pub commits: u64,
}

/// What decides about a change beside the change itself.
struct Rules {
    node: String,
    policy: RetryPolicy,
    letter: Letter,
}

/// The store of tasks, key-values, assets, API keys and webhooks. Dropping it answers what is queued and ends its thread, within a deadline.
pub struct PostgresDb {
    // Dropped first: a closed queue lets the thread end.
    queue: Queue<Request>,
    _thread: Threads,
    engine: Handle,
    reading: Connections,
    duty: Arc<JanitorLock>,
    rules: Arc<Rules>,
    low_water: Arc<LowWater>,
    hints: Hints,
    commits: Arc<AtomicU64>,
    reads: Reads,
}

impl PostgresDb {
    /// Opens the database that `url` names and brings its schema to the latest version. Blocks; not for an arbiter.
    ///
    /// # Errors
    /// If the URL or the certificates cannot be read, the database does not answer, is too old, or has a newer schema.
    pub fn open(url: &str, options: PostgresOptions) -> Result<Self, OpenError> {
        let PostgresOptions { node, blobs, roots, policy, letter, readers, write_queue, read_queue } = options;
        let way = Way::new(url, roots.as_deref())?;
        let (writing, reading) = (Connections::new(&way, 1)?, Connections::new(&way, readers)?);
        let rules = Arc::new(Rules { node, policy, letter });
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        runtime.block_on(prepare(&writing, &rules, &blobs))?;
        let (queue, requests) = Queue::new(write_queue);
        let (commits, outbox) = (Arc::new(AtomicU64::new(0)), Arc::new(Outbox::default()));
        let (listener, hints) = Listener::new(way.clone(), Arc::clone(&outbox));
        let writer = Writer { connections: writing, rules: Arc::clone(&rules), commits: Arc::clone(&commits), outbox };
        let engine = runtime.handle().clone();
        engine.spawn(listener.serve());
        let duty = Arc::new(JanitorLock::new(way, &rules.node, engine.clone()));
        let body = move || runtime.block_on(writer.serve(requests));
        let thread = Threads::spawn("postgres", [body])?;
        let (low_water, reads) = (Arc::new(LowWater::new()), Reads::new(read_queue));
        Ok(Self { queue, _thread: thread, engine, reading, duty, rules, low_water, hints, commits, reads })
    }

    /// How busy the engine is.
    #[must_use]
    pub fn stats(&self) -> PostgresStats {
        let commits = self.commits.load(Ordering::Relaxed);
        PostgresStats { writes: self.queue.stats(), reads: self.reads.stats(), commits }
    }

    /// Queues a change at once; the future only waits for the answer.
    fn change(&self, change: Change) -> BoxFuture<'static, Result<Task, TaskStoreError>> {
        let (request, answer) = Request::change(change);
        let queued = self.queue.push(request).map_err(Fault::Unavailable);
        async move { answered(queued, answer).await? }.boxed()
    }

    /// Queues `work` at once, for a transaction of its own. It is run anew when another server's transaction came in its way.
    fn write<T, E>(
        &self,
        work: impl for<'a> Fn(&'a Session, &'a Rules) -> BoxFuture<'a, Result<T, Fault>> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, E>>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
    {
        let (request, answer) = Request::other(work);
        let queued = self.queue.push(request).map_err(Fault::Unavailable);
        async move { Ok(answered(queued, answer).await?) }.boxed()
    }

    /// Starts `work` at once, on a connection of its own.
    fn read<T, E>(
        &self,
        work: impl for<'a> FnOnce(&'a Session, &'a Rules) -> BoxFuture<'a, Result<T, Fault>> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, E>>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
    {
        let permit = match self.reads.permit() {
            Ok(permit) => permit,
            Err(fault) => return async move { Err(fault.into()) }.boxed(),
        };
        let (reply, answer) = oneshot::channel();
        let (connections, rules) = (self.reading.clone(), Arc::clone(&self.rules));
        self.engine.spawn(async move {
            // Nobody may wait any more; the connection is in order all the same.
            drop(reply.send(read(&connections, &rules, work).await));
            drop(permit);
        });
        let lost = || Fault::Unavailable("the database was closed with the request in hand".into());
        async move { Ok(answer.await.unwrap_or_else(|_| Err(lost()))?) }.boxed()
    }
}

impl Database for PostgresDb {
    fn identity(&self) -> BoxFuture<'static, Result<Uuid, TaskStoreError>> {
        self.read(|session, _| async { column(&session.query_one("SELECT id FROM identity", &[]).await?, "id") }.boxed())
    }

    fn hints(&self) -> Option<Hints> {
        Some(self.hints.clone())
    }
}

async fn answered<T>(queued: Result<(), Fault>, answer: oneshot::Receiver<Result<T, Fault>>) -> Result<T, Fault> {
    queued?;
    answer.await.unwrap_or_else(|_| Err(Fault::UnknownOutcome("the writer failed with the request in hand".into())))
}

/// How long a read may take once it has a connection.
const READ: Duration = Duration::from_secs(6);

async fn read<T>(
    connections: &Connections,
    rules: &Rules,
    work: impl for<'a> FnOnce(&'a Session, &'a Rules) -> BoxFuture<'a, Result<T, Fault>>,
) -> Result<T, Fault> {
    let session = connections.get().await?;
    // One that waits here holds up the engine's only thread: nothing is read or written any more, and whoever asked has a deadline.
    faults::point("tasks.read");
    let done = timeout(READ, work(&session, rules)).await.unwrap_or_else(|_| Err(Fault::Broken("it did not answer in time".into())));
    if !matches!(done, Ok(_) | Err(Fault::Corrupt(_))) {
        // It may be in the middle of something.
        session.discard();
    }
    done
}

async fn prepare(connections: &Connections, rules: &Rules, blobs: &str) -> Result<(), OpenError> {
    let session = connections.first().await?;
    schema::migrate(&session, schema::MIGRATIONS).await?;
    // Of servers that come first at the same moment, the second waits for the first one's row.
    session.execute("UPDATE identity SET blobs = $1 WHERE blobs IS NULL", &[&blobs]).await?;
    let found: String = column(&session.query_one("SELECT blobs FROM identity", &[]).await?, "blobs")?;
    if found != blobs {
        return Err(OpenError::OtherBlobs { found, ours: blobs.to_owned() });
    }
    Ok(tasks::forget_timers(&session, rules).await?)
}

/// The bound on reads.
struct Reads {
    permits: Arc<Semaphore>,
    capacity: usize,
    refused: AtomicU64,
}

impl Reads {
    fn new(capacity: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(capacity)), capacity, refused: AtomicU64::new(0) }
    }

    fn permit(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Fault> {
        Arc::clone(&self.permits).try_acquire_owned().map_err(|_| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            Fault::Unavailable(format!("{} reads are waiting already", self.capacity))
        })
    }

    fn stats(&self) -> QueueStats {
        let depth = self.capacity - self.permits.available_permits();
        QueueStats { depth, capacity: self.capacity, refused: self.refused.load(Ordering::Relaxed) }
    }
}
