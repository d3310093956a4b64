//! Medians, percentiles, and how they are printed.

use std::fmt;
use std::time::Duration;

use crate::server::Memory;

/// Some measurements of one thing, in order.
pub(crate) struct Sorted(Vec<f64>);

impl Sorted {
    pub(crate) fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// In milliseconds.
    pub(crate) fn of_times(times: impl IntoIterator<Item = Duration>) -> Self {
        Self::new(times.into_iter().map(|time| time.as_secs_f64() * 1e3))
    }

    /// The nearest rank: the least value that `percent` of all do not exceed; not a number if there are none.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        let rank = (percent / 100.0 * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        match self.0.as_slice() {
            [] => f64::NAN,
            values if values.len() % 2 == 1 => values[middle],
            values => (values[middle - 1] + values[middle]) / 2.0,
        }
    }

    fn range(&self) -> (f64, f64) {
        (self.percentile(0.0), self.percentile(100.0))
    }
}

/// Rounds that alternated between the server and its yardstick, in one run.
#[derive(Default)]
pub(crate) struct Rounds {
    server: Vec<f64>,
    yardstick: Vec<f64>,
}

impl Rounds {
    /// Notes a round, both rates in the same unit, and tells it.
    pub(crate) fn note(&mut self, server: f64, yardstick: f64) {
        self.server.push(server);
        self.yardstick.push(yardstick);
        println!("round {}: server {server:.1}/s, yardstick {yardstick:.1}/s, ratio {:.3}", self.server.len(), server / yardstick);
    }

    /// The row of the table in docs/benchmarks.md: the ratio is the median of the rounds' ratios.
    pub(crate) fn row(&self, figure: &str, goal: &str, command: &str) -> String {
        let (server, yardstick) = (Sorted::new(self.server.iter().copied()), Sorted::new(self.yardstick.iter().copied()));
        let ratios = Sorted::new(self.server.iter().zip(&self.yardstick).map(|(server, yardstick)| server / yardstick));
        let (low, high) = ratios.range();
        format!(
            "| {figure} | {goal} | **{:.2}** ({low:.2} to {high:.2}, {} rounds; {:.1}/s against {:.1}/s) | `{command}` |",
            ratios.median(),
            self.server.len(),
            server.median(),
            yardstick.median(),
        )
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} MB resident, {:.1} MB at its peak", self.resident as f64 / 1e6, self.peak as f64 / 1e6)
    }
}
