//! Where blobs lie: 256 directories by the tail of the id, one for files that are not complete, and one for those that are damaged.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::domain::blob::BlobKey;

/// Files in here are incomplete; whatever a former process left is removed at the next opening.
const TEMP_DIR: &str = "tmp";

/// Files in here were blobs until their bytes were found to have changed.
const DAMAGED_DIR: &str = "damaged";

/// The directories of a blob store.
#[derive(Debug)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Creates what is missing, removes incomplete files, and makes the names durable.
    pub(super) fn prepare(root: PathBuf) -> io::Result<Self> {
        let layout = Self { root };
        create(&layout.root)?;
        create(&layout.temp_dir())?;
        create(&layout.damaged_dir())?;
        (0..=u8::MAX).try_for_each(|shard| create(&layout.shard(shard)))?;
        layout.sweep_temp()?;
        sync_dir(&layout.root)?;
        layout.root.parent().map_or(Ok(()), sync_dir)?;
        Ok(layout)
    }

    /// The directories as they are; nothing is created or removed.
    pub(super) fn found(root: PathBuf) -> Self {
        Self { root }
    }

    /// Any directory on the store's file system.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn temp_dir(&self) -> PathBuf {
        self.root.join(TEMP_DIR)
    }

    pub(super) fn damaged_dir(&self) -> PathBuf {
        self.root.join(DAMAGED_DIR)
    }

    /// One of the 256 directories.
    pub(super) fn shard(&self, shard: u8) -> PathBuf {
        self.root.join(format!("{shard:02x}"))
    }

    /// The directory that holds `key`: the tail of an id is random in every version of UUID, the head may be a time.
    pub(super) fn dir_of(&self, key: BlobKey) -> PathBuf {
        let [.., tail] = *key.as_uuid().as_bytes();
        self.shard(tail)
    }

    /// The path of a complete blob. Names come from keys only, so no path leaves the store.
    pub(super) fn path_of(&self, key: BlobKey) -> PathBuf {
        self.dir_of(key).join(key.to_string())
    }

    fn sweep_temp(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.temp_dir())? {
            let path = entry?.path();
            log::info!(file:? = path; "an incomplete blob of a former process is removed");
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

fn create(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Makes the names in `dir` durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
