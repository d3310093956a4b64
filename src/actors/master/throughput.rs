//! How fast tasks end, and how long one takes, measured over the last ones, to tell clients when to come back.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many endings the estimate looks back on.
const WINDOW: usize = 128;

/// Estimates stay between these, however little is known.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What the latest piece of work counts in the mean of all; the older one is, the less it counts.
const LATEST_SHARE: f64 = 1.0 / 16.0;

/// The instants of the last endings, and the mean time of work.
#[derive(Debug, Default)]
pub(super) struct Throughput {
    endings: VecDeque<Instant>,
    /// Seconds in a worker's hands.
    mean_work: Option<f64>,
}

impl Throughput {
    /// A task ended.
    pub(super) fn record(&mut self, now: Instant) {
        if self.endings.len() == WINDOW {
            self.endings.pop_front();
        }
        self.endings.push_back(now);
    }

    /// A worker had a task in hand for so long, and ended it.
    pub(super) fn record_work(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        self.mean_work = Some(self.mean_work.map_or(took, |mean| mean + (took - mean) * LATEST_SHARE));
    }

    /// How long `workers` workers will take for `tasks` tasks, the last one included; `None` while there is no worker or nothing was measured.
    #[must_use]
    pub(super) fn time_for(&self, tasks: u64, workers: u64) -> Option<Duration> {
        let rounds = tasks.checked_next_multiple_of(workers)? / workers;
        Duration::try_from_secs_f64(self.mean_work? * rounds as f64).ok()
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

    #[test]
    fn an_estimate_is_the_mean_work_in_rounds_of_workers() {
        let mut throughput = Throughput::default();
        assert_eq!(throughput.time_for(1, 2), None, "nothing was measured");
        throughput.record_work(Duration::from_secs(2));
        assert_eq!(throughput.time_for(1, 0), None, "nobody works");
        for (tasks, seconds) in [(1, 2), (2, 2), (3, 4), (100, 100)] {
            assert_eq!(throughput.time_for(tasks, 2), Some(Duration::from_secs(seconds)), "{tasks}");
        }
        throughput.record_work(Duration::from_secs(18));
        assert_eq!(throughput.time_for(1, 1), Some(Duration::from_secs(3)), "a sixteenth of the difference");
    }
}
