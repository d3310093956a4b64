//! What a blob's bytes are now, and the place of those that are not what they were.

use std::fs::{self, File};
use std::io::{self, Read};

use rustix::fs::{Advice, fadvise};
use sha2::Digest;

use crate::domain::blob::{BlobKey, BlobMeta, Sha256};
use crate::stores::blobs::BlobStoreError;
use crate::stores::local_fs::Disk;
use crate::stores::local_fs::layout::sync_dir;

/// How much is read at once, in bytes.
const CHUNK: usize = 256 * 1024;

impl Disk {
    /// Reads the whole blob. Its pages are given back before, so that the disk is asked and not the memory, and after: whoever looks
    /// at everything must not push out of memory what others ask for.
    pub(super) fn digest(&self, key: BlobKey) -> Result<BlobMeta, BlobStoreError> {
        Ok(digest_from_disk(&self.open(key)?.file)?)
    }

    /// Moves the file to where nobody looks for blobs. One of that name that was there before is replaced.
    pub(super) fn set_aside(&self, key: BlobKey) -> Result<(), BlobStoreError> {
        let _allowed = self.removals.allow()?;
        let damaged = self.layout.damaged_dir();
        match fs::rename(self.layout.path_of(key), damaged.join(key.to_string())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            renamed => renamed?,
        }
        sync_dir(&damaged)?;
        Ok(File::open(self.layout.dir_of(key))?.sync_all()?)
    }
}

/// The length and digest of what the disk holds of a file.
pub(super) fn digest_from_disk(file: &File) -> io::Result<BlobMeta> {
    give_back(file);
    let found = read_through(file, |_| Ok::<_, io::Error>(()))?;
    give_back(file);
    Ok(found)
}

/// Reads `file` to its end, hands every piece to `each`, and tells the length and digest of it all.
pub(super) fn read_through<E: From<io::Error>>(mut file: impl Read, mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<BlobMeta, E> {
    let (mut hasher, mut len, mut chunk) = (sha2::Sha256::new(), 0, vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(BlobMeta { len, sha256: Sha256(hasher.finalize().into()) }),
            Ok(read) => {
                hasher.update(&chunk[..read]);
                len += read as u64;
                each(&chunk[..read])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Only advice: what the system makes of it is its own affair.
fn give_back(file: &File) {
    let _ = fadvise(file, 0, None, Advice::DontNeed);
}
