//! Admission: permits for tasks and for bytes, given out before a body is read and held until the task ends.
//!
//! Each key has a share of its own, as far as it has a quota (`callers`).
//!
//! A permit covers the time of the upload; from its insertion on, a task is counted through the backlog that the store
//! reports, so the count is right again after every restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::actors::master::callers::{Callers, QuotaExceeded, QuotaPart};
use crate::domain::access::{Caller, KeyId};
use crate::domain::error_code::ErrorCode;
use crate::stores::tasks::{Backlog, CallerUsage};

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
    /// Nothing can be inserted.
    #[error("the database of tasks does not answer")]
    DatabaseAway,
    /// The caller holds as much as its key may.
    #[error("{0}")]
    Quota(QuotaExceeded),
}

/// A refusal, with an estimate of when to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; {}", advice(.reason, *.retry_after))]
pub struct Refusal {
    /// Why.
    pub reason: RefusalReason,
    /// When to try again.
    pub retry_after: Duration,
}

fn advice(reason: &RefusalReason, wait: Duration) -> String {
    match reason {
        RefusalReason::Quota(exceeded) if exceeded.is_hopeless() => "it can never be taken".to_owned(),
        RefusalReason::Quota(QuotaExceeded { part: QuotaPart::StoredBytes, .. }) => "delete tasks, or wait until some expire".to_owned(),
        _ => format!("try again in {} s", wait.as_secs()),
    }
}

impl Refusal {
    /// The public code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self.reason {
            RefusalReason::Full => ErrorCode::QueueFull,
            RefusalReason::Draining => ErrorCode::Draining,
            RefusalReason::DatabaseAway => ErrorCode::Unavailable,
            RefusalReason::Quota(exceeded) if exceeded.is_hopeless() => ErrorCode::PayloadTooLarge,
            RefusalReason::Quota(QuotaExceeded { part, .. }) => match part {
                QuotaPart::TasksInFlight => ErrorCode::TooManyTasksInFlight,
                QuotaPart::BytesInFlight => ErrorCode::TooManyBytesInFlight,
                QuotaPart::StoredBytes => ErrorCode::TooManyStoredBytes,
            },
        }
    }

    /// When to try again, where that can help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        (self.code() != ErrorCode::PayloadTooLarge).then_some(self.retry_after)
    }
}

/// What uploads under way have reserved.
#[derive(Debug, Default)]
pub(super) struct Reserved {
    tasks: AtomicU64,
    bytes: AtomicU64,
}

impl Reserved {
    pub(super) fn held(&self) -> Backlog {
        Backlog { tasks: self.tasks.load(Ordering::Relaxed), bytes: self.bytes.load(Ordering::Relaxed) }
    }

    fn take(&self, bytes: u64) {
        self.tasks.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: u64) {
        self.tasks.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The right to upload one image; gives its reservation back when dropped.
#[derive(Debug)]
pub struct Permit {
    /// The server's, and the caller's.
    reserved: [Option<Arc<Reserved>>; 2],
    bytes: u64,
    caller: Option<KeyId>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.reserved.iter().flatten().for_each(|reserved| reserved.give_back(self.bytes));
    }
}

/// Decides who may upload.
#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    reserved: Arc<Reserved>,
    backlog: Backlog,
    callers: Callers,
    draining: bool,
    /// How often in a row the store was asked for its count and did not tell it.
    unanswered: u32,
    refused: u64,
}

/// After so many the database counts as away: one may be slow.
const AWAY: u32 = 2;

impl Admission {
    /// Takes work up to `limits`, nothing held yet.
    #[must_use]
    pub fn new(limits: AdmissionLimits) -> Self {
        let backlog = Backlog { tasks: 0, bytes: 0 };
        Self { limits, reserved: Arc::default(), backlog, callers: Callers::default(), draining: false, unanswered: 0, refused: 0 }
    }

    /// A permit for an upload of `length` bytes (`None`: unknown).
    ///
    /// # Errors
    /// When the server drains, or holds as much as it may of this caller or of all; `wait` estimates how long so many tasks need.
    pub fn admit(&mut self, caller: Caller, length: Option<u64>, wait: impl Fn(u64) -> Duration) -> Result<Permit, Refusal> {
        let bytes = length.unwrap_or(self.limits.upload_bytes);
        self.check(caller, bytes, wait).inspect_err(|_| self.refused += 1)?;
        let own = caller.key().map(|key| self.callers.reserved(key));
        let reserved = [Some(Arc::clone(&self.reserved)), own];
        reserved.iter().flatten().for_each(|reserved| reserved.take(bytes));
        Ok(Permit { reserved, bytes, caller: caller.key() })
    }

    /// Whether an upload of `bytes` would be admitted.
    ///
    /// # Errors
    /// As [`Admission::admit`].
    pub fn check(&self, caller: Caller, bytes: u64, wait: impl Fn(u64) -> Duration) -> Result<(), Refusal> {
        let uploading = self.reserved.held();
        let (tasks, held) = (self.backlog.tasks + uploading.tasks, self.backlog.bytes + uploading.bytes);
        let reason = if let Some(reason) = self.standstill() {
            reason
        } else if let Err(exceeded) = self.callers.check(caller, bytes) {
            RefusalReason::Quota(exceeded)
        } else if tasks >= self.limits.tasks || held.saturating_add(bytes) > self.limits.bytes {
            RefusalReason::Full
        } else {
            return Ok(());
        };
        Err(Refusal { reason, retry_after: wait(self.in_the_way(caller, reason)) })
    }

    /// Why nothing goes on here, uploads or work.
    pub(super) fn standstill(&self) -> Option<RefusalReason> {
        let away = (self.unanswered >= AWAY).then_some(RefusalReason::DatabaseAway);
        if self.draining { Some(RefusalReason::Draining) } else { away }
    }

    /// How many tasks must end, by a guess, before trying again makes sense. One of the caller's own ends when its share of all has come up.
    fn in_the_way(&self, caller: Caller, reason: RefusalReason) -> u64 {
        match reason {
            RefusalReason::Full | RefusalReason::Draining => self.backlog.tasks,
            RefusalReason::DatabaseAway => 0,
            RefusalReason::Quota(QuotaExceeded { part: QuotaPart::StoredBytes, .. }) => u64::MAX,
            RefusalReason::Quota(_) => self.backlog.tasks.div_ceil(self.callers.unfinished(caller).max(1)),
        }
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

    /// A task of `bytes` was inserted; its permit ends.
    pub fn task_inserted(&mut self, permit: &Permit, bytes: u64) {
        self.backlog.tasks += 1;
        self.backlog.bytes += bytes;
        if let Some(key) = permit.caller {
            self.callers.task_inserted(key, bytes);
        }
    }

    /// A task of `bytes` reached a terminal state.
    pub fn task_ended(&mut self, caller: Option<KeyId>, bytes: u64) {
        self.backlog.tasks = self.backlog.tasks.saturating_sub(1);
        self.backlog.bytes = self.backlog.bytes.saturating_sub(bytes);
        if let Some(key) = caller {
            self.callers.task_ended(key, bytes);
        }
    }

    /// The store's own count replaces the running one.
    pub fn recount(&mut self, backlog: Backlog, callers: Vec<CallerUsage>) {
        self.unanswered = 0;
        self.backlog = backlog;
        self.callers.recount(callers);
    }

    /// The store did not tell its count. When that lasts, every upload is refused until it does: none could be inserted.
    pub fn not_counted(&mut self) {
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// Unfinished tasks, without uploads under way.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        self.backlog
    }

    /// Uploads under way.
    #[must_use]
    pub fn uploading(&self) -> u64 {
        self.reserved.held().tasks
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
    use crate::domain::access::{Quota, Scopes};
    use crate::stores::tasks::Usage;

    const ANYBODY: Caller = Caller::LOCAL;

    /// A second a task.
    fn wait(tasks: u64) -> Duration {
        Duration::from_secs(tasks)
    }

    fn admission() -> Admission {
        Admission::new(AdmissionLimits { tasks: 3, bytes: 100, upload_bytes: 60 })
    }

    #[test]
    fn tasks_and_bytes_are_bounded_and_given_back() {
        let mut admission = admission();
        let unknown = admission.admit(ANYBODY, None, wait).expect("60 of 100 bytes");
        assert_eq!(admission.admit(ANYBODY, Some(41), wait).expect_err("101 of 100 bytes").reason, RefusalReason::Full);
        let _small = admission.admit(ANYBODY, Some(40), wait).expect("100 of 100 bytes");
        drop(unknown);
        let _empty = admission.admit(ANYBODY, Some(0), wait).expect("2 of 3 tasks");
        let _third = admission.admit(ANYBODY, Some(0), wait).expect("3 of 3 tasks");
        let refusal = admission.admit(ANYBODY, Some(0), wait).expect_err("4 of 3 tasks");
        assert_eq!((refusal.reason, refusal.retry_after, admission.refused()), (RefusalReason::Full, Duration::ZERO, 2));
    }

    #[test]
    fn a_task_is_held_until_it_ends() {
        let mut admission = admission();
        let permit = admission.admit(ANYBODY, Some(90), wait).expect("empty");
        admission.task_inserted(&permit, 90);
        drop(permit);
        assert!(admission.check(ANYBODY, 20, wait).is_err());
        admission.task_ended(None, 90);
        assert!(admission.check(ANYBODY, 20, wait).is_ok());
        admission.recount(Backlog { tasks: 3, bytes: 0 }, Vec::new());
        assert!(admission.check(ANYBODY, 0, wait).is_err());
    }

    #[test]
    fn a_draining_server_takes_nothing() {
        let mut admission = admission();
        admission.drain();
        assert_eq!(admission.admit(ANYBODY, Some(1), wait).expect_err("draining").code(), ErrorCode::Draining);
    }

    #[test]
    fn a_store_that_is_silent_takes_nothing_until_it_answers() {
        let mut admission = admission();
        admission.not_counted();
        assert!(admission.check(ANYBODY, 1, wait).is_ok(), "it may be slow once");
        admission.not_counted();
        let refusal = admission.admit(ANYBODY, Some(1), wait).expect_err("away");
        assert_eq!((refusal.reason, refusal.code()), (RefusalReason::DatabaseAway, ErrorCode::Unavailable));
        admission.recount(Backlog { tasks: 0, bytes: 0 }, Vec::new());
        assert!(admission.check(ANYBODY, 1, wait).is_ok());
    }

    #[test]
    fn a_key_has_a_quota_of_its_own() {
        let mut admission = Admission::new(AdmissionLimits { tasks: 100, bytes: 1000, upload_bytes: 60 });
        let quota = Quota { tasks_in_flight: Some(2), stored_bytes: Some(500), ..Quota::NONE };
        let [one, other] = [1, 2].map(|id| Caller::holder(KeyId([id; 8]), Scopes::ALL, quota));
        let uploading = admission.admit(one, Some(10), wait).expect("1 of 2");
        let inserted = admission.admit(one, Some(10), wait).expect("2 of 2");
        admission.task_inserted(&inserted, 10);
        drop(inserted);
        admission.recount(
            Backlog { tasks: 31, bytes: 40 },
            vec![CallerUsage { caller: KeyId([1; 8]), usage: Usage { tasks: 1, bytes: 10, stored: 10 } }],
        );
        let refusal = admission.admit(one, Some(10), wait).expect_err("an upload and a task");
        assert_eq!((refusal.code(), refusal.retry_after()), (ErrorCode::TooManyTasksInFlight, Some(Duration::from_secs(31))), "one of 31");
        assert!(admission.admit(other, Some(10), wait).is_ok(), "another key");
        assert!(admission.admit(ANYBODY, Some(10), wait).is_ok(), "nobody's quota");
        drop(uploading);
        assert!(admission.admit(one, Some(10), wait).is_ok());
        let huge = admission.admit(one, Some(501), wait).expect_err("never");
        assert_eq!((huge.code(), huge.retry_after()), (ErrorCode::PayloadTooLarge, None));
        admission.drain();
        assert_eq!(admission.admit(one, Some(1), wait).expect_err("draining").code(), ErrorCode::Draining);
    }
}
