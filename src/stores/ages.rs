//! How long blobs have been there, on a clock that does not jump.
//!
//! The time stamps of files follow the wall clock. If it jumped a day ahead, the original of an upload whose row is about
//! to be committed would look a day old, and the sweep for orphans would destroy an acknowledged task.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::blob::BlobKey;
use crate::stores::Clock;

/// The puts of this opening, remembered in two generations of `limit` each.
pub(in crate::stores) struct Ages {
    clock: Clock,
    opened: Duration,
    limit: Duration,
    puts: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    began: Duration,
    current: HashMap<BlobKey, Duration>,
    former: HashMap<BlobKey, Duration>,
}

impl Ages {
    pub(in crate::stores) fn new(clock: Clock, limit: Duration) -> Self {
        let opened = clock();
        Self { clock, opened, limit, puts: Mutex::new(Generations { began: opened, ..Generations::default() }) }
    }

    /// Remembers that `key` is about to appear.
    pub(in crate::stores) fn record(&self, key: BlobKey) {
        let now = (self.clock)();
        let mut puts = self.puts.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(puts.began) > self.limit {
            puts.former = std::mem::take(&mut puts.current);
            puts.began = now;
        }
        puts.current.insert(key, now);
    }

    /// The same for one that was put in this opening, and not so long ago that it was forgotten.
    #[cfg(feature = "s3")]
    pub(in crate::stores) fn put_here(&self, key: BlobKey) -> Option<Duration> {
        let now = (self.clock)();
        let puts = self.puts.lock().unwrap_or_else(PoisonError::into_inner);
        let since = puts.current.get(&key).or_else(|| puts.former.get(&key)).copied()?;
        Some(now.saturating_sub(since).min(self.limit))
    }

    /// How long `key` has been there at least; at most the limit. What was there before the opening is as old as that.
    pub(in crate::stores) fn of(&self, key: BlobKey) -> Duration {
        let now = (self.clock)();
        let puts = self.puts.lock().unwrap_or_else(PoisonError::into_inner);
        let since = puts.current.get(&key).or_else(|| puts.former.get(&key)).copied().unwrap_or(self.opened);
        now.saturating_sub(since).min(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::domain::ids::TaskId;

    #[test]
    fn ages_grow_to_the_limit_and_are_never_greater_than_true() {
        let seconds = Arc::new(AtomicU64::new(1000));
        let hand = Arc::clone(&seconds);
        let ages = Ages::new(Arc::new(move || Duration::from_secs(hand.load(Ordering::SeqCst))), Duration::from_secs(60));
        let mut put = Vec::new();
        for step in 0..100 {
            let key = BlobKey::Original(TaskId::random());
            ages.record(key);
            put.push((key, 1000 + step * 7));
            seconds.fetch_add(7, Ordering::SeqCst);
            let now = seconds.load(Ordering::SeqCst);
            for (key, at) in &put {
                assert_eq!(ages.of(*key).as_secs(), (now - at).min(60));
            }
        }
        let puts = ages.puts.lock().unwrap();
        assert!(puts.current.len() + puts.former.len() <= 2 * (60 / 7 + 1), "old puts are forgotten");
    }

    #[test]
    fn what_was_there_before_is_as_old_as_the_opening() {
        let seconds = Arc::new(AtomicU64::new(5));
        let hand = Arc::clone(&seconds);
        let ages = Ages::new(Arc::new(move || Duration::from_secs(hand.load(Ordering::SeqCst))), Duration::from_secs(60));
        seconds.store(12, Ordering::SeqCst);
        assert_eq!(ages.of(BlobKey::Original(TaskId::random())).as_secs(), 7);
    }
}
