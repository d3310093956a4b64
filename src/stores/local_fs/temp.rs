//! A blob that is not complete: bytes go in and are hashed on the way; it becomes a blob or it disappears.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, FallocateFlags, RenameFlags, fallocate, renameat_with};
use rustix::io::Errno;
use sha2::Digest;

use crate::domain::blob::{BlobKey, BlobMeta, Sha256};
use crate::domain::faults::{self, Mechanism};
use crate::stores::blobs::BlobStoreError;
use crate::stores::local_fs::layout::{Layout, sync_dir};

/// How many bytes are copied at once from a file.
const COPY_BUFFER: usize = 256 * 1024;

/// A file under a temporary name; removed when dropped. Every call blocks.
#[derive(Debug)]
pub(super) struct TempBlob {
    path: PathBuf,
    file: File,
    hasher: sha2::Sha256,
    len: u64,
}

impl TempBlob {
    /// Creates the file.
    pub(super) fn create(layout: &Layout) -> Result<Self, BlobStoreError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let path = layout.temp_dir().join(format!("{}.tmp", NUMBER.fetch_add(1, Ordering::Relaxed)));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(sorted)?;
        let blob = Self { path, file, hasher: sha2::Sha256::new(), len: 0 };
        faults::io("blobs.temp_created")?;
        Ok(blob)
    }

    /// Reserves the room for `len` bytes, so that a full disk shows before they are sent.
    pub(super) fn reserve(&self, len: u64) -> Result<(), BlobStoreError> {
        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, len) {
            // Some file systems cannot reserve; there the disk fills up while writing.
            Ok(()) | Err(Errno::OPNOTSUPP) => Ok(()),
            Err(errno) => Err(sorted(errno.into())),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), BlobStoreError> {
        faults::io("blobs.write")?;
        self.file.write_all(bytes).map_err(sorted)?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Appends the first `len` bytes of `source`, read by position.
    pub(super) fn copy(&mut self, source: &File, len: u64) -> Result<(), BlobStoreError> {
        let mut buffer = vec![0; COPY_BUFFER.min(usize::try_from(len).unwrap_or(COPY_BUFFER))];
        let mut offset = 0;
        while offset < len {
            let wanted = buffer.len().min(usize::try_from(len - offset).unwrap_or(usize::MAX));
            match source.read_at(&mut buffer[..wanted], offset) {
                Ok(0) => return Err(BlobStoreError::Aborted),
                Ok(read) => {
                    self.write(&buffer[..read])?;
                    offset += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Makes the bytes durable, then the name: fsync, rename, fsync of the directory. `before_visible` runs just before
    /// the name appears. No step is tried twice: after a failed fsync the kernel may have dropped the pages.
    pub(super) fn persist(self, layout: &Layout, key: BlobKey, before_visible: impl FnOnce()) -> Result<BlobMeta, BlobStoreError> {
        faults::io("blobs.before_fsync")?;
        if !faults::removed(Mechanism::FileFsync) {
            self.file.sync_all().map_err(sorted)?;
        }
        faults::io("blobs.before_rename")?;
        before_visible();
        let path = layout.path_of(key);
        renameat_with(CWD, &self.path, CWD, &path, RenameFlags::NOREPLACE).map_err(|errno| match errno {
            Errno::EXIST => BlobStoreError::Exists,
            other => sorted(other.into()),
        })?;
        let synced = faults::io("blobs.before_dir_fsync").and_then(|()| sync_name(&layout.dir_of(key)));
        if let Err(error) = synced {
            // Visible but perhaps not durable: no reader may come to rely on it.
            fs::remove_file(&path)?;
            return Err(sorted(error));
        }
        faults::point("blobs.after_dir_fsync");
        Ok(BlobMeta { len: self.len, sha256: Sha256(self.hasher.clone().finalize().into()) })
    }
}

impl Drop for TempBlob {
    fn drop(&mut self) {
        match fs::remove_file(&self.path) {
            // It has become a blob.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => log::error!(file:? = self.path, error:%; "an incomplete blob stays until the next start"),
            Ok(()) => {}
        }
    }
}

/// Makes the name that has appeared in `dir` durable.
fn sync_name(dir: &Path) -> io::Result<()> {
    if faults::removed(Mechanism::DirectoryFsync) { Ok(()) } else { sync_dir(dir) }
}

/// A full disk is not a broken one.
pub(super) fn sorted(error: io::Error) -> BlobStoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BlobStoreError::Full,
        _ => BlobStoreError::Io(error),
    }
}
