//! How fast tasks end, measured over the last ones, to tell clients when to come back.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many endings the estimate looks back on.
const WINDOW: usize = 128;

/// Estimates stay between these, however little is known.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The instants of the last endings.
#[derive(Debug, Default)]
pub(super) struct Throughput {
    endings: VecDeque<Instant>,
}

impl Throughput {
    /// A task ended.
    pub(super) fn record(&mut self, now: Instant) {
        if self.endings.len() == WINDOW {
            self.endings.pop_front();
        }
        self.endings.push_back(now);
    }

    /// How long `tasks` tasks will take at the measured rate; short while nothing was measured.
    #[must_use]
    pub(super) fn wait_for(&self, tasks: u64, now: Instant) -> Duration {
        let Some(first) = self.endings.front() else { return SHORTEST_WAIT };
        let each = now.saturating_duration_since(*first).as_secs_f64() / self.endings.len() as f64;
        Duration::try_from_secs_f64(each * tasks as f64).unwrap_or(LONGEST_WAIT).clamp(SHORTEST_WAIT, LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_the_queue_over_the_rate() {
        let start = Instant::now();
        let mut throughput = Throughput::default();
        assert_eq!(throughput.wait_for(1000, start), SHORTEST_WAIT);
        for second in 0..200 {
            throughput.record(start + Duration::from_secs(second));
        }
        let now = start + Duration::from_secs(200);
        assert_eq!(throughput.wait_for(60, now), Duration::from_secs(60));
        assert_eq!(throughput.wait_for(u64::MAX, now), LONGEST_WAIT);
    }
}
