//! Seeing the death of a process that need not be a child of this one.
#![allow(unsafe_code)] // poll(2), which rustix offers only behind a feature that the server does not need.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::process::{Pid, PidfdFlags};

/// A descriptor of the process, which must live.
pub(crate) fn open(pid: u32) -> OwnedFd {
    rustix::process::pidfd_open(Pid::from_raw(pid as i32).unwrap(), PidfdFlags::empty()).unwrap()
}

/// Whether the process ends within ten seconds.
pub(crate) fn ends(pidfd: &OwnedFd) -> bool {
    let mut watched = libc::pollfd { fd: pidfd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: the pointer is to one `pollfd` that lives for the call, and the count says one.
    unsafe { libc::poll(&raw mut watched, 1, 10_000) == 1 }
}
