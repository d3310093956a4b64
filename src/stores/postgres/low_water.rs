//! From where on a claim reads the queue.
//!
//! The index entries of tasks that were handed out stay where they are for as long as anybody looks at the database as it was before: a
//! dump, a forgotten transaction. A claim that began at the head of the queue would walk over all of them, over more with every claim. So a
//! node begins where its last claim ended. Whatever begins to wait gets a rank behind all that were handed out, and what comes back has an
//! index of its own, so that nothing is left behind; except by a transaction that was under way meanwhile: its ranks may be from before, and
//! what it had locked may be free again. That is found by a look from the beginning.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::pace::Pace;

/// How often a claim looks from the beginning, unless that takes long.
const WHOLE: Duration = Duration::from_secs(1);

/// How often it does so at the least, however long it takes.
const SELDOM: Duration = Duration::from_mins(5);

/// A place in the queue: the rank and the number of a task.
pub(super) type Place = (i64, i64);

/// Before every task.
const BEGINNING: Place = (i64::MIN, i64::MIN);

/// Where one claim begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// It reads tasks at this place and behind it.
    pub(super) tasks: Place,
    /// It ends backoffs of this moment and later ones.
    pub(super) backoffs: i64,
    /// It passes over nothing.
    whole: bool,
}

/// How far one claim came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached {
    /// The last task that it found, of those that nobody has had before.
    pub(super) tasks: Option<Place>,
    /// Every backoff up to this moment has ended, as far as the claim could see.
    pub(super) backoffs: i64,
    /// How long it looked.
    pub(super) took: Duration,
}

/// The place that a node's claims have come to. In memory: a node that begins anew looks from the beginning.
pub(super) struct LowWater(Mutex<Marks>);

struct Marks {
    tasks: Place,
    backoffs: i64,
    whole: Pace,
}

impl LowWater {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Marks { tasks: BEGINNING, backoffs: i64::MIN, whole: Pace::new(WHOLE, SELDOM) }))
    }

    /// Where the next claim begins.
    pub(super) fn start(&self, now: Instant) -> Start {
        let mut marks = self.marks();
        if marks.whole.begin(now) {
            Start { tasks: BEGINNING, backoffs: i64::MIN, whole: true }
        } else {
            Start { tasks: marks.tasks, backoffs: marks.backoffs, whole: false }
        }
    }

    /// A claim is committed. The mark goes back, too: behind the last one of those that were passed over there may be more of them.
    pub(super) fn reached(&self, start: Start, reached: Reached, now: Instant) {
        let mut marks = self.marks();
        marks.tasks = reached.tasks.unwrap_or(marks.tasks);
        marks.backoffs = reached.backoffs;
        if start.whole {
            marks.whole.end(now, reached.took);
        }
    }

    /// A claim came to nothing in the database. One that looked from the beginning may have found that this takes too long.
    pub(super) fn failed(&self, start: Start, now: Instant, took: Duration) {
        if start.whole {
            self.marks().whole.end(now, took);
        }
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        // Whatever is in there, the next look from the beginning puts it right.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pace::SHARE;

    const FAST: Duration = Duration::from_millis(1);

    fn reached(rank: i64, took: Duration) -> Reached {
        Reached { tasks: Some((rank, 7)), backoffs: rank * 10, took }
    }

    #[test]
    fn a_claim_begins_where_the_one_before_has_ended() {
        let (low_water, now) = (LowWater::new(), Instant::now());
        let first = low_water.start(now);
        assert_eq!((first.tasks, first.whole), (BEGINNING, true), "nothing is known yet");
        low_water.reached(first, reached(40, FAST), now);
        let second = low_water.start(now);
        assert_eq!((second.tasks, second.backoffs, second.whole), ((40, 7), 400, false));
        low_water.reached(second, Reached { tasks: None, backoffs: 500, took: FAST }, now);
        assert_eq!(low_water.start(now), Start { tasks: (40, 7), backoffs: 500, whole: false }, "there was nothing behind it");
    }

    #[test]
    fn once_a_second_one_begins_at_the_beginning_and_what_it_finds_is_followed() {
        let (low_water, now) = (LowWater::new(), Instant::now());
        low_water.reached(low_water.start(now), reached(40, FAST), now);
        assert!(!low_water.start(now + WHOLE - FAST).whole);
        let whole = low_water.start(now + WHOLE);
        assert!(whole.whole && whole.tasks == BEGINNING);
        assert!(!low_water.start(now + WHOLE).whole, "one of those that are under way is enough");
        low_water.reached(whole, reached(3, FAST), now + WHOLE);
        assert_eq!(low_water.start(now + WHOLE).tasks, (3, 7), "more may have been passed over");
    }

    #[test]
    fn what_takes_long_is_done_seldom() {
        let (low_water, now) = (LowWater::new(), Instant::now());
        let took = Duration::from_millis(200);
        low_water.reached(low_water.start(now), reached(40, took), now);
        assert!(!low_water.start(now + took * (SHARE - 1)).whole);
        let whole = low_water.start(now + took * SHARE);
        assert!(whole.whole);
        let later = now + Duration::from_mins(1);
        low_water.failed(whole, later, Duration::from_secs(5));
        assert!(!low_water.start(later + Duration::from_secs(249)).whole, "one that was given up took its time, too");
        assert!(low_water.start(later + Duration::from_secs(250)).whole);
    }
}
