//! How often something is done again and again that takes a moment as a rule, and sometimes long.

use std::time::{Duration, Instant};

/// What took long is done again after so many times what it took: it has a fiftieth of the time.
pub const SHARE: u32 = 50;

/// When something is done again: not before a pause, and so seldom that it takes only a small part of the time; but whatever it took, it is done
/// again after the longest pause.
#[derive(Debug)]
pub struct Pace {
    pause: Duration,
    longest: Duration,
    next: Option<Instant>,
}

impl Pace {
    /// The first time is at once; from then on `pause` lies between two beginnings at the least, and at most `longest` between an end and the
    /// next beginning.
    #[must_use]
    pub fn new(pause: Duration, longest: Duration) -> Self {
        Self { pause, longest, next: None }
    }

    /// Whether it is time; whoever is told so does it.
    pub fn begin(&mut self, now: Instant) -> bool {
        let due = self.next.is_none_or(|next| now >= next);
        if due {
            self.next = Some(now + self.pause);
        }
        due
    }

    /// It was done, and took so long.
    pub fn end(&mut self, now: Instant, took: Duration) {
        self.next = self.next.max(Some(now + took.saturating_mul(SHARE).min(self.longest)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);
    const LONGEST: Duration = Duration::from_secs(4);

    #[test]
    fn it_is_done_after_a_pause() {
        let (mut pace, now) = (Pace::new(Duration::from_secs(1), LONGEST), Instant::now());
        assert!(pace.begin(now));
        pace.end(now + MOMENT, MOMENT);
        assert!(!pace.begin(now + Duration::from_millis(999)));
        assert!(pace.begin(now + Duration::from_secs(1)));
    }

    #[test]
    fn what_takes_long_is_done_seldom() {
        let (mut pace, now) = (Pace::new(Duration::ZERO, LONGEST), Instant::now());
        for _ in 0..3 {
            assert!(pace.begin(now), "what takes no time is done whenever it is asked for");
            pace.end(now, Duration::ZERO);
        }
        pace.end(now, MOMENT);
        assert!(!pace.begin(now + MOMENT * (SHARE - 1)));
        assert!(pace.begin(now + MOMENT * SHARE));
        pace.end(now, Duration::from_mins(1));
        assert!(!pace.begin(now + LONGEST - MOMENT));
        assert!(pace.begin(now + LONGEST), "but it is done");
    }
}
