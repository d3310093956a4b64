//! Opening the database: the library's version, the pragmas, and the migrations.

use std::cmp::Ordering;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::domain::faults::{self, Mechanism};

/// Marks the file as ours ("Safe" in ASCII; `PRAGMA application_id`).
const APPLICATION_ID: i32 = 0x5361_6665;

/// The first version without the bug that can corrupt a database whose WAL is reset while a second connection writes
/// (sqlite.org/wal.html, "The WAL-Reset Bug").
const OLDEST_SQLITE: i32 = 3_051_003;

/// One script per version of the schema; `PRAGMA user_version` counts those that were run. Never edit one that was released.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
    include_str!("schema_7.sql"),
    include_str!("schema_8.sql"),
    include_str!("schema_9.sql"),
    include_str!("schema_10.sql"),
    include_str!("schema_11.sql"),
    include_str!("schema_12.sql"),
    include_str!("schema_13.sql"),
    include_str!("schema_14.sql"),
    include_str!("schema_15.sql"),
];

/// How long a connection waits for another process (a backup, an inspection by hand) to let go of the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The program was linked against a library that can corrupt the file.
    #[error("SQLite {found} can corrupt a database in WAL mode: build against 3.51.3 or later")]
    OldSqlite {
        /// The library's version.
        found: &'static str,
    },
    /// The file is another program's.
    #[error("the file is the database of another program (application id {found:#x}): move it away, or choose another data directory")]
    Foreign {
        /// The application id in the file.
        found: i32,
    },
    /// The file was written by a later version of this program.
    #[error("the database has schema {found}, this program knows up to {known}: start the newer program, or restore a backup")]
    Newer {
        /// The schema in the file.
        found: u32,
        /// The latest schema known here.
        known: usize,
    },
    /// The file was written by an earlier version of this program.
    #[error("the database has schema {found}, this program works with {known}: start the server on it once, which brings it up to date")]
    Older {
        /// The schema in the file.
        found: u32,
        /// The latest schema known here.
        known: usize,
    },
    /// The file was not copied.
    #[error("the database was not copied ({why}): try again")]
    NotCopied {
        /// What kept it from being copied.
        why: String,
    },
    /// The file system cannot do what WAL needs.
    #[error("the database cannot use a write-ahead log (journal mode {found}): put the data directory on a local file system")]
    NoWal {
        /// The journal mode that SQLite fell back to.
        found: String,
    },
    /// The database said no.
    #[error("the database cannot be opened: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The threads or the directory could not be prepared.
    #[error("the database cannot be opened: {0}")]
    Io(#[from] std::io::Error),
}

/// Opens the one connection that writes, creating and migrating the file as needed.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite { found: rusqlite::version() });
    }
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    keep_plans(&connection)?;
    // A connection that cannot be opened in full is discarded.
    log_when_closed(&connection, Log::Kept)?;
    // Before anything is written: a foreign file must stay as it is.
    check_owner(&connection)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(OpenError::NoWal { found: mode });
    }
    // FULL syncs the log at every commit; NORMAL was seen to lose every acknowledged commit to a power cut.
    let synchronous = if faults::removed(Mechanism::SynchronousFull) { "normal" } else { "full" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    migrate(&mut connection, MIGRATIONS)?;
    empty_log(&connection)?;
    log_when_closed(&connection, Log::Emptied)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// A statement keeps its plan whatever is bound to it. Else SQLite plans it anew where the number behind `LIMIT` is another one, or one of 0 and 1
/// takes the place of something else in a comparison. A cached statement forgets what was bound to it, so that is at every run, and more work than
/// the question itself.
fn keep_plans(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Writes what the log held into the file, and syncs it, before anything relies on it.
///
/// A log that was just recovered may end in a commit whose fsync failed: then it is in the page cache and perhaps nowhere
/// else, and a later commit appended to it would be lost with it in a power cut.
fn empty_log(connection: &Connection) -> Result<(), rusqlite::Error> {
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        // Another connection reads, so the log was not recovered: it holds what was synced, and no more.
        log::warn!("the database's log could not be emptied at its opening, since somebody reads it; it is later");
    }
    Ok(())
}

/// What becomes of the log when the last connection is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Log {
    /// It is written into the file, both are synced, and it is removed.
    Emptied,
    /// It stays as it is, and nothing is synced: the next opening reads it.
    Kept,
}

fn log_when_closed(connection: &Connection, log: Log) -> Result<(), rusqlite::Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, log == Log::Kept).map(drop)
}

/// Closes a connection that the disk failed under, without another sync.
pub(super) fn discard(connection: Connection) {
    let kept = log_when_closed(&connection, Log::Kept);
    if let Err(error) = kept.and_then(|()| connection.close().map_err(|(_, error)| error)) {
        log::warn!(error:%; "a connection to the database was not closed in order");
    }
}

/// Opens one of the connections that read.
pub(super) fn open_reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    keep_plans(&connection)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

pub(super) fn check_owner(connection: &Connection) -> Result<(), OpenError> {
    let found: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if found == APPLICATION_ID || (found == 0 && tables == 0) { Ok(()) } else { Err(OpenError::Foreign { found }) }
}

/// Whether the rows are those that this program reads; for whoever opens a file to read it only.
pub(super) fn check_schema(connection: &Connection) -> Result<(), OpenError> {
    let (found, known) = (connection.pragma_query_value::<u32, _>(None, "user_version", |row| row.get(0))?, MIGRATIONS.len());
    match (found as usize).cmp(&known) {
        Ordering::Less => Err(OpenError::Older { found, known }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(OpenError::Newer { found, known }),
    }
}

/// Runs the scripts that the file has not seen, each in a transaction with the count of it.
fn migrate(connection: &mut Connection, scripts: &[&str]) -> Result<(), OpenError> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let pending = scripts.get(found as usize..).ok_or(OpenError::Newer { found, known: scripts.len() })?;
    for (version, script) in (found + 1..).zip(pending) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(script)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
        log::info!(schema = version; "database migrated");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    fn user_version(connection: &Connection) -> i64 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn the_writer_is_durable_and_keeps_foreign_keys() {
        let dir = tempfile::tempdir().unwrap();
        let connection = open_writer(&dir.path().join("db")).unwrap();
        for (pragma, expected) in [("synchronous", 2), ("foreign_keys", 1), ("application_id", i64::from(APPLICATION_ID))] {
            let value: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
            assert_eq!(value, expected, "{pragma}");
        }
        assert_eq!(user_version(&connection), MIGRATIONS.len() as i64);
    }

    #[test]
    fn a_statement_is_planned_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        for connection in [open_writer(&path).unwrap(), open_reader(&path).unwrap()] {
            for question in
                ["SELECT * FROM attempts WHERE seq = ?1 ORDER BY claim_no", "SELECT 1 FROM tasks WHERE seq > 0 ORDER BY seq LIMIT ?1"]
            {
                let cached = || connection.prepare_cached(question).unwrap();
                (0..3).for_each(|_| assert!(!cached().exists([1]).unwrap()));
                assert_eq!(cached().get_status(StatementStatus::RePrepare), 0, "{question}");
            }
        }
    }

    #[test]
    fn what_the_log_held_is_in_the_file_once_it_is_open() {
        let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let connection = open_writer(&dir.path().join("db")).unwrap();
        connection.execute("CREATE TABLE more (x)", []).unwrap();
        // As a kill leaves it: the log is not empty, and nobody has it open.
        for name in ["db", "db-wal"] {
            std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
        }
        let log = copy.path().join("db-wal");
        assert!(log.metadata().unwrap().len() > 0);
        let opened = open_writer(&copy.path().join("db")).unwrap();
        assert_eq!(log.metadata().unwrap().len(), 0);
        assert_eq!(opened.query_row("SELECT count(*) FROM more", [], |row| row.get(0)), Ok(0));
    }

    #[test]
    fn discarding_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let connection = open_writer(&dir.path().join("db")).unwrap();
        connection.execute("CREATE TABLE more (x)", []).unwrap();
        let before = std::fs::read(dir.path().join("db")).unwrap();
        discard(connection);
        assert_eq!(std::fs::read(dir.path().join("db")).unwrap(), before);
        assert!(dir.path().join("db-wal").metadata().unwrap().len() > 0, "the log is kept for the next opening");
    }

    #[test]
    fn a_migration_that_fails_leaves_the_former_schema() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &["CREATE TABLE a (x)"]).unwrap();
        migrate(&mut connection, &["CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE nonsense"]).unwrap_err();
        assert_eq!(user_version(&connection), 1);
        migrate(&mut connection, &["CREATE TABLE a (x)", "CREATE TABLE b (x)"]).unwrap();
        assert_eq!(user_version(&connection), 2);
    }

    #[test]
    fn a_newer_schema_and_a_foreign_file_are_refused_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let newer = dir.path().join("newer");
        open_writer(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(open_writer(&newer), Err(OpenError::Newer { found: 99, known }) if known == MIGRATIONS.len()));
        let schema = |version: i64| {
            let connection = Connection::open(&newer).unwrap();
            connection.pragma_update(None, "user_version", version).unwrap();
            check_schema(&connection)
        };
        assert!(matches!(schema(99), Err(OpenError::Newer { found: 99, .. })));
        assert!(matches!(schema(1), Err(OpenError::Older { found: 1, .. })));
        schema(MIGRATIONS.len() as i64).unwrap();

        let foreign = dir.path().join("foreign");
        Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        let before = std::fs::read(&foreign).unwrap();
        assert!(matches!(open_writer(&foreign), Err(OpenError::Foreign { found: 0 })));
        assert_eq!(std::fs::read(&foreign).unwrap(), before);
    }
}
