//! The socket in the data directory: how commands on the same machine reach the server that runs on it. Only the server's own user can
//! open it, so whoever comes through it is the operator and needs no key.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};

/// Its name inside the data directory.
const NAME: &str = "admin.sock";

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 16;

/// The data directory held open. A socket's address has about a hundred bytes, fewer than many a path: this one is always short.
struct Place {
    directory: File,
}

impl Place {
    fn open(directory: &Path) -> io::Result<Self> {
        Ok(Self { directory: File::open(directory)? })
    }

    fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}/{NAME}", self.directory.as_raw_fd()).into()
    }
}

/// Listens in a data directory that this process has locked; what a former server left there is replaced.
///
/// # Errors
/// When the file system has no sockets, for example.
pub(super) fn open(directory: &Path) -> io::Result<UnixListener> {
    let place = Place::open(directory)?;
    match fs::remove_file(place.path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &SocketAddrUnix::new(place.path())?)?;
    // Nobody can connect before it listens, and by then nobody else may.
    rustix::fs::chmod(place.path(), Mode::RUSR | Mode::WUSR)?;
    listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// Connects to the server that runs on a data directory.
///
/// # Errors
/// When there is none, or it belongs to another user.
pub(super) fn connect(directory: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(Place::open(directory)?.path())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_works_at_any_depth_for_its_owner_only_and_again_after_a_crash() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("d".repeat(120));
        fs::create_dir(&deep).unwrap();
        for _ in 0..2 {
            // Dropped without being removed, as a crash leaves it.
            let listener = open(&deep).unwrap();
            assert_eq!(fs::metadata(deep.join(NAME)).unwrap().permissions().mode() & 0o777, 0o600);
            connect(&deep).unwrap().write_all(b"!").unwrap();
            let mut said = String::new();
            listener.accept().unwrap().0.read_to_string(&mut said).unwrap();
            assert_eq!(said, "!");
        }
        assert_eq!(connect(&deep).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}
