//! Who may remove blobs, and when: not while somebody copies or checks what the rows of one moment refer to.
//!
//! The rule is kept by locks on two files in the data directory, so it holds between processes and ends with the one that holds it, however
//! that ends. A removal shares the lock `removals` for the moment that it takes, and is refused while it is held alone; whoever must
//! find every blob holds it alone, and `copies` before that, so that a second one is told and does not wait.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::stores::blobs::BlobStoreError;

/// Shared by removals, held alone by whoever must find every blob.
const REMOVALS: &str = "removals.lock";

/// Held by whoever must find every blob, from the first to the last moment.
const COPIES: &str = "copies.lock";

/// The locks of a data directory.
#[derive(Debug)]
pub(super) struct Removals {
    dir: PathBuf,
}

impl Removals {
    /// Creates the files where they are missing.
    pub(super) fn prepare(dir: &Path) -> io::Result<Self> {
        for name in [REMOVALS, COPIES] {
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(dir.join(name))?;
        }
        Ok(Self { dir: dir.into() })
    }

    /// Lets one blob be removed while the file is open; refuses while somebody must find them all.
    pub(super) fn allow(&self) -> Result<File, BlobStoreError> {
        let lock = File::open(self.dir.join(REMOVALS))?;
        match flock(&lock, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(lock),
            Err(Errno::WOULDBLOCK) => {
                Err(BlobStoreError::Unavailable("nothing is removed while a backup or a verification is under way".into()))
            }
            Err(errno) => Err(io::Error::from(errno).into()),
        }
    }
}

/// No blob of a data directory is removed while this lives.
#[derive(Debug)]
pub struct RemovalHold {
    /// Held open, because a lock belongs to the open file; dropped in this order.
    _removals: File,
    _copies: File,
}

impl RemovalHold {
    /// Lets no blob of `dir` be removed any more. Waits for the removals that are under way, each of which takes a moment.
    ///
    /// `None` where no server ever ran, as in a backup: nobody removes anything there.
    ///
    /// # Errors
    /// `ResourceBusy` if somebody else holds it; any other if the files cannot be opened or locked.
    pub(super) fn take(dir: &Path) -> io::Result<Option<Self>> {
        let copies = match File::open(dir.join(COPIES)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        flock(&copies, FlockOperation::NonBlockingLockExclusive).map_err(|errno| match errno {
            Errno::WOULDBLOCK => {
                io::Error::new(io::ErrorKind::ResourceBusy, "another backup or verification is under way; let it end first")
            }
            other => other.into(),
        })?;
        let removals = File::open(dir.join(REMOVALS))?;
        flock(&removals, FlockOperation::LockExclusive)?;
        Ok(Some(Self { _removals: removals, _copies: copies }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn removals_share_and_a_hold_excludes_them_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        assert!(RemovalHold::take(dir.path()).unwrap().is_none(), "no server ran here");
        let removals = Removals::prepare(dir.path()).unwrap();
        let both = (removals.allow().unwrap(), removals.allow().unwrap());
        drop(both);
        let hold = RemovalHold::take(dir.path()).unwrap().unwrap();
        assert!(matches!(removals.allow(), Err(BlobStoreError::Unavailable(_))));
        assert_eq!(RemovalHold::take(dir.path()).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        drop(hold);
        drop(removals.allow().unwrap());
        assert!(RemovalHold::take(dir.path()).unwrap().is_some());
    }

    #[test]
    fn a_hold_waits_for_the_removal_that_is_under_way() {
        let dir = tempfile::tempdir().unwrap();
        let removal = Removals::prepare(dir.path()).unwrap().allow().unwrap();
        let removed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let holder = scope.spawn(|| {
                let hold = RemovalHold::take(dir.path()).unwrap();
                (hold.is_some(), removed.load(Ordering::SeqCst))
            });
            // The other thread may begin before or after this; held it is only after it.
            removed.store(true, Ordering::SeqCst);
            drop(removal);
            assert_eq!(holder.join().unwrap(), (true, true));
        });
    }
}
