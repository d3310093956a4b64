//! Checking a data directory or a backup: the database by itself, and every blob that a row refers to against its length and digest.

use std::path::Path;

use crate::stores::backup::walk::{Problem, Report, Walk};
use crate::stores::backup::{BackupError, at, database_of};
use crate::stores::local_fs::{BlobFiles, CopyError};
use crate::stores::sqlite::References;

/// Reads everything that is in use in `dir` and tells each row that does not resolve to `tell`. A server may run on it; it removes no blob
/// until this ends.
///
/// # Errors
/// When it could not be found out.
pub fn verify(dir: &Path, tell: &mut dyn FnMut(&Problem)) -> Result<Report, BackupError> {
    let database = database_of(dir)?;
    let blobs = BlobFiles::found(dir);
    let _hold = blobs.hold().map_err(at("cannot keep the blobs of", dir))?;
    let references = References::open(&database)?;
    let mut walk = Walk::new(tell);
    references.damage()?.into_iter().for_each(|damage| walk.unreadable(format!("the database: {damage}")));
    walk.all(&references, |reference| blobs.digest(reference.key).map_err(CopyError::Source))
}
