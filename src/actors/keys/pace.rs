//! How often one key may be used, measured where its requests arrive (GCRA): one number, which every use moves on by its share of a minute,
//! whether it was let in here or by another server.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// In nanoseconds, as all times here.
const MINUTE: u64 = 60_000_000_000;

/// The measure of one key.
pub(super) struct Pace {
    limit: NonZeroU32,
    /// From when on times count.
    began: Instant,
    /// When as much is free as may be used in a minute. A use that would move it further away than that has to wait.
    all_free_at: AtomicU64,
    /// Uses that were let in here and that no other server was told of.
    untold: AtomicU64,
}

impl Pace {
    /// One that lets so many requests in within a minute, all of them at once if they come so.
    pub(super) fn new(limit: NonZeroU32) -> Self {
        Self { limit, began: Instant::now(), all_free_at: AtomicU64::new(0), untold: AtomicU64::new(0) }
    }

    /// Lets a request in, or says how long it has to wait.
    pub(super) fn admit(&self) -> Result<(), Duration> {
        self.admit_at(self.now())
    }

    fn admit_at(&self, now: u64) -> Result<(), Duration> {
        let share = self.share();
        let most = now.saturating_add(share * u64::from(self.limit.get()));
        let moved_on = |free_at: u64| Some(free_at.max(now).saturating_add(share)).filter(|then| *then <= most);
        match self.all_free_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, moved_on) {
            Ok(_) => {
                self.untold.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(free_at) => Err(Duration::from_nanos(free_at.saturating_add(share).saturating_sub(most))),
        }
    }

    /// Other servers have let so many requests in. What goes beyond the measure is waited for here as well.
    pub(super) fn charge(&self, uses: u64) {
        self.charge_at(self.now(), uses);
    }

    fn charge_at(&self, now: u64, uses: u64) {
        let shares = self.share().saturating_mul(uses);
        let moved_on = |free_at: u64| Some(free_at.max(now).saturating_add(shares));
        let _ = self.all_free_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, moved_on);
    }

    /// How many requests were let in here since this was asked last.
    pub(super) fn take_untold(&self) -> u64 {
        self.untold.swap(0, Ordering::Relaxed)
    }

    /// The time that one use takes out of a minute.
    fn share(&self) -> u64 {
        MINUTE / u64::from(self.limit.get())
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = MINUTE / 60;

    /// One use takes a second.
    fn pace() -> Pace {
        Pace::new(NonZeroU32::new(60).expect("not zero"))
    }

    /// How many of so many requests are let in.
    fn let_in(pace: &Pace, now: u64, requests: usize) -> usize {
        (0..requests).filter(|_| pace.admit_at(now).is_ok()).count()
    }

    #[test]
    fn all_of_a_minute_may_come_at_once_and_each_is_free_again_after_its_share() {
        let pace = pace();
        assert_eq!(let_in(&pace, 5 * SECOND, 100), 60);
        assert_eq!(pace.admit_at(5 * SECOND), Err(Duration::from_secs(1)));
        assert_eq!(pace.admit_at(6 * SECOND - 1), Err(Duration::from_nanos(1)));
        assert_eq!(let_in(&pace, 6 * SECOND, 100), 1);
        assert_eq!(let_in(&pace, 600 * SECOND, 100), 60, "nothing is saved up beyond a minute");
        assert_eq!((pace.take_untold(), pace.take_untold()), (121, 0));
    }

    #[test]
    fn the_fastest_and_the_slowest_pace_are_kept() {
        let [slowest, fastest] = [NonZeroU32::MIN, NonZeroU32::MAX].map(Pace::new);
        assert_eq!(let_in(&slowest, 0, 3), 1);
        assert_eq!(slowest.admit_at(0), Err(Duration::from_mins(1)));
        fastest.charge_at(0, u64::from(u32::MAX));
        assert!(fastest.admit_at(0).is_err());
        assert!(fastest.admit_at(SECOND).is_ok());
    }

    #[test]
    fn threads_that_ask_at_once_are_let_in_as_often_as_one() {
        let pace = pace();
        let counts: Vec<usize> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| let_in(&pace, 0, 60))).collect();
            threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
        });
        assert_eq!((counts.iter().sum::<usize>(), pace.take_untold()), (60, 60));
    }

    #[test]
    fn what_others_let_in_is_no_longer_free_and_what_went_beyond_is_waited_for() {
        let pace = pace();
        pace.charge_at(0, 59);
        assert_eq!(let_in(&pace, 0, 9), 1);
        pace.charge_at(0, 30);
        assert_eq!(pace.admit_at(0), Err(Duration::from_secs(31)));
        assert_eq!((let_in(&pace, 31 * SECOND - 1, 9), let_in(&pace, 31 * SECOND, 9)), (0, 1));
        assert_eq!(pace.take_untold(), 2, "the others know their own");
        pace.charge_at(31 * SECOND, u64::MAX);
        assert!(pace.admit_at(1000 * SECOND).is_err());
    }

    #[test]
    fn servers_that_tell_each_other_keep_the_pace_together() {
        let servers = [pace(), pace()];
        let mut all = 0;
        for tick in 1..=6000 {
            // Somebody asks at both, ten times a second and as often as it goes.
            let now = tick * SECOND / 10;
            all += servers.iter().map(|pace| let_in(pace, now, 100)).sum::<usize>();
            if tick % 10 == 0 {
                let [one, other] = servers.each_ref().map(Pace::take_untold);
                servers[0].charge_at(now, other);
                servers[1].charge_at(now, one);
            }
            if tick == 10 {
                assert_eq!(all, 120, "each knew of its own only");
            }
        }
        // A minute's worth at once, and then one a second; nothing is left of what went beyond.
        assert!((655..=663).contains(&all), "{all}");
    }
}
