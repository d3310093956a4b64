//! One delivery: what it tells of, where it stands, and what an attempt makes of it.
//!
//! ```text
//! waiting -> delivered        (a 2xx)
//!    ^  |--> given_up         (410, or no 2xx for as long as it is tried)
//!    '--'    any of them -> waiting, when it is to be sent again
//! ```

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

use crate::domain::ids::TaskId;
use crate::domain::task::TaskState;
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{DeliveryId, WebhookId};

/// What an endpoint is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// A task has finished.
    Finished,
    /// A run of a task has failed.
    Failed,
    /// A run of a task was cancelled.
    Cancelled,
}

impl Occasion {
    const ALL: [Self; 3] = [Self::Finished, Self::Failed, Self::Cancelled];

    /// What there is to tell when a task goes from one state to another.
    #[must_use]
    pub fn of_change(before: TaskState, after: TaskState) -> Option<Self> {
        match after {
            _ if !before.is_open() => None,
            TaskState::Finished => Some(Self::Finished),
            TaskState::Failed => Some(Self::Failed),
            TaskState::Cancelled => Some(Self::Cancelled),
            TaskState::NotStarted | TaskState::InProgress | TaskState::Deleting => None,
        }
    }

    /// Its name in what is sent (`type`), in the database and in lists.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "task.finished",
            Self::Failed => "task.failed",
            Self::Cancelled => "task.cancelled",
        }
    }
}

/// The text was not the name of an occasion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an occasion: expected one of task.finished, task.failed, task.cancelled")]
pub struct InvalidOccasion;

impl FromStr for Occasion {
    type Err = InvalidOccasion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|occasion| occasion.as_str() == text).ok_or(InvalidOccasion)
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is sent at its `next_at`, for the first time or again.
    Waiting,
    /// The endpoint has taken it.
    Delivered,
    /// It is not sent any more unless somebody says so.
    GivenUp,
}

impl DeliveryState {
    const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::GivenUp];

    /// Its name in the database and in lists.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text was not the name of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a delivery's state: expected one of waiting, delivered, given_up")]
pub struct InvalidDeliveryState;

impl FromStr for DeliveryState {
    type Err = InvalidDeliveryState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(InvalidDeliveryState)
    }
}

/// A delivery as it was at one moment: a copy of its row. Its moments go by the calendar of the engine, which no jump of the wall clock
/// moves while the server runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its name.
    pub id: DeliveryId,
    /// Where it goes.
    pub webhook: WebhookId,
    /// The task that it tells of, which may be gone.
    pub task: TaskId,
    /// What it tells.
    pub occasion: Occasion,
    /// What is sent: the same bytes at every attempt.
    pub body: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was sent.
    pub attempts: u32,
    /// How often since it was last to be sent anew.
    pub tries: u32,
    /// When it happened.
    pub created_at: Timestamp,
    /// When it was last to be sent anew.
    pub began_at: Timestamp,
    /// When it is sent next; there exactly while it waits.
    pub next_at: Option<Timestamp>,
    /// When it was delivered or given up.
    pub ended_at: Option<Timestamp>,
    /// When the last attempt at it ended.
    pub last_at: Option<Timestamp>,
    /// What that attempt came to.
    pub last: Option<Attempted>,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempted {
    /// The endpoint answered with this status.
    Answered(u16),
    /// It did not answer: why, in words.
    Unanswered(String),
}

impl Attempted {
    /// Whether the endpoint has taken the delivery.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }

    /// Whether the endpoint wants nothing any more (410, as the specification of Standard Webhooks has it).
    fn is_gone(&self) -> bool {
        matches!(self, Self::Answered(410))
    }
}

/// How long a delivery is tried, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The pause after the first attempt; it doubles from one to the next.
    pub min: Duration,
    /// The longest pause.
    pub max: Duration,
    /// After so long there is no further attempt.
    pub give_up: Duration,
}

impl Patience {
    /// The pause after so many attempts: between a half of the full one and all of it, by `luck` from 0 to 1, so that an endpoint that
    /// comes back is not met by everything at once.
    fn pause(&self, tries: u32, luck: f64) -> Duration {
        let full =
            2_u32.checked_pow(tries.saturating_sub(1)).and_then(|times| self.min.checked_mul(times)).unwrap_or(self.max).min(self.max);
        full.mul_f64(0.5 + luck.clamp(0.0, 1.0) / 2.0)
    }
}

impl Delivery {
    /// What a task's end makes for its endpoint.
    #[must_use]
    pub fn new(webhook: WebhookId, task: TaskId, occasion: Occasion, body: String, now: Timestamp) -> Self {
        Self {
            id: DeliveryId::random(),
            webhook,
            task,
            occasion,
            body,
            state: DeliveryState::Waiting,
            attempts: 0,
            tries: 0,
            created_at: now,
            began_at: now,
            next_at: Some(now),
            ended_at: None,
            last_at: None,
            last: None,
        }
    }

    /// The delivery after an attempt. One that was delivered meanwhile stays so: a late failure takes nothing back.
    #[must_use]
    pub fn after(self, attempted: Attempted, patience: &Patience, luck: f64, now: Timestamp) -> Self {
        let (attempts, tries) = (self.attempts.saturating_add(1), self.tries.saturating_add(1));
        let next_at = now.after(patience.pause(tries, luck));
        let (state, next_at) = if attempted.is_taken() {
            (DeliveryState::Delivered, None)
        } else if self.state != DeliveryState::Waiting {
            (self.state, None)
        } else if attempted.is_gone() || next_at > self.began_at.after(patience.give_up) {
            (DeliveryState::GivenUp, None)
        } else {
            (DeliveryState::Waiting, Some(next_at))
        };
        let ended_at = if next_at.is_none() { self.ended_at.or(Some(now)) } else { None };
        Self { state, attempts, tries, next_at, ended_at, last_at: Some(now), last: Some(attempted), ..self }
    }

    /// The delivery, to be sent anew and at once, whatever became of it.
    #[must_use]
    pub fn replayed(self, now: Timestamp) -> Self {
        Self { state: DeliveryState::Waiting, tries: 0, began_at: now, next_at: Some(now), ended_at: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { min: Duration::from_secs(5), max: Duration::from_mins(1), give_up: Duration::from_mins(10) };

    fn delivery() -> Delivery {
        Delivery::new(WebhookId::random(), TaskId::random(), Occasion::Finished, "{}".to_owned(), Timestamp(0))
    }

    #[test]
    fn an_end_is_told_once_for_each_run() {
        use TaskState::{Cancelled, Deleting, Failed, Finished, InProgress, NotStarted};
        for (before, after, told) in [
            (InProgress, Finished, Some(Occasion::Finished)),
            (InProgress, Failed, Some(Occasion::Failed)),
            (NotStarted, Cancelled, Some(Occasion::Cancelled)),
            (InProgress, NotStarted, None),
            (Failed, NotStarted, None),
            (Finished, Finished, None),
            (Finished, Deleting, None),
        ] {
            assert_eq!(Occasion::of_change(before, after), told, "{before} to {after}");
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_shrink_by_half_at_most() {
        let pauses = |luck| [1, 2, 3, 4, 5, 40, u32::MAX].map(|tries| PATIENCE.pause(tries, luck).as_millis());
        assert_eq!(pauses(1.0), [5000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
        assert_eq!(pauses(0.0), [2500, 5000, 10_000, 20_000, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn a_delivery_is_tried_until_it_is_taken() {
        let failed = delivery().after(Attempted::Answered(500), &PATIENCE, 1.0, Timestamp(100));
        assert_eq!((failed.state, failed.next_at, failed.ended_at), (DeliveryState::Waiting, Some(Timestamp(5100)), None));
        for status in [199, 300, 302, 404] {
            assert_eq!(
                delivery().after(Attempted::Answered(status), &PATIENCE, 1.0, Timestamp(0)).state,
                DeliveryState::Waiting,
                "{status}"
            );
        }
        let taken = failed.after(Attempted::Answered(204), &PATIENCE, 1.0, Timestamp(5200));
        assert_eq!(
            (taken.state, taken.next_at, taken.ended_at, taken.attempts),
            (DeliveryState::Delivered, None, Some(Timestamp(5200)), 2)
        );
        let late = taken.after(Attempted::Unanswered("too late".to_owned()), &PATIENCE, 1.0, Timestamp(9000));
        assert_eq!(late.state, DeliveryState::Delivered);
    }

    #[test]
    fn a_delivery_is_given_up_in_the_end() {
        let failed = |delivery: Delivery, now| delivery.after(Attempted::Unanswered("refused".to_owned()), &PATIENCE, 1.0, Timestamp(now));
        // 600 s are over when the next attempt, 5 s later, would be.
        assert_eq!(failed(delivery(), 595_000).state, DeliveryState::Waiting);
        let given_up = failed(delivery(), 595_001);
        assert_eq!((given_up.state, given_up.next_at, given_up.ended_at), (DeliveryState::GivenUp, None, Some(Timestamp(595_001))));
        let again = given_up.replayed(Timestamp(700_000));
        assert_eq!((again.state, again.next_at, again.tries, again.attempts), (DeliveryState::Waiting, Some(Timestamp(700_000)), 0, 1));
        assert_eq!(failed(again, 700_000).next_at, Some(Timestamp(705_000)), "from the beginning");
        assert_eq!(delivery().after(Attempted::Answered(410), &PATIENCE, 1.0, Timestamp(0)).state, DeliveryState::GivenUp);
    }
}
