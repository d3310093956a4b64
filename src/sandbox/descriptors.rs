//! The files of a job: the original and the assets, opened anew for reading only, and the output, a memory file that is sealed before
//! anybody reads it. How descriptors travel is the channel's business.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;

/// What a sealed output can no longer suffer, not even from a process that holds it open for writing.
const SEALS: SealFlags = SealFlags::WRITE.union(SealFlags::GROW).union(SealFlags::SHRINK).union(SealFlags::SEAL);

/// Opens the file of `original` once more: for reading only, whatever `original` is open for, and with a position of its own.
///
/// # Errors
/// If the file may not be read, or no descriptor is left.
pub(super) fn reopen_read_only(original: &File) -> io::Result<OwnedFd> {
    Ok(File::open(format!("/proc/self/fd/{}", original.as_raw_fd()))?.into())
}

/// A new, empty output: lives in memory, has no name that another process could open, can be sealed, cannot be executed.
///
/// # Errors
/// If no descriptor or no memory is left.
pub(super) fn new_output() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match rustix::fs::memfd_create("safelight-output", flags | MemfdFlags::NOEXEC_SEAL) {
        // Kernels before 6.3 do not know the flag.
        Err(Errno::INVAL) => Ok(rustix::fs::memfd_create("safelight-output", flags)?),
        created => Ok(created?),
    }
}

/// Why an output could not be sealed.
#[derive(Debug)]
pub(super) enum SealError {
    /// What the child did to prevent it.
    Hostile(&'static str),
    /// The system failed.
    Io(io::Error),
}

/// The output of a job. It is sealed: no process can change a byte or the length any more.
///
/// It is read with `pread` and never mapped, so nothing that happens to the file can raise a signal in the server.
#[derive(Debug)]
pub struct SealedOutput {
    file: File,
    size: u64,
}

impl SealedOutput {
    /// The output as a file. The seals stay with it; whoever reads it does so with offsets, since its position is the child's too.
    #[must_use]
    pub fn into_file(self) -> File {
        self.file
    }

    /// Seals `output`. May wait a sixth of a second inside the kernel for a hostile child's references to the memory to go
    /// away, so it is not for a thread that runs actors.
    ///
    /// # Errors
    /// [`SealError::Hostile`] if the child still maps the memory writable, or forbade further seals itself.
    pub(super) fn seal(output: OwnedFd) -> Result<Self, SealError> {
        match rustix::fs::fcntl_add_seals(&output, SEALS) {
            Ok(()) => {}
            Err(Errno::BUSY) => return Err(SealError::Hostile("kept its output mapped for writing")),
            Err(Errno::PERM) => return Err(SealError::Hostile("sealed its output itself")),
            Err(error) => return Err(SealError::Io(error.into())),
        }
        let file = File::from(output);
        let size = file.metadata().map_err(SealError::Io)?.len();
        Ok(Self { file, size })
    }

    /// The length in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads from `offset` on without moving any position; returns how many bytes came, 0 at the end.
    ///
    /// # Errors
    /// If the system cannot read the memory (it may have been swapped out).
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    /// The bytes from the beginning to the end, `chunk_size` at a time (the last chunk may be shorter).
    ///
    /// # Panics
    /// If `chunk_size` is 0.
    pub fn chunks(&self, chunk_size: usize) -> impl Iterator<Item = io::Result<Vec<u8>>> + use<'_> {
        assert!(chunk_size > 0, "a chunk has at least one byte");
        (0..self.size).step_by(chunk_size).map(move |offset| {
            let length = (self.size - offset).min(chunk_size as u64);
            let mut chunk = vec![0; length as usize];
            self.file.read_exact_at(&mut chunk, offset)?;
            Ok(chunk)
        })
    }

    /// The first bytes, as many as fit; fewer if the output is shorter.
    pub(super) fn head<const N: usize>(&self) -> io::Result<Vec<u8>> {
        self.chunks(N).next().unwrap_or(Ok(Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, SeekFrom, Write};

    use super::*;

    fn sealed(bytes: &[u8]) -> (File, SealedOutput) {
        let output = new_output().unwrap();
        let mut writer = File::from(output.try_clone().unwrap());
        writer.write_all(bytes).unwrap();
        (writer, SealedOutput::seal(output).unwrap())
    }

    #[test]
    fn a_sealed_output_cannot_be_changed_through_another_descriptor() {
        let (mut writer, output) = sealed(b"pixels");
        writer.seek(SeekFrom::Start(0)).unwrap();
        for refused in [writer.write_all(b"PIXELS"), writer.set_len(1), writer.set_len(100)] {
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        }
        assert_eq!(output.chunks(4).collect::<io::Result<Vec<_>>>().unwrap(), [&b"pixe"[..], b"ls"]);
        assert_eq!(output.size(), 6);
    }

    #[test]
    fn an_empty_output_has_no_chunks_and_no_head() {
        let (_, output) = sealed(b"");
        assert_eq!(output.chunks(4).count(), 0);
        assert_eq!(output.head::<12>().unwrap(), b"");
    }

    #[test]
    fn the_child_cannot_write_through_the_original_nor_move_its_position() {
        let mut original = tempfile::tempfile().unwrap();
        original.write_all(b"original").unwrap();
        let mut passed = File::from(reopen_read_only(&original).unwrap());
        let mut text = String::new();
        passed.read_to_string(&mut text).unwrap();
        assert_eq!(text, "original");
        assert!(passed.write_all(b"x").is_err());
        original.seek(SeekFrom::Start(2)).unwrap();
        assert_eq!(passed.stream_position().unwrap(), 8);
    }
}
