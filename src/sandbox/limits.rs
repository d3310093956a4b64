//! What a child process may use. The child sets it on itself, first thing in its `main`: setting it from outside would need
//! `pre_exec`, which forces a `fork` of the whole server (measured: 200 ms with a parent of 1 GB).

use std::io;

use rustix::process::{Pid, Resource, Rlimit, Signal};
use serde::{Deserialize, Serialize};

use super::sys;

/// Descriptors a child may hold: the standard three, the files of a job, and room for what a decoder opens by itself.
/// Together with `file_size` it bounds the memory that a child can hide in memory files, which no address space counts.
const OPEN_FILES: u64 = 32;

/// The limits of one child process, the same for every job it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildLimits {
    /// Bytes of address space (`RLIMIT_AS`); an allocation beyond it aborts the child.
    pub address_space: u64,
    /// Bytes that one output may have (`RLIMIT_FSIZE`); a write beyond it is an error, not a signal.
    pub file_size: u64,
    /// How far the child stands back for the server, 0 to 19 (`setpriority`).
    pub nice: i32,
}

impl Default for ChildLimits {
    fn default() -> Self {
        Self { address_space: 1 << 30, file_size: 256 << 20, nice: 10 }
    }
}

impl ChildLimits {
    /// Binds the calling process for good, and to the life of its parent.
    ///
    /// There is no limit of processor time: it would add up over the jobs of a reused child. Wall-clock deadlines are the parent's.
    ///
    /// # Errors
    /// If the system refuses a limit, or the parent is not the expected one any more; the child must then end.
    pub(super) fn apply(&self, parent: Option<Pid>) -> io::Result<()> {
        rustix::thread::set_no_new_privs(true)?;
        // The signal follows the parent's *thread*; the check closes the gap in which the parent died before the call.
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        if rustix::process::getppid() != parent {
            return Err(io::Error::other("the parent process is gone"));
        }
        rustix::process::setpriority_process(None, self.nice)?;
        sys::ignore_file_size_signal()?;
        set(Resource::Core, 0)?;
        set(Resource::Fsize, self.file_size)?;
        set(Resource::Nofile, OPEN_FILES)?;
        // Neither threads nor processes of its own; root is exempt from this one.
        set(Resource::Nproc, 0)?;
        set(Resource::As, self.address_space)?;
        Ok(())
    }
}

/// Sets the soft and the hard limit, so that the child cannot raise it again.
fn set(resource: Resource, limit: u64) -> io::Result<()> {
    Ok(rustix::process::setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?)
}
