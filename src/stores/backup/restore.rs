//! Bringing a backup back: its blobs, then its database, which makes it a data directory.

use std::fs::{self, File};
use std::path::Path;

use crate::stores::backup::manifest::Manifest;
use crate::stores::backup::walk::{Problem, Report, Walk};
use crate::stores::backup::{BackupError, at, database_of, empty};
use crate::stores::data_dir::DataDir;
use crate::stores::local_fs::BlobFiles;
use crate::stores::sqlite::{FILE_NAME, References, copy_database};

/// The database until everything that its rows refer to is there.
const UNFINISHED: &str = "restoring.sqlite3";

/// Makes the directory `to`, which is empty or not there, what the backup `from` says, durable and up to date for this program. No server
/// can start on it meanwhile. Every row whose blobs are not what they must be is told to `tell`.
///
/// # Errors
/// When it is not complete; then it has no database.
pub fn restore(from: &Path, to: &Path, tell: &mut dyn FnMut(&Problem)) -> Result<Report, BackupError> {
    database_of(from)?;
    Manifest::read(from)?;
    empty(to)?;
    let _locked = DataDir::lock(to)?;
    let unfinished = to.join(UNFINISHED);
    copy_database(from, &unfinished)?;
    let (source, target) = (BlobFiles::found(from), BlobFiles::create(to).map_err(at("cannot create the directories of", to))?);
    let report = Walk::new(tell).all(&References::open(&unfinished)?, |reference| source.copy(reference.key, &target))?;
    target.sync().map_err(at("cannot make durable what is in", to))?;
    fs::rename(&unfinished, to.join(FILE_NAME)).map_err(at("cannot rename", &unfinished))?;
    File::open(to).and_then(|dir| dir.sync_all()).map_err(at("cannot make durable", to))?;
    Ok(report)
}
