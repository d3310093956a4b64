//! The calls that have no safe form in the libraries used: two system calls around a child's start that `rustix` does not offer, two
//! settings of the allocator, and the registration of a pidfd with the event loop.
#![allow(unsafe_code)] // One call each; the proofs stand beside them.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Marks every descriptor of this process but the standard three close-on-exec, so that no program it executes inherits one
/// by accident. What is opened by this program carries the mark already; what it inherited itself (from a shell, `make`, a
/// service manager) does not.
///
/// # Errors
/// On a kernel before 5.11, which has no such call.
pub(super) fn mark_all_close_on_exec() -> io::Result<()> {
    // SAFETY: touches no memory and closes nothing in this process, so whoever owns a descriptor still owns an open one.
    match unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Makes a write beyond the file size limit fail with EFBIG instead of killing the process.
///
/// # Errors
/// Never for a signal that exists; passed on all the same.
pub(super) fn ignore_file_size_signal() -> io::Result<()> {
    // SAFETY: installs no handler, only the constant disposition "ignore", for a signal that may be ignored.
    match unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) } {
        libc::SIG_ERR => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Keeps up to 64 MiB of freed memory for the next buffers, and takes buffers of up to 32 MiB (the most that glibc allows) from there.
/// Otherwise those of every picture come from the kernel anew, page by page, each to be cleared first.
///
/// Does nothing with another C library than glibc.
pub fn keep_freed_memory() {
    // SAFETY: both set a number in the allocator, under its own lock.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 64 << 20);
    }
}

/// Watches a descriptor, such as a pidfd, for becoming readable, on the current runtime.
///
/// # Errors
/// If the event loop cannot watch it.
///
/// # Panics
/// Outside of a tokio runtime.
pub(super) fn watch_readable(descriptor: Arc<OwnedFd>) -> io::Result<AsyncFd<Arc<OwnedFd>>> {
    // SAFETY: `OwnedFd` owns an open descriptor and never replaces it; the `Arc` is held by the `AsyncFd` to its end, and no
    // other holder of the `Arc` can close what it only shares.
    Ok(unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?)
}
