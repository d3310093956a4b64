//! Backups of the embedded stores: made beside a running server, checked, and brought back.
//!
//! | file | what lives there |
//! |---|---|
//! | `create` | a copy of a data directory as it is at one moment |
//! | `restore` | a data directory from such a copy |
//! | `verify` | whether every row of a data directory or a backup finds its blobs |
//! | `walk` | the rows one after the other, and what is wrong with them |
//! | `manifest` | what a complete backup says of itself |
//!
//! A backup is laid out as a data directory. The database is copied first and as of one moment, then the blobs that its rows refer to:
//! they never change, they were durable before their rows, and none is removed meanwhile
//! ([`RemovalHold`](crate::stores::local_fs::RemovalHold)), so every row of the copy finds its blobs. Everything here blocks.

mod create;
mod manifest;
mod restore;
mod verify;
mod walk;

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

pub use create::backup;
pub use restore::restore;
pub use verify::verify;
pub use walk::{Problem, Report};

use crate::stores::data_dir::DataDirError;
use crate::stores::sqlite::{FILE_NAME, OpenError};
use crate::stores::tasks::TaskStoreError;

/// Why a backup was not made, checked or brought back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no database in the directory.
    #[error("there is no database in {dir}: name a data directory or a backup")]
    NoData {
        /// The directory.
        dir: PathBuf,
    },
    /// Tasks or images are not in the data directory.
    #[error("the {what} are in {place}, not in the data directory: use what is there for backups (docs/backup.md)")]
    Elsewhere {
        /// What is not there.
        what: &'static str,
        /// Where they are.
        place: String,
    },
    /// The place for the copy is taken.
    #[error("{dir} is not empty: name a directory that is empty or not there yet")]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// The backup was broken off, or it is none.
    #[error("{dir} is no complete backup: it has no backup.json that can be read ({why}); use another one")]
    Incomplete {
        /// The directory.
        dir: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The directory that was to be filled cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The database cannot be opened or copied.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The rows cannot be read.
    #[error("the rows cannot be read: {0}")]
    Rows(#[from] TaskStoreError),
    /// Files cannot be read or written.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was to be done.
        what: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl BackupError {
    /// Whether the command that was given cannot be carried out at all, so that nothing was done.
    #[must_use]
    pub fn is_misuse(&self) -> bool {
        matches!(self, Self::Elsewhere { .. } | Self::NoData { .. } | Self::NotEmpty { .. } | Self::Incomplete { .. })
    }
}

/// Puts an error of the system in its context.
fn at(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { what, path, source }
}

/// The database of a directory.
fn database_of(dir: &Path) -> Result<PathBuf, BackupError> {
    let path = dir.join(FILE_NAME);
    if path.is_file() { Ok(path) } else { Err(BackupError::NoData { dir: dir.into() }) }
}

/// A directory with nothing in it, for its owner only where it is made.
fn empty(dir: &Path) -> Result<(), BackupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at("cannot create", dir))?;
    let mut entries = fs::read_dir(dir).map_err(at("cannot read", dir))?;
    if entries.next().is_none() { Ok(()) } else { Err(BackupError::NotEmpty { dir: dir.into() }) }
}
