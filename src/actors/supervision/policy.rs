//! How failures are answered: restart kinds, strategies, and how many restarts, how fast. Pure values, valid once built.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// When a child that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restart {
    /// Always.
    #[default]
    Permanent,
    /// Only when it failed; one that ended normally is done.
    Transient,
    /// Never; also not when a sibling's failure stopped it.
    Temporary,
}

/// Whom a child's failure takes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Only the child that failed is restarted.
    OneForOne,
    /// The child that failed and all started after it are stopped in reverse order and started again in order.
    RestForOne,
    /// All children are stopped in reverse order and started again in order.
    OneForAll,
}

/// Pauses before restarts: they double from `min` to `max` with every failure in a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The pause before the first restart; zero restarts at once, without a timer.
    pub min: Duration,
    /// No pause is longer (before jitter).
    pub max: Duration,
    /// Each pause is multiplied by a random factor from `1.0 - jitter` to `1.0 + jitter`; from 0.0 to 1.0.
    pub jitter: f64,
    /// A child that was up for this long since its last failure, siblings' restarts aside, starts again at `min` when it fails.
    pub reset_after: Duration,
}

impl Backoff {
    /// Restart at once, always.
    pub const NONE: Backoff = Backoff { min: Duration::ZERO, max: Duration::ZERO, jitter: 0.0, reset_after: Duration::ZERO };

    /// The pause before a restart after `earlier` failures in a row, with `random` from 0.0 to 1.0 as the jitter's dice.
    pub fn pause(&self, earlier: u32, random: f64) -> Duration {
        let factor = 1.0 + self.jitter * (2.0 * random - 1.0);
        self.base(earlier).mul_f64(factor)
    }

    fn base(&self, earlier: u32) -> Duration {
        let doubled = 2u32.checked_pow(earlier).and_then(|factor| self.min.checked_mul(factor));
        doubled.map_or(self.max, |pause| pause.min(self.max))
    }

    /// The longest that `restarts` in a row can pause, all together.
    fn longest(&self, restarts: u32) -> Duration {
        (0..restarts).fold(Duration::ZERO, |sum, earlier| sum.saturating_add(self.pause(earlier, 1.0)))
    }
}

/// How many restarts a supervisor allows, and how it spaces them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    intensity: u32,
    period: Duration,
    backoff: Backoff,
}

impl Policy {
    /// More than `intensity` failures within `period` end the supervisor itself: it escalates.
    ///
    /// # Errors
    /// [`PolicyError`] when the backoff is not sensible, or is so slow that `intensity` failures never fall into one `period`,
    /// so that a child that always fails would be restarted for ever.
    pub fn new(intensity: u32, period: Duration, backoff: Backoff) -> Result<Self, PolicyError> {
        if !(0.0..=1.0).contains(&backoff.jitter) {
            return Err(PolicyError::Jitter(backoff.jitter));
        }
        if backoff.min > backoff.max {
            return Err(PolicyError::MinAboveMax { min: backoff.min, max: backoff.max });
        }
        let longest = backoff.longest(intensity);
        if period <= longest {
            return Err(PolicyError::EscalationUnreachable { period, intensity, longest });
        }
        Ok(Self { intensity, period, backoff })
    }

    /// The number of failures within the period that are still answered by a restart.
    pub fn intensity(&self) -> u32 {
        self.intensity
    }

    /// The window in which failures are counted.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// The pauses before restarts.
    pub fn backoff(&self) -> Backoff {
        self.backoff
    }
}

impl Default for Policy {
    /// Five restarts within a minute, pausing 100 ms, 200 ms, ... up to 5 s, a fifth more or less. A child that was up for twelve
    /// seconds begins at 100 ms again: who fails that seldom is never escalated, and need not be away longer each time.
    fn default() -> Self {
        let (intensity, period) = (5, Duration::from_secs(60));
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(5));
        let backoff = Backoff { min, max, jitter: 0.2, reset_after: period / intensity };
        Self::new(intensity, period, backoff).expect("the pauses sum up to 3.72 s at most, far below a minute")
    }
}

/// A policy that cannot work.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PolicyError {
    /// The jitter is not a share.
    #[error("the jitter of a backoff must be from 0 to 1, not {0}")]
    Jitter(f64),
    /// The pauses would have to shrink.
    #[error("the smallest pause {min:?} of a backoff must not exceed the longest, {max:?}")]
    MinAboveMax {
        /// The smallest pause.
        min: Duration,
        /// The longest pause.
        max: Duration,
    },
    /// The pauses alone outlast the period.
    #[error(
        "{intensity} restarts may pause for {longest:?} together; make the period longer than that (it is {period:?}) or the pauses shorter, or no failure is ever escalated"
    )]
    EscalationUnreachable {
        /// The window in which failures are counted.
        period: Duration,
        /// The failures allowed within it.
        intensity: u32,
        /// What the pauses between them sum up to.
        longest: Duration,
    },
}
