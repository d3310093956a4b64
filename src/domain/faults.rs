//! Failpoints: places where a test makes the server fail. Without the feature `faults` every call is empty.
//!
//! A point has a name such as `storage.before_rename`. With the feature on it is armed through the registry of the
//! `fail` crate (or its environment variable `FAILPOINTS`) with one of these actions, after a count such as `2*`:
//! `panic`, `return(kill)` (SIGKILL to the own process), `return(error)`, `sleep(ms)`, `pause`, `off`.

use std::io;

/// Panics, ends the process, waits, or does nothing, as the test armed the point.
#[inline]
pub fn point(name: &'static str) {
    // A point that offers no way to fail softly ignores `return(error)`.
    let _ = soft(name);
}

/// Like [`point`], and says whether the place is to fail softly (`return(error)`).
#[inline]
#[must_use]
pub fn soft(name: &'static str) -> bool {
    #[cfg(feature = "faults")]
    fail::fail_point!(name, |action| match action.as_deref() {
        Some("kill") => kill_own_process(),
        _ => true,
    });
    let _ = name;
    false
}

/// Like [`soft`], as an input/output error (EIO).
///
/// # Errors
/// When the test armed the point with `return(error)`.
#[inline]
pub fn io(name: &'static str) -> io::Result<()> {
    if soft(name) { Err(io::Error::from_raw_os_error(libc::EIO)) } else { Ok(()) }
}

/// As sudden as `kill -9`: no destructor, no flush, nothing after it runs.
#[cfg(feature = "faults")]
fn kill_own_process() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    unreachable!("nothing runs after SIGKILL")
}
