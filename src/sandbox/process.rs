//! The handle of a child process: its end, its death, its memory. A process is named by a pidfd, which, unlike its number,
//! never comes to mean another process.

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus};
use tokio::sync::watch;

/// How long a killed process may take to be gone before [`Process::end`] gives up waiting; the spawner does not.
const REAP_BOUND: Duration = Duration::from_secs(5);

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It returned or called `exit`.
    Code(i32),
    /// A signal ended it: 9 if it was killed, 6 if it aborted (out of memory among the reasons), 11 if it overflowed its stack.
    Signal(i32),
    /// Somebody else reaped it: the server runs with SIGCHLD ignored.
    Unknown,
}

impl From<WaitIdStatus> for Exit {
    fn from(status: WaitIdStatus) -> Self {
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Unknown,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "it exited with code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal} ended it"),
            Self::Unknown => f.write_str("nobody knows how"),
        }
    }
}

/// What a process holds in memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Now (`VmRSS`).
    pub resident: u64,
    /// At most so far (`VmHWM`).
    pub peak: u64,
}

/// A child process. Dropping it kills the process; the spawner's thread reaps it, so it never stays as a zombie.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) pidfd: Arc<OwnedFd>,
    /// Filled by the spawner's thread when it has reaped the process.
    pub(super) exit: watch::Receiver<Option<Exit>>,
}

impl Process {
    /// Sends SIGKILL, which cannot be caught. A process that is gone already is left in peace.
    pub(super) fn kill(&self) {
        // ESRCH: reaped already. Nothing else can be wrong with a signal to one's own child.
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    /// Resolves when the process has ended and is reaped; at once if it has already.
    pub(super) fn exited(&self) -> impl Future<Output = Exit> + Send + use<> {
        let mut exit = self.exit.clone();
        async move {
            let reaped = exit.wait_for(Option::is_some).await;
            reaped.ok().and_then(|exit| *exit).unwrap_or(Exit::Unknown)
        }
    }

    /// Kills the process and waits until it is reaped; `None` if the kernel could not end it in time (it hangs in a system
    /// call that cannot be interrupted): the spawner's thread reaps it whenever it does end.
    pub(super) async fn end(&self) -> Option<Exit> {
        self.kill();
        tokio::time::timeout(REAP_BOUND, self.exited()).await.ok()
    }

    /// Whether the process still runs; a zombie does not.
    pub(super) fn is_running(&self) -> bool {
        matches!(status(&self.pidfd, WaitIdOptions::NOWAIT), Ok(None))
    }

    /// Tells what the process holds in memory, as long as it runs.
    pub(super) fn gauge(&self) -> Gauge {
        Gauge { pid: self.pid, pidfd: Arc::clone(&self.pidfd) }
    }
}

/// Tells what a process holds in memory, whoever else uses its handle meanwhile.
#[derive(Clone, Debug)]
pub struct Gauge {
    pid: Pid,
    pidfd: Arc<OwnedFd>,
}

impl Gauge {
    /// What the process holds in memory; `None` once it has ended.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let memory = Memory { resident: bytes_of(&status, "VmRSS:")?, peak: bytes_of(&status, "VmHWM:")? };
        // Asked afterwards: only if it still runs was the number still its own.
        self.is_running().then_some(memory)
    }

    /// Lets the peak begin anew at what is resident now (proc(5), `clear_refs`); says whether it does.
    #[must_use]
    pub fn reset_peak(&self) -> bool {
        std::fs::write(format!("/proc/{}/clear_refs", self.pid), "5").is_ok() && self.is_running()
    }

    fn is_running(&self) -> bool {
        matches!(status(&self.pidfd, WaitIdOptions::NOWAIT), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The status of a process that has ended, without waiting; `None` if it still runs. Reaps it unless told `NOWAIT`.
///
/// # Errors
/// ECHILD if it is reaped already.
pub(super) fn status(pidfd: &OwnedFd, options: WaitIdOptions) -> rustix::io::Result<Option<WaitIdStatus>> {
    use std::os::fd::AsFd;
    rustix::process::waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG | options)
}

/// The value of a line such as `VmRSS:     1234 kB` of `/proc/<pid>/status`, in bytes.
fn bytes_of(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t       3 kB\n";
        assert_eq!((bytes_of(status, "VmRSS:"), bytes_of(status, "VmHWM:")), (Some(3072), Some(2 << 20)));
        assert_eq!(bytes_of("Name:\tzombie\n", "VmRSS:"), None);
    }
}
