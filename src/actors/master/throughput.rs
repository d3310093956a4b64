//! How fast tasks end, and how long one takes, measured over the last ones, to tell clients when to come back.
//!
//! A task may be worked on by any server that shares the database, so what the others have measured counts like what was measured here:
//! rates and workers are added up, and times of work are averaged over the workers. To go by this server's own time alone would be wrong
//! wherever machines are not alike, and most of all where it has few workers or none.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::domain::node::{Measured, Workforce};

/// How many endings the estimate looks back on.
const WINDOW: usize = 128;

/// Estimates stay between these, however little is known.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Endings are never taken to have come within less time than this, so that a rate is a number.
const SHORTEST_SPAN: Duration = Duration::from_millis(1);

/// What the latest piece of work counts in the mean of all; the older one is, the less it counts.
const LATEST_SHARE: f64 = 1.0 / 16.0;

/// The instants of the last endings and the mean time of work, and what the other servers told of theirs.
#[derive(Debug, Default)]
pub(super) struct Throughput {
    endings: VecDeque<Instant>,
    /// Seconds in a worker's hands.
    mean_work: Option<f64>,
    /// All other servers together.
    others: Workforce,
}

impl Throughput {
    /// A task ended; says whether it is the first.
    pub(super) fn record(&mut self, now: Instant) -> bool {
        let is_first = self.endings.is_empty();
        if self.endings.len() == WINDOW {
            self.endings.pop_front();
        }
        self.endings.push_back(now);
        is_first
    }

    /// A worker had a task in hand for so long, and ended it.
    pub(super) fn record_work(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        self.mean_work = Some(self.mean_work.map_or(took, |mean| mean + (took - mean) * LATEST_SHARE));
    }

    /// The other servers have told what they can do.
    pub(super) fn hear(&mut self, others: Workforce) {
        self.others = others;
    }

    /// What was measured here.
    #[must_use]
    pub(super) fn measured(&self, now: Instant) -> Measured {
        let mean_work = self.mean_work.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Measured { mean_work, rate: self.rate(now) }
    }

    /// How many tasks end here in a second.
    fn rate(&self, now: Instant) -> f64 {
        let Some(first) = self.endings.front() else { return 0.0 };
        self.endings.len() as f64 / now.saturating_duration_since(*first).max(SHORTEST_SPAN).as_secs_f64()
    }

    /// How long `workers` workers of this server and those of the others will take for `tasks` tasks, the last one included; `None` while
    /// there is no worker or nobody has measured anything.
    #[must_use]
    pub(super) fn time_for(&self, tasks: u64, workers: u32, now: Instant) -> Option<Duration> {
        let all = Workforce::of(workers, self.measured(now)) + self.others;
        let rounds = tasks.checked_next_multiple_of(all.workers)? / all.workers;
        Duration::try_from_secs_f64(all.mean_work()?.as_secs_f64() * rounds as f64).ok()
    }

    /// How long `tasks` tasks will take at the rate of all servers; short while nothing was measured.
    #[must_use]
    pub(super) fn wait_for(&self, tasks: u64, now: Instant) -> Duration {
        let rate = self.rate(now) + self.others.rate;
        if rate <= 0.0 {
            return SHORTEST_WAIT;
        }
        Duration::try_from_secs_f64(tasks as f64 / rate).unwrap_or(LONGEST_WAIT).clamp(SHORTEST_WAIT, LONGEST_WAIT)
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
        let (mut throughput, now) = (Throughput::default(), Instant::now());
        assert_eq!(throughput.time_for(1, 2, now), None, "nothing was measured");
        throughput.record_work(Duration::from_secs(2));
        assert_eq!(throughput.time_for(1, 0, now), None, "nobody works");
        for (tasks, seconds) in [(1, 2), (2, 2), (3, 4), (100, 100)] {
            assert_eq!(throughput.time_for(tasks, 2, now), Some(Duration::from_secs(seconds)), "{tasks}");
        }
        throughput.record_work(Duration::from_secs(18));
        assert_eq!(throughput.time_for(1, 1, now), Some(Duration::from_secs(3)), "a sixteenth of the difference");
    }

    fn others(workers: u32, seconds: u64, rate: f64) -> Workforce {
        Workforce::of(workers, Measured { mean_work: Some(Duration::from_secs(seconds)), rate })
    }

    #[test]
    fn the_workers_of_others_count_as_well() {
        let (mut throughput, now) = (Throughput::default(), Instant::now());
        throughput.hear(others(2, 10, 0.0));
        assert_eq!(throughput.time_for(3, 0, now), Some(Duration::from_secs(20)), "nobody works here");
        assert_eq!(throughput.time_for(3, 1, now), Some(Duration::from_secs(10)), "three of them, one of whom has measured nothing yet");
        throughput.record_work(Duration::from_secs(4));
        assert_eq!(throughput.time_for(4, 2, now), Some(Duration::from_secs(7)), "the mean over the four");
        throughput.hear(Workforce::default());
        assert_eq!(throughput.time_for(4, 2, now), Some(Duration::from_secs(8)), "they are gone");
    }

    #[test]
    fn the_wait_goes_by_the_endings_of_all() {
        let (start, mut throughput) = (Instant::now(), Throughput::default());
        throughput.hear(others(1, 1, 0.5));
        assert_eq!(throughput.wait_for(10, start), Duration::from_secs(20), "nothing ended here");
        assert!(throughput.record(start), "the first");
        let now = start + Duration::from_secs(2);
        assert!(!throughput.record(now));
        assert_eq!(throughput.measured(now), Measured { mean_work: None, rate: 1.0 });
        assert_eq!(throughput.wait_for(30, now), Duration::from_secs(20), "one and a half in a second");
    }
}
