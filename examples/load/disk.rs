//! The yardstick of uploads: the writes and fsyncs of a durable upload with no server around them. Every thread does, for
//! each file, what one upload needs at least: a temporary file, its fsync, its rename into one of 256 directories, the
//! fsync of that directory, and a record in a log whose fsync it shares with the others (group commit). The log is written
//! over again and again, as SQLite's is: it does not grow, so that its fsync costs no journal commit.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use tempfile::TempDir;

use crate::Outcome;

/// Directories that the files are spread over, as the server's blob store does.
const SHARDS: usize = 256;

/// What the database writes to its log for one task: three pages, each with its header.
const RECORD: usize = 3 * (4096 + 24);

/// Records until the log begins anew: the thousand pages after which SQLite makes a checkpoint.
const RECORDS: u64 = 333;

/// A directory on the disk that is measured.
pub(crate) struct Disk {
    directory: TempDir,
    files: AtomicUsize,
    log: Log,
}

impl Disk {
    pub(crate) fn new(directory: TempDir) -> Outcome<Self> {
        for shard in 0..SHARDS {
            fs::create_dir(directory.path().join(shard.to_string()))?;
        }
        let log = Log::create(&directory.path().join("log"))?;
        File::open(directory.path())?.sync_all()?;
        Ok(Self { directory, files: AtomicUsize::new(0), log })
    }

    /// Files per second that `threads` threads make durable, `count` in all.
    pub(crate) fn rate(&self, threads: usize, count: usize, bytes: &[u8]) -> Outcome<f64> {
        let (left, start) = (AtomicUsize::new(count), Instant::now());
        let one = || {
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                self.put(bytes)?;
            }
            io::Result::Ok(())
        };
        thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
            running.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })?;
        Ok(count as f64 / start.elapsed().as_secs_f64())
    }

    fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let temporary = self.directory.path().join(format!("{number}.tmp"));
        let mut file = File::create_new(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        let shard = self.directory.path().join((number % SHARDS).to_string());
        fs::rename(&temporary, shard.join(number.to_string()))?;
        File::open(&shard)?.sync_all()?;
        self.log.commit()
    }
}

/// A file whose fsyncs are shared: whoever finds no fsync under way does the next one, for all who have
/// written by then.
struct Log {
    state: Mutex<LogState>,
    synced: Condvar,
    file: File,
}

#[derive(Default)]
struct LogState {
    written: u64,
    durable: u64,
    syncing: bool,
}

impl Log {
    fn create(path: &Path) -> io::Result<Self> {
        let mut file = File::create_new(path)?;
        (0..RECORDS).try_for_each(|_| file.write_all(&[0; RECORD]))?;
        file.sync_all()?;
        Ok(Self { state: Mutex::default(), synced: Condvar::new(), file })
    }

    fn lock(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a record; returns when it is durable.
    fn commit(&self) -> io::Result<()> {
        let mut state = self.lock();
        self.file.write_all_at(&[1; RECORD], state.written % RECORDS * RECORD as u64)?;
        state.written += 1;
        let mine = state.written;
        while state.durable < mine {
            if state.syncing {
                state = self.synced.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.syncing = true;
            let upto = state.written;
            drop(state);
            let synced = self.file.sync_data();
            state = self.lock();
            state.syncing = false;
            self.synced.notify_all();
            synced?;
            state.durable = upto;
        }
        Ok(())
    }
}
