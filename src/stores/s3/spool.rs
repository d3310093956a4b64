//! Bodies as local files without a name, on their way in and out. Nothing here is ever synced, and nothing of it outlives the process.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use sha2::Digest;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::domain::blob::{BlobMeta, Sha256};
use crate::domain::faults;
use crate::stores::blobs::{BlobStoreError, Chunk, OpenBlob, PutSize};

/// How many bytes are gathered before they are written.
pub(super) const WRITE_SIZE: usize = 256 * 1024;

/// The directory of the files while they have a name: between their creation and the next moment.
pub(super) struct Spool {
    dir: PathBuf,
}

/// A whole body, read by position.
pub(super) struct Spooled {
    pub(super) file: File,
    pub(super) meta: BlobMeta,
}

impl Spool {
    /// Creates the directory where it is missing, and removes what a former process left in it.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        for entry in fs::read_dir(dir)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(Self { dir: dir.into() })
    }

    /// A file that goes with its last descriptor, however the process ends.
    fn create(&self) -> io::Result<File> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let path = self.dir.join(NUMBER.fetch_add(1, Ordering::Relaxed).to_string());
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        fs::remove_file(&path)?;
        Ok(file)
    }

    /// A sink for a body whose bytes are kept.
    pub(super) async fn sink(&self) -> Result<Sink, BlobStoreError> {
        let file = self.create().map_err(sorted)?;
        Ok(Sink { file: Some(file), ..Sink::default() })
    }

    /// Takes what `body` delivers.
    pub(super) async fn receive(&self, mut body: mpsc::Receiver<Chunk>, size: PutSize) -> Result<Spooled, BlobStoreError> {
        let too_large = BlobStoreError::TooLarge { max: size.max };
        if size.announced.is_some_and(|len| len > size.max) {
            return Err(too_large);
        }
        let mut sink = self.sink().await?;
        if let Some(len) = size.announced.filter(|&len| len > WRITE_SIZE as u64) {
            sink.reserve(len)?;
        }
        let mut total = 0;
        loop {
            match body.recv().await {
                None => return Err(BlobStoreError::Aborted),
                Some(Chunk::End) => break,
                Some(Chunk::Data(bytes)) => {
                    total += bytes.len() as u64;
                    if total > size.max {
                        return Err(too_large);
                    }
                    faults::io("blobs.write")?;
                    sink = sink.take(bytes).await?;
                }
            }
        }
        if size.announced.is_some_and(|len| len != total) {
            return Err(BlobStoreError::Aborted);
        }
        let (file, meta) = sink.finish().await?;
        file.map(|file| Spooled { file, meta }).ok_or(BlobStoreError::Aborted)
    }

    /// How much room there is for bodies.
    pub(super) async fn free_bytes(&self) -> Result<u64, BlobStoreError> {
        let dir = self.dir.clone();
        blocking(move || {
            let stat = rustix::fs::statvfs(&dir).map_err(io::Error::from)?;
            Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
        })
        .await
    }
}

/// Where bytes go: into a file or nowhere, hashed in either case.
#[derive(Default)]
pub(super) struct Sink {
    file: Option<File>,
    hasher: sha2::Sha256,
    len: u64,
    gathered: Vec<Bytes>,
    waiting: usize,
}

impl Sink {
    /// Reserves the room for `len` bytes, so that a full disk shows before they are sent.
    fn reserve(&self, len: u64) -> Result<(), BlobStoreError> {
        let Some(file) = &self.file else { return Ok(()) };
        match fallocate(file, FallocateFlags::KEEP_SIZE, 0, len) {
            // Some file systems cannot reserve; there the disk fills up while writing.
            Ok(()) | Err(Errno::OPNOTSUPP) => Ok(()),
            Err(errno) => Err(sorted(errno.into())),
        }
    }

    /// Takes the next bytes; they are written once there are enough of them.
    pub(super) async fn take(mut self, bytes: Bytes) -> Result<Self, BlobStoreError> {
        self.waiting += bytes.len();
        self.gathered.push(bytes);
        if self.waiting < WRITE_SIZE { Ok(self) } else { blocking(move || self.write()).await }
    }

    fn write(mut self) -> Result<Self, BlobStoreError> {
        for bytes in std::mem::take(&mut self.gathered) {
            if let Some(file) = &mut self.file {
                file.write_all(&bytes).map_err(sorted)?;
            }
            self.hasher.update(&bytes);
            self.len += bytes.len() as u64;
        }
        self.waiting = 0;
        Ok(self)
    }

    /// The file, where there is one, and what went into it.
    pub(super) async fn finish(self) -> Result<(Option<File>, BlobMeta), BlobStoreError> {
        let Sink { file, hasher, len, .. } = if self.gathered.is_empty() { self } else { blocking(move || self.write()).await? };
        Ok((file, BlobMeta { len, sha256: Sha256(hasher.finalize().into()) }))
    }
}

/// The first `len` bytes of `source`, where they are: they cannot change any more.
pub(super) async fn hashed(source: File, len: u64) -> Result<Spooled, BlobStoreError> {
    blocking(move || {
        let mut hasher = sha2::Sha256::new();
        let mut buffer = vec![0; WRITE_SIZE.min(usize::try_from(len).unwrap_or(WRITE_SIZE))];
        let mut at = 0;
        while at < len {
            let wanted = buffer.len().min(usize::try_from(len - at).unwrap_or(buffer.len()));
            read_at(&source, &mut buffer[..wanted], at)?;
            hasher.update(&buffer[..wanted]);
            at += wanted as u64;
        }
        Ok(Spooled { file: source, meta: BlobMeta { len, sha256: Sha256(hasher.finalize().into()) } })
    })
    .await
}

impl Spooled {
    /// The bytes from `at`, so many.
    pub(super) async fn part(&self, at: u64, len: usize) -> Result<Bytes, BlobStoreError> {
        let file = self.file.try_clone()?;
        blocking(move || {
            let mut bytes = vec![0; len];
            read_at(&file, &mut bytes, at)?;
            Ok(Bytes::from(bytes))
        })
        .await
    }
}

/// Reads by position; a source that is too short was not what it was said to be.
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> Result<(), BlobStoreError> {
    file.read_exact_at(buffer, at).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => BlobStoreError::Aborted,
        _ => BlobStoreError::Io(error),
    })
}

/// A file to be read from its start, by a descriptor that cannot write: it may go to a process that nobody trusts.
pub(super) fn readable(file: &File, len: u64) -> Result<OpenBlob, BlobStoreError> {
    Ok(OpenBlob { file: File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?, len })
}

/// Runs something that may wait for the disk on a thread where that is allowed.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, BlobStoreError> + Send + 'static) -> Result<T, BlobStoreError> {
    let lost = |_| Err(io::Error::other("a disk thread panicked over the request").into());
    spawn_blocking(work).await.unwrap_or_else(lost)
}

/// A full disk is not a broken one.
fn sorted(error: io::Error) -> BlobStoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BlobStoreError::Full,
        _ => BlobStoreError::Io(error),
    }
}
