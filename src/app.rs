//! Builds everything in order and stops it in reverse; the only place that starts actors.
//!
//! Start: data directory (locked), stores, supervision tree, HTTP. Stop: admission, running jobs, HTTP, tree.

mod admin_socket;
mod backup;
mod blobs;
mod database;
mod keys;
mod patience;
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
use crate::app::patience::Patience;
use crate::config::Config;
use crate::stores::blobs::{BlobStore, BlobStoreError};
use crate::stores::data_dir::{DataDir, DataDirError};
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
    /// The store of blobs of another machine cannot be used.
    #[cfg(feature = "s3")]
    #[error("{0}")]
    S3(#[from] crate::stores::s3::OpenError),
    /// The name of the database, to which the blobs of another machine belong, cannot be read.
    #[cfg(feature = "s3")]
    #[error("the name of the database cannot be read: {0}")]
    Identity(crate::stores::tasks::TaskStoreError),
    /// The program cannot speak to such stores.
    #[cfg(not(feature = "s3"))]
    #[error(
        "data.blobs names an S3 store, which this program was built without: build it with --features s3, or set data.blobs to \"local\""
    )]
    NoS3,
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

impl AppError {
    /// Whether the same may go well in a moment: something is not there yet, and nothing is wrong with it.
    fn may_pass(&self) -> bool {
        match self {
            Self::Postgres(error) => matches!(error, postgres::OpenError::Away(_)),
            #[cfg(feature = "s3")]
            Self::S3(error) => matches!(error, crate::stores::s3::OpenError::Away(_)),
            #[cfg(feature = "s3")]
            Self::Identity(_) => true,
            _ => false,
        }
    }
}

/// The stores, open and locked.
struct Stores {
    /// Held for its lock.
    _data_dir: DataDir,
    /// The name of this server among those that share the database.
    node: String,
    database: Arc<dyn Database>,
    blobs: Arc<dyn BlobStore>,
}

impl Stores {
    /// Locks the data directory and opens what lies in it, or elsewhere, as soon as it is there; leftovers of a crash are swept on the way.
    fn open(config: &Config) -> Result<Self, AppError> {
        let data_dir = DataDir::lock(&config.data.dir)?;
        let clock = monotonic_clock();
        let node = data_dir.node()?;
        let patience = Patience::new(config.data.start_deadline);
        let database = patience.open(|| database::open(config, &data_dir, Arc::clone(&clock)))?;
        let blobs = patience.open(|| blobs::open(config, &data_dir, &*database, Arc::clone(&clock)))?;
        Ok(Self { _data_dir: data_dir, node, database, blobs })
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
