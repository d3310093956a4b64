//! What the command line does with backups. They are made and checked beside a server that runs on the data directory, not through it: the
//! locks of the stores keep the two out of each other's way.

use std::path::PathBuf;

pub use crate::stores::backup::{BackupError, Report as BackupReport};

use crate::config::{BlobPlace, DataConfig, TaskPlace};
use crate::stores::backup::{Problem, backup, restore, verify};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackupCommand {
    /// Copy the data directory into this one.
    Create(PathBuf),
    /// Make the data directory what this backup says.
    Restore(PathBuf),
    /// Check a data directory, or a backup.
    Verify,
}

/// Does what is asked with the data directory; whatever is wrong with a row is told to `tell`, in words. Blocks.
///
/// # Errors
/// When it was not done; also where tasks or images are not in the data directory.
pub fn run_backup_command(config: &DataConfig, command: &BackupCommand, tell: &mut dyn FnMut(&str)) -> Result<BackupReport, BackupError> {
    if config.blobs != BlobPlace::Local {
        return Err(BackupError::Elsewhere { what: "images", place: config.blobs.to_string() });
    }
    if config.tasks != TaskPlace::Local {
        return Err(BackupError::Elsewhere { what: "tasks", place: config.tasks.to_string() });
    }
    let (data, tell) = (config.dir.as_path(), &mut |problem: &Problem| tell(&problem.to_string()));
    match command {
        BackupCommand::Create(to) => backup(data, to, tell),
        BackupCommand::Restore(from) => restore(from, data, tell),
        BackupCommand::Verify => verify(data, tell),
    }
}
