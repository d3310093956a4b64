//! Failpoints: places where a test makes the server fail. Without the feature `faults` every call is empty.
//!
//! A point has a name such as `storage.before_rename`. With the feature on it is armed through the registry of the
//! `fail` crate (or its environment variable `FAILPOINTS`) with one of these actions, after a count such as `2*`:
//! `panic`, `return(kill)` (SIGKILL to the own process), `return(error)`, `sleep(ms)`, `pause`, `off`.
//!
//! A [`Mechanism`] is the opposite: a safety measure that a test takes out for the whole life of a process.

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

/// Something that the promises rest on. A test takes it out (`SAFELIGHT_REMOVED`, a comma between several) to show that
/// another test notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// The fsync of a blob's bytes, before its name appears.
    FileFsync,
    /// The fsync of the directory in which a blob's name has appeared.
    DirectoryFsync,
    /// `synchronous=FULL`: the log of the database is synced at every commit.
    SynchronousFull,
    /// The guard of a finish: the claim that reports must be the current one.
    Fence,
    /// The cap on attempts that are given back.
    RefundCap,
    /// Reading a task again when it is unknown whether a commit happened.
    ReRead,
}

impl Mechanism {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::FileFsync, Self::DirectoryFsync, Self::SynchronousFull, Self::Fence, Self::RefundCap, Self::ReRead];

    /// The name in `SAFELIGHT_REMOVED`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FileFsync => "file_fsync",
            Self::DirectoryFsync => "directory_fsync",
            Self::SynchronousFull => "synchronous_full",
            Self::Fence => "fence",
            Self::RefundCap => "refund_cap",
            Self::ReRead => "re_read",
        }
    }
}

/// Whether a test has taken the mechanism out of this process. Never without the feature.
#[inline]
#[must_use]
pub fn removed(mechanism: Mechanism) -> bool {
    #[cfg(feature = "faults")]
    {
        static REMOVED: std::sync::OnceLock<String> = std::sync::OnceLock::new();
        let names = REMOVED.get_or_init(|| std::env::var("SAFELIGHT_REMOVED").unwrap_or_default());
        names.split(',').any(|name| name == mechanism.name())
    }
    #[cfg(not(feature = "faults"))]
    {
        let _ = mechanism;
        false
    }
}

/// As sudden as `kill -9`: no destructor, no flush, nothing after it runs.
#[cfg(feature = "faults")]
fn kill_own_process() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    unreachable!("nothing runs after SIGKILL")
}
