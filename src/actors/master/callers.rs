//! What each key holds, against its quota: tasks and bytes in flight, bytes stored.
//!
//! Like the backlog of all, it is counted along with the news and read again from the store every second, so it is right after a restart.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::actors::master::admission::Reserved;
use crate::domain::access::{Caller, KeyId};
use crate::stores::tasks::{CallerUsage, Usage};

/// Which part of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaPart {
    /// `tasks_in_flight`.
    TasksInFlight,
    /// `bytes_in_flight`.
    BytesInFlight,
    /// `stored_bytes`.
    StoredBytes,
}

impl fmt::Display for QuotaPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TasksInFlight => "tasks_in_flight",
            Self::BytesInFlight => "bytes_in_flight",
            Self::StoredBytes => "stored_bytes",
        })
    }
}

/// A quota that an upload would exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key's {part} is {limit}; it holds {held}, and this upload counts {asked}")]
pub struct QuotaExceeded {
    /// Which part.
    pub part: QuotaPart,
    /// How much there may be.
    pub limit: u64,
    /// How much there is.
    pub held: u64,
    /// How much is asked for.
    pub asked: u64,
}

impl QuotaExceeded {
    /// Whether the upload has too many bytes even if the key held none.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        self.part != QuotaPart::TasksInFlight && self.asked > self.limit
    }
}

/// What one key holds.
#[derive(Debug, Default)]
struct Holdings {
    /// As the store counts it.
    usage: Usage,
    /// By uploads under way.
    reserved: Arc<Reserved>,
}

impl Holdings {
    /// What there would be too much of, first what frees itself soonest.
    fn exceeded(&self, caller: Caller, bytes: u64) -> Option<QuotaExceeded> {
        let (quota, uploading) = (caller.quota(), self.reserved.held());
        let parts = [
            (QuotaPart::TasksInFlight, quota.tasks_in_flight, self.usage.tasks + uploading.tasks, 1),
            (QuotaPart::BytesInFlight, quota.bytes_in_flight, self.usage.bytes + uploading.bytes, bytes),
            (QuotaPart::StoredBytes, quota.stored_bytes, self.usage.stored + uploading.bytes, bytes),
        ];
        let exceeded = |(part, limit, held, asked): (_, Option<u64>, u64, u64)| {
            limit.filter(|limit| held.saturating_add(asked) > *limit).map(|limit| QuotaExceeded { part, limit, held, asked })
        };
        parts.into_iter().find_map(exceeded)
    }
}

/// What every key holds.
#[derive(Debug, Default)]
pub(super) struct Callers(HashMap<KeyId, Holdings>);

impl Callers {
    /// Whether a caller may upload so many bytes.
    pub(super) fn check(&self, caller: Caller, bytes: u64) -> Result<(), QuotaExceeded> {
        let nothing = Holdings::default();
        let holdings = caller.key().and_then(|key| self.0.get(&key)).unwrap_or(&nothing);
        holdings.exceeded(caller, bytes).map_or(Ok(()), Err)
    }

    /// Where uploads of a key under way are counted.
    pub(super) fn reserved(&mut self, key: KeyId) -> Arc<Reserved> {
        Arc::clone(&self.0.entry(key).or_default().reserved)
    }

    /// What a key's unfinished tasks come to, uploads under way excluded.
    pub(super) fn unfinished(&self, caller: Caller) -> u64 {
        caller.key().and_then(|key| self.0.get(&key)).map_or(0, |holdings| holdings.usage.tasks)
    }

    /// A task of `bytes` was inserted.
    pub(super) fn task_inserted(&mut self, key: KeyId, bytes: u64) {
        let usage = &mut self.0.entry(key).or_default().usage;
        usage.tasks += 1;
        usage.bytes += bytes;
        usage.stored += bytes;
    }

    /// A task of `bytes` reached a terminal state.
    pub(super) fn task_ended(&mut self, key: KeyId, bytes: u64) {
        let usage = &mut self.0.entry(key).or_default().usage;
        usage.tasks = usage.tasks.saturating_sub(1);
        usage.bytes = usage.bytes.saturating_sub(bytes);
    }

    /// The store's own count replaces the running one; keys that hold nothing are forgotten.
    pub(super) fn recount(&mut self, usages: Vec<CallerUsage>) {
        self.0.retain(|_, holdings| holdings.reserved.held().tasks > 0);
        self.0.values_mut().for_each(|holdings| holdings.usage = Usage::default());
        for CallerUsage { caller, usage } in usages {
            self.0.entry(caller).or_default().usage = usage;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::{Quota, Scopes};

    const KEY: KeyId = KeyId([1; 8]);

    fn caller(key: KeyId) -> Caller {
        let quota = Quota { tasks_in_flight: Some(2), bytes_in_flight: Some(100), stored_bytes: Some(150), ..Quota::default() };
        Caller::holder(key, Scopes::ALL, quota)
    }

    #[test]
    fn each_part_of_a_quota_is_counted_for_its_key_alone() {
        let mut callers = Callers::default();
        let check = |callers: &Callers, bytes| callers.check(caller(KEY), bytes).map_err(|exceeded| (exceeded.part, exceeded.held));
        assert_eq!(check(&callers, 100), Ok(()));
        assert_eq!(check(&callers, 101), Err((QuotaPart::BytesInFlight, 0)));
        callers.task_inserted(KEY, 60);
        assert_eq!(check(&callers, 41), Err((QuotaPart::BytesInFlight, 60)));
        callers.task_inserted(KEY, 40);
        assert_eq!(check(&callers, 0), Err((QuotaPart::TasksInFlight, 2)));
        assert_eq!(callers.check(caller(KeyId([2; 8])), 100), Ok(()), "another key");
        assert_eq!(callers.check(Caller::LOCAL, u64::MAX), Ok(()), "nobody's quota");
        callers.task_ended(KEY, 60);
        callers.task_ended(KEY, 40);
        assert_eq!(check(&callers, 50), Ok(()));
        assert_eq!(check(&callers, 51), Err((QuotaPart::StoredBytes, 100)), "what has ended is still stored");
        callers.recount(vec![]);
        assert_eq!(check(&callers, 100), Ok(()));
        callers.recount(vec![CallerUsage { caller: KEY, usage: Usage { tasks: 2, bytes: 1, stored: 1 } }]);
        assert_eq!((check(&callers, 0), callers.unfinished(caller(KEY))), (Err((QuotaPart::TasksInFlight, 2)), 2));
    }

    #[test]
    fn what_can_never_fit_is_told_apart() {
        let told = |bytes| Callers::default().check(caller(KEY), bytes).map_err(|exceeded| exceeded.is_hopeless());
        assert_eq!((told(100), told(101)), (Ok(()), Err(true)));
    }
}
