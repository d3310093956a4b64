//! Tasks, their events, key-values, assets, API keys and webhooks in one SQLite file: one thread writes with group commit, a few others read.
//!
//! | file | what lives there |
//! |---|---|
//! | `connection` | opening, pragmas, migrations |
//! | `writer` | the writing thread and its commits |
//! | `tasks`, `events`, `key_values`, `assets`, `keys`, `webhooks` | the six traits, and what runs on the writing thread |
//! | `nodes` | the one server |
//! | `deliveries` | deliveries to webhooks, written with the tasks' changes, and what attempts make of them |
//! | `idempotency` | the keys of uploads, written with their tasks |
//! | `turns` | the order in which tasks are handed out |
//! | `queries` | what runs on the reading threads |
//! | `rows`, `columns` | rows from and to domain values |
//! | `snapshot` | a copy of the whole, and what its rows refer to |
//! | `views` | tasks that were asked about of late |
//! | `fault` | errors sorted by what they mean for the caller |

mod assets;
mod columns;
mod connection;
mod deliveries;
mod events;
mod fault;
mod idempotency;
mod key_values;
mod keys;
mod nodes;
mod queries;
mod rows;
mod snapshot;
mod tasks;
mod turns;
mod views;
mod webhooks;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use rusqlite::Connection;
use uuid::Uuid;

pub use connection::OpenError;
pub use snapshot::{Owner, Reference, References, RowRead, copy_database};

use crate::domain::faults;
use crate::domain::task::RetryPolicy;
use crate::domain::timestamp::Timestamp;
use crate::stores::hints::Hints;
use crate::stores::pool::Pool;
use crate::stores::sqlite::fault::Fault;
use crate::stores::sqlite::nodes::Nodes;
use crate::stores::sqlite::rows::Now;
use crate::stores::sqlite::views::Views;
use crate::stores::sqlite::writer::Writer;
use crate::stores::tasks::TaskStoreError;
use crate::stores::threads::QueueStats;
use crate::stores::webhooks::{Letter, plain_letter};
use crate::stores::{Clock, Database, monotonic_clock};

/// The database's name inside the data directory; `-wal` and `-shm` files stand beside it while it is open.
pub const FILE_NAME: &str = "safelight.sqlite3";

/// How a database is opened.
#[derive(Clone)]
pub struct SqliteOptions {
    /// The clock of leases and backoffs; those of a former opening are void.
    pub clock: Clock,
    /// How often a task is tried.
    pub policy: RetryPolicy,
    /// What endpoints of webhooks are sent.
    pub letter: Letter,
    /// How many writes may wait; further ones are refused.
    pub write_queue: usize,
    /// How many reads may wait; further ones are refused.
    pub read_queue: usize,
    /// How many threads read.
    pub readers: usize,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            clock: monotonic_clock(),
            policy: RetryPolicy::default(),
            letter: plain_letter,
            write_queue: 4096,
            read_queue: 1024,
            readers: 2,
        }
    }
}

/// How busy the database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteStats {
    /// The queue of the writing thread.
    pub writes: QueueStats,
    /// The queue of the reading threads.
    pub reads: QueueStats,
    /// Transactions committed since the opening; writes share them.
    pub commits: u64,
}

/// The store of tasks, key-values, assets and API keys. Dropping it answers what is queued and ends its threads, within a deadline.
pub struct SqliteDb {
    clock: SteadyClock,
    policy: RetryPolicy,
    letter: Letter,
    views: Arc<Views>,
    nodes: Nodes,
    // Closed before the writer, which then is the last connection and can empty the log into the file.
    readers: Pool<Reader>,
    writer: Writer,
}

impl SqliteDb {
    /// Opens or creates the database in `dir`. Blocks; not for an arbiter.
    ///
    /// # Errors
    /// If the library is too old, the file is foreign, newer or unreadable, or the file system cannot hold it.
    pub fn open(dir: &Path, options: SqliteOptions) -> Result<Self, OpenError> {
        let path = dir.join(FILE_NAME);
        let connection = connection::open_writer(&path)?;
        forget_timers(&connection)?;
        // The name of a fresh file must outlive a power cut before anything in it is acknowledged.
        File::open(dir)?.sync_all()?;
        let (reader_path, views) = (path.clone(), Arc::new(Views::default()));
        Ok(Self {
            clock: SteadyClock::new(options.clock),
            policy: options.policy,
            letter: options.letter,
            nodes: Nodes::default(),
            readers: Pool::start("sqlite-reader", options.readers, options.read_queue, move || Reader::new(reader_path.clone()))?,
            writer: Writer::start(path, connection, Arc::clone(&views), options.write_queue)?,
            views,
        })
    }

    /// How busy the database is.
    #[must_use]
    pub fn stats(&self) -> SqliteStats {
        SqliteStats { writes: self.writer.stats(), reads: self.readers.stats(), commits: self.writer.commits() }
    }

    /// Queues `work` for the writing thread at once; the future only waits for the answer.
    fn write<T, E>(&self, work: impl FnOnce(&Connection, Now) -> Result<T, Fault> + Send + 'static) -> BoxFuture<'static, Result<T, E>>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
    {
        let clock = self.clock.clone();
        let queued = self.writer.run(move |connection| work(connection, clock.now()));
        async move {
            let lost = || Fault::UnknownOutcome("the writing thread failed with the request in hand".into());
            Ok(queued?.await.unwrap_or_else(|_| Err(lost()))?)
        }
        .boxed()
    }

    /// Queues `work` for a reading thread at once.
    fn read<T, E>(&self, work: impl FnOnce(&Connection, Now) -> Result<T, Fault> + Send + 'static) -> BoxFuture<'static, Result<T, E>>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
    {
        let clock = self.clock.clone();
        let queued = self.readers.run(move |reader| reader.run(|connection| work(connection, clock.now())));
        async move {
            let lost = || Fault::Unavailable("a reading thread failed with the request in hand".into());
            Ok(queued.map_err(Fault::Unavailable)?.await.unwrap_or_else(|_| Err(lost()))?)
        }
        .boxed()
    }
}

impl Database for SqliteDb {
    fn identity(&self) -> BoxFuture<'static, Result<Uuid, TaskStoreError>> {
        self.read(|connection, _| Ok(Uuid::from_bytes(connection.query_row("SELECT id FROM identity", [], |row| row.get(0))?)))
    }

    /// The data directory is one server's.
    fn hints(&self) -> Option<Hints> {
        None
    }
}

/// The engine's clock, and what it and the wall clock said at the opening.
#[derive(Clone)]
struct SteadyClock {
    clock: Clock,
    opened: (Duration, Timestamp),
}

impl SteadyClock {
    fn new(clock: Clock) -> Self {
        let opened = (clock(), Timestamp::now());
        Self { clock, opened }
    }

    fn now(&self) -> Now {
        let engine = (self.clock)();
        let (started, wall) = self.opened;
        Now { engine, wall: Timestamp::now(), steady: wall.after(engine.saturating_sub(started)) }
    }
}

/// Leases and backoffs of a former opening ran on a clock that is gone: the leases have ended, the backoffs are over.
fn forget_timers(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute("UPDATE tasks SET lease_until = 0 WHERE lease_until IS NOT NULL", [])?;
    connection.execute("UPDATE tasks SET not_before = NULL WHERE not_before IS NOT NULL", [])?;
    Ok(())
}

/// A connection that reads; replaced after a failure that it may not have survived.
struct Reader {
    path: PathBuf,
    connection: Option<Connection>,
}

impl Reader {
    fn new(path: PathBuf) -> Self {
        Self { path, connection: None }
    }

    fn run<T>(&mut self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(connection::open_reader(&self.path)?),
        };
        faults::point("tasks.read");
        let result = work(connection);
        if matches!(result, Err(Fault::Broken(_))) {
            self.connection = None;
        }
        result
    }
}
