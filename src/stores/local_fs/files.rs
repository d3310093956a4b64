//! The blobs of a directory as files, for whoever copies or checks them beside a server or without one. Every call blocks.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::domain::blob::{BlobKey, BlobMeta};
use crate::stores::local_fs::DIR_NAME;
use crate::stores::local_fs::integrity::{digest_from_disk, read_through};
use crate::stores::local_fs::layout::{Layout, sync_dir};
use crate::stores::local_fs::removals::RemovalHold;

/// Which side of a copy failed: a damaged source is told and passed over, a target that fails ends everything.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The blob cannot be read.
    #[error("cannot read the blob: {0}")]
    Source(#[from] io::Error),
    /// The copy cannot be written.
    #[error("cannot write {path}: {source}")]
    Target {
        /// The copy.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The blobs in a data directory or a backup.
#[derive(Debug)]
pub struct BlobFiles {
    dir: PathBuf,
    layout: Layout,
}

impl BlobFiles {
    /// Those that are there.
    #[must_use]
    pub fn found(dir: &Path) -> Self {
        Self { dir: dir.into(), layout: Layout::found(dir.join(DIR_NAME)) }
    }

    /// A place for blobs in a new directory.
    ///
    /// # Errors
    /// If a directory cannot be created.
    pub fn create(dir: &Path) -> io::Result<Self> {
        Ok(Self { dir: dir.into(), layout: Layout::prepare(dir.join(DIR_NAME))? })
    }

    /// Lets no blob be removed while the hold lives; `None` where there is nobody who could.
    ///
    /// # Errors
    /// `ResourceBusy` if somebody else holds it.
    pub fn hold(&self) -> io::Result<Option<RemovalHold>> {
        RemovalHold::take(&self.dir)
    }

    /// What the disk holds under a name; `None` if there is no such blob.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn digest(&self, key: BlobKey) -> io::Result<Option<BlobMeta>> {
        self.open(key)?.map(|file| digest_from_disk(&file)).transpose()
    }

    /// Copies a blob as it is and tells what it is; `None` if there is no such blob. It is durable after [`BlobFiles::sync`].
    ///
    /// # Errors
    /// If it cannot be read or written, or `to` has one of that name.
    pub fn copy(&self, key: BlobKey, to: &Self) -> Result<Option<BlobMeta>, CopyError> {
        let Some(source) = self.open(key)? else { return Ok(None) };
        let path = to.layout.path_of(key);
        let target = |source| CopyError::Target { path: path.clone(), source };
        let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(target)?;
        read_through(source, |piece| copy.write_all(piece).map_err(target)).map(Some)
    }

    /// Makes everything durable that was copied here: the whole file system at once, which is cheaper than file by file.
    ///
    /// # Errors
    /// If the disk failed.
    pub fn sync(&self) -> io::Result<()> {
        rustix::fs::syncfs(File::open(self.layout.root())?)?;
        sync_dir(self.layout.root())
    }

    fn open(&self, key: BlobKey) -> io::Result<Option<File>> {
        match File::open(self.layout.path_of(key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }
}
