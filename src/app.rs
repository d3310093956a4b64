//! Builds everything in order and stops it in reverse; the only place that starts actors.
//!
//! Start: data directory (locked), stores, supervision tree, HTTP. Stop: admission, running jobs, HTTP, tree.

mod admin_socket;
mod backup;
mod database;
mod keys;
mod serve;
mod tree;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use actix::System;

pub use backup::{BackupCommand, BackupError, BackupReport, run_backup_command};
pub use keys::{KeysCommand, KeysCommandError, run_keys_command};
pub use tree::CHILD_COMMAND;

pub use crate::http::KeyBody;

use crate::actors::supervision::{Exit, RootError};
use crate::config::Config;
use crate::stores::blobs::BlobStoreError;
use crate::stores::data_dir::{DataDir, DataDirError};
use crate::stores::local_fs::{LocalBlobs, LocalBlobsOptions};
use crate::stores::{Database, monotonic_clock, postgres, sqlite};

/// Why the server did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The data directory cannot be used.
    #[error("{0}")]
    DataDir(#[from] DataDirError),
    /// The database in the data directory cannot be opened.
    #[error("{0}")]
    Sqlite(#[from] sqlite::OpenError),
    /// The database elsewhere cannot be opened.
    #[error("{0}")]
    Postgres(#[from] postgres::OpenError),
    /// The blobs cannot be opened.
    #[error("the blobs cannot be opened: {0}")]
    Blobs(#[from] BlobStoreError),
    /// The processes that work on images cannot be started.
    #[error("the thread that starts child processes cannot be started: {0}")]
    Spawner(io::Error),
    /// The supervision tree did not come up.
    #[error("the services did not start: {0}")]
    Tree(#[from] RootError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}; choose another address with --listen")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// Anybody could use the server from elsewhere.
    #[error(
        "there is no API key, so anybody who reaches {address} could use the server: make a key (safelight keys create --name NAME), \
         listen on 127.0.0.1, or say --insecure"
    )]
    Open {
        /// The address.
        address: std::net::SocketAddr,
    },
    /// A failure that no restart could mend.
    #[error("the services failed for good: {0}")]
    Failed(Exit),
}

/// The stores, open and locked.
struct Stores {
    /// Held for its lock.
    _data_dir: DataDir,
    database: Arc<dyn Database>,
    blobs: Arc<LocalBlobs>,
}

impl Stores {
    /// Locks the data directory and opens what lies in it, or elsewhere; leftovers of a crash are swept on the way.
    fn open(config: &Config) -> Result<Self, AppError> {
        let data_dir = DataDir::lock(&config.data.dir)?;
        let clock = monotonic_clock();
        let database = database::open(config, &data_dir, Arc::clone(&clock))?;
        let defaults = LocalBlobsOptions::default();
        // Ages must grow beyond the grace, or no orphan would ever be old enough.
        let max_age = defaults.max_age.max(config.janitor.grace);
        let blobs = LocalBlobs::open(data_dir.path(), LocalBlobsOptions { clock, max_age, ..defaults })?;
        Ok(Self { _data_dir: data_dir, database, blobs: Arc::new(blobs) })
    }
}

/// Serves until the process is told to stop.
///
/// The exit code is 0 after a clean stop and 1 if the server could not start or failed for good.
#[must_use]
pub fn run(config: &Config) -> ExitCode {
    let served = Stores::open(config).and_then(|stores| System::new().block_on(serve::serve(config, &stores)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{error}");
            eprintln!("safelight: {error}");
            ExitCode::FAILURE
        }
    }
}
