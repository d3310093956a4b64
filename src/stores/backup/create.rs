//! Making a backup: the database as of one moment, then the blobs that its rows refer to, then the word that it is complete.

use std::path::Path;

use crate::domain::faults;
use crate::stores::backup::manifest::Manifest;
use crate::stores::backup::walk::{Problem, Report, Walk};
use crate::stores::backup::{BackupError, at, database_of, empty};
use crate::stores::local_fs::BlobFiles;
use crate::stores::sqlite::{FILE_NAME, References, copy_database};

/// Copies the data directory `from` into the directory `to`, which is empty or not there, and makes the copy durable. A server may run on
/// `from`, or start or stop meanwhile; it removes no blob until this ends. Every row whose blobs are not what they must be is told to
/// `tell`; whatever is there of them is copied.
///
/// # Errors
/// When the copy is not complete; then it has no manifest, and [`restore`](crate::stores::backup::restore) refuses it.
pub fn backup(from: &Path, to: &Path, tell: &mut dyn FnMut(&Problem)) -> Result<Report, BackupError> {
    database_of(from)?;
    empty(to)?;
    let source = BlobFiles::found(from);
    // Before the database is read: what its rows refer to must be there until it is copied.
    let _hold = source.hold().map_err(at("cannot keep the blobs of", from))?;
    let database = to.join(FILE_NAME);
    copy_database(from, &database)?;
    faults::point("backup.database_copied");
    let target = BlobFiles::create(to).map_err(at("cannot create the directories of", to))?;
    let report = Walk::new(tell).all(&References::open(&database)?, |reference| source.copy(reference.key, &target))?;
    target.sync().map_err(at("cannot make durable what is in", to))?;
    Manifest::new(&report).write(to)?;
    Ok(report)
}
