//! The directory of the embedded engines, locked against a second server.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use uuid::Uuid;

/// The name of the lock file inside the directory. The file stays; the lock on it does not.
const LOCK_FILE: &str = "lock";

/// The name of the file with the name of the server.
const NODE_FILE: &str = "node";

/// A data directory that belongs to this process until the value is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Held open, because the lock belongs to the open file. It is opened close-on-exec: no child inherits the lock.
    _lock: File,
}

impl DataDir {
    /// Creates the directory, for its owner only, where it is missing, and locks it (`flock`).
    ///
    /// # Errors
    /// [`DataDirError::InUse`] if a server runs on it; [`DataDirError::Io`] if it cannot be created, opened or locked.
    pub fn lock(path: &Path) -> Result<Self, DataDirError> {
        let at = |source| DataDirError::Io { path: path.into(), source };
        create(path).map_err(at)?;
        let mut lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path.join(LOCK_FILE)).map_err(at)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => note_owner(&mut lock).map_err(at)?,
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(DataDirError::InUse { path: path.into(), owner: owner(lock) }),
            Err(errno) => return Err(at(errno.into())),
        }
        Ok(Self { path: path.into(), _lock: lock })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the server that runs on this directory among those that share a database: made once, and, while the directory is
    /// locked, nobody else's.
    ///
    /// # Errors
    /// If it can neither be read nor written.
    pub fn node(&self) -> Result<String, DataDirError> {
        let at = |source| DataDirError::Io { path: self.path.clone(), source };
        match fs::read_to_string(self.path.join(NODE_FILE)) {
            Ok(name) if !name.trim().is_empty() => Ok(name.trim().to_owned()),
            Ok(_) => self.name_node().map_err(at),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.name_node().map_err(at),
            Err(error) => Err(at(error)),
        }
    }

    /// Durable before it is used: claims are made under it.
    fn name_node(&self) -> io::Result<String> {
        let name = Uuid::new_v4().to_string();
        let mut file = File::create(self.path.join(NODE_FILE))?;
        writeln!(file, "{name}")?;
        file.sync_all()?;
        File::open(&self.path)?.sync_all()?;
        Ok(name)
    }
}

fn create(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    // What is acknowledged later must not vanish with the directory's own name.
    let parent = fs::canonicalize(path)?;
    parent.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

/// Writes the process id for the message of a second server; only a hint, the lock alone decides.
fn note_owner(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())
}

fn owner(mut lock: File) -> String {
    let mut text = String::new();
    match lock.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => format!("process {}", text.trim()),
        _ => "another process".into(),
    }
}

/// Why a data directory could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// A server runs on it.
    #[error("the data directory {path} is in use by {owner}: stop that server, or start this one with another directory (--data DIR)")]
    InUse {
        /// The directory.
        path: PathBuf,
        /// Who has it, as far as is known.
        owner: String,
    },
    /// It cannot be created, opened or locked.
    #[error("the data directory {path} cannot be used: {source}; check that it is a directory that this user may write to")]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_second_server_is_refused_until_the_first_one_is_gone() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("deep/data");
        let first = DataDir::lock(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let refusal = DataDir::lock(&path).unwrap_err();
        assert!(matches!(refusal, DataDirError::InUse { .. }));
        assert!(refusal.to_string().contains(&format!("process {}", std::process::id())), "{refusal}");
        drop(first);
        DataDir::lock(&path).unwrap();
    }

    #[test]
    fn a_server_keeps_its_name() {
        let temp = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| temp.path().join(name));
        let name = DataDir::lock(&one).unwrap().node().unwrap();
        assert_eq!(DataDir::lock(&one).unwrap().node().unwrap(), name);
        assert_ne!(DataDir::lock(&other).unwrap().node().unwrap(), name);
    }

    #[test]
    fn a_file_in_its_place_is_an_error_that_names_it() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        fs::write(&path, "not a directory").unwrap();
        assert!(DataDir::lock(&path).unwrap_err().to_string().contains("data"));
    }
}
