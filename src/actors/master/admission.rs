//! Admission: permits for tasks and for bytes, given out before a body is read and held until the task ends.
//!
//! A permit covers the time of the upload; from its insertion on, a task is counted through the backlog that the store
//! reports, so the count is right again after every restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::domain::error_code::ErrorCode;
use crate::stores::tasks::Backlog;

/// How much unfinished work the server holds at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// Tasks, uploads under way included.
    pub tasks: u64,
    /// Bytes of their originals; an upload of unknown length counts as the longest one allowed.
    pub bytes: u64,
    /// The longest upload allowed, in bytes.
    pub upload_bytes: u64,
}

/// Why no work is taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusalReason {
    /// The limits on tasks or bytes are reached.
    #[error("the server holds as many unfinished images as it may")]
    Full,
    /// The server is stopping.
    #[error("the server is stopping and takes no new images")]
    Draining,
}

/// A refusal, with an estimate of when to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; try again in {} s", .retry_after.as_secs())]
pub struct Refusal {
    /// Why.
    pub reason: RefusalReason,
    /// When to try again.
    pub retry_after: Duration,
}

impl Refusal {
    /// The public code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self.reason {
            RefusalReason::Full => ErrorCode::QueueFull,
            RefusalReason::Draining => ErrorCode::Draining,
        }
    }
}

/// What uploads under way have reserved.
#[derive(Debug, Default)]
struct Reserved {
    tasks: AtomicU64,
    bytes: AtomicU64,
}

/// The right to upload one image; gives its reservation back when dropped.
#[derive(Debug)]
pub struct Permit {
    reserved: Arc<Reserved>,
    bytes: u64,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.reserved.tasks.fetch_sub(1, Ordering::Relaxed);
        self.reserved.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Decides who may upload.
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    reserved: Arc<Reserved>,
    backlog: Backlog,
    draining: bool,
    refused: u64,
}

impl Admission {
    /// Takes work up to `limits`, nothing held yet.
    #[must_use]
    pub fn new(limits: AdmissionLimits) -> Self {
        let backlog = Backlog { tasks: 0, bytes: 0 };
        Self { limits, reserved: Arc::default(), backlog, draining: false, refused: 0 }
    }

    /// A permit for an upload of `length` bytes (`None`: unknown).
    ///
    /// # Errors
    /// When the server drains or holds as much as it may; `wait` estimates how long the backlog needs.
    pub fn admit(&mut self, length: Option<u64>, wait: Duration) -> Result<Permit, Refusal> {
        let bytes = length.unwrap_or(self.limits.upload_bytes);
        self.check(bytes, wait).inspect_err(|_| self.refused += 1)?;
        self.reserved.tasks.fetch_add(1, Ordering::Relaxed);
        self.reserved.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(Permit { reserved: Arc::clone(&self.reserved), bytes })
    }

    /// Whether an upload of `bytes` would be admitted.
    ///
    /// # Errors
    /// As [`Admission::admit`].
    pub fn check(&self, bytes: u64, wait: Duration) -> Result<(), Refusal> {
        let tasks = self.backlog.tasks + self.reserved.tasks.load(Ordering::Relaxed) + 1;
        let held = self.backlog.bytes + self.reserved.bytes.load(Ordering::Relaxed);
        let reason = if self.draining {
            RefusalReason::Draining
        } else if tasks > self.limits.tasks || held.saturating_add(bytes) > self.limits.bytes {
            RefusalReason::Full
        } else {
            return Ok(());
        };
        Err(Refusal { reason, retry_after: wait })
    }

    /// From now on every upload is refused.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// Whether the server is stopping.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining
    }

    /// A task of `bytes` was inserted.
    pub fn task_inserted(&mut self, bytes: u64) {
        self.backlog.tasks += 1;
        self.backlog.bytes += bytes;
    }

    /// A task of `bytes` reached a terminal state.
    pub fn task_ended(&mut self, bytes: u64) {
        self.backlog.tasks = self.backlog.tasks.saturating_sub(1);
        self.backlog.bytes = self.backlog.bytes.saturating_sub(bytes);
    }

    /// The store's own count replaces the running one.
    pub fn recount(&mut self, backlog: Backlog) {
        self.backlog = backlog;
    }

    /// Unfinished tasks, without uploads under way.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        self.backlog
    }

    /// Uploads under way.
    #[must_use]
    pub fn uploading(&self) -> u64 {
        self.reserved.tasks.load(Ordering::Relaxed)
    }

    /// Uploads refused since the last start.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(7);

    fn admission() -> Admission {
        Admission::new(AdmissionLimits { tasks: 3, bytes: 100, upload_bytes: 60 })
    }

    #[test]
    fn tasks_and_bytes_are_bounded_and_given_back() {
        let mut admission = admission();
        let unknown = admission.admit(None, WAIT).expect("60 of 100 bytes");
        assert_eq!(admission.admit(Some(41), WAIT).expect_err("101 of 100 bytes").reason, RefusalReason::Full);
        let _small = admission.admit(Some(40), WAIT).expect("100 of 100 bytes");
        drop(unknown);
        let _empty = admission.admit(Some(0), WAIT).expect("2 of 3 tasks");
        let _third = admission.admit(Some(0), WAIT).expect("3 of 3 tasks");
        let refusal = admission.admit(Some(0), WAIT).expect_err("4 of 3 tasks");
        assert_eq!((refusal.reason, refusal.retry_after, admission.refused()), (RefusalReason::Full, WAIT, 2));
    }

    #[test]
    fn a_task_is_held_until_it_ends() {
        let mut admission = admission();
        drop(admission.admit(Some(90), WAIT).expect("empty"));
        admission.task_inserted(90);
        assert!(admission.check(20, WAIT).is_err());
        admission.task_ended(90);
        assert!(admission.check(20, WAIT).is_ok());
        admission.recount(Backlog { tasks: 3, bytes: 0 });
        assert!(admission.check(0, WAIT).is_err());
    }

    #[test]
    fn a_draining_server_takes_nothing() {
        let mut admission = admission();
        admission.drain();
        assert_eq!(admission.admit(Some(1), WAIT).expect_err("draining").code(), ErrorCode::Draining);
    }
}
