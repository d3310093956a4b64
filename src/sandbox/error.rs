//! What can go wrong between the server and a child process.

use std::io;
use std::path::PathBuf;

use super::process::Exit;

/// Why a child could not be had, or did not do its job. A child that died or misbehaved is killed already; after any error
/// [`Child::is_reusable`](super::Child::is_reusable) tells whether it is still good.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The program could not be executed.
    #[error("cannot start a child process from {program}: {source}; check the path and the limits of processes and open files")]
    Spawn {
        /// What was to be executed.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The process started but did not report ready in time.
    #[error("the child process did not report ready within {0:?}; check that the program is this server's")]
    NotReady(std::time::Duration),
    /// Too many spawn requests wait for the one thread that serves them.
    #[error("too many child processes are being started; try again later")]
    Busy,
    /// The process ended before it answered.
    #[error("the child process died: {0}")]
    Died(Exit),
    /// The child did what no honest child does.
    #[error("the child process is hostile and was killed: it {0}")]
    Hostile(String),
    /// The child said what the protocol does not allow.
    #[error("the child process broke the protocol and was killed: {0}")]
    Protocol(String),
    /// The server's side failed: no descriptors or no memory left, or an input that cannot be opened for reading.
    #[error("the server could not serve the child process: {0}")]
    Io(#[from] io::Error),
}
