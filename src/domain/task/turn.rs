//! Turns: in which order tasks are handed out, so that nobody's many tasks keep others from their one.
//!
//! Each caller has a line for each priority. A new task gets a rank that never changes: one step behind the last task of its line, or
//! behind the present of the queue if its line is empty. The least rank goes first. So the lines take turns however long they are, a line
//! with shorter steps gets more of them, and whatever waits comes to the front in the end, since ranks are only given out behind it. This is
//! start-time fair queueing (P. Goyal, H. Vin, H. Cheng, 1996) with a price of one for every task.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How soon a task gets its turn, beside the others of its caller and of everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// A quarter of the turns of a normal one.
    Low,
    /// What nobody asks for.
    #[default]
    Normal,
    /// Four times the turns of a normal one.
    High,
}

impl Priority {
    /// All of them, lowest first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Normal, Self::High];

    /// The priority's name in the database, in replies and in requests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    /// The distance between two tasks of a line.
    fn step(self) -> u64 {
        match self {
            Self::Low => 16,
            Self::Normal => 4,
            Self::High => 1,
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text was not a priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a priority: expected low, normal or high")]
pub struct InvalidPriority;

impl FromStr for Priority {
    type Err = InvalidPriority;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == text.trim_ascii()).ok_or(InvalidPriority)
    }
}

/// The place of a task among all that wait; the least goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank(pub u64);

impl Rank {
    /// The rank of a new task: `present` is the greatest rank that was handed out, `last` the rank of the task before it in its line.
    #[must_use]
    pub fn behind(present: Self, last: Self, priority: Priority) -> Self {
        Self(present.max(last).0.saturating_add(priority.step()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts tasks of these lines in their order; every line is full from the beginning.
    fn order(lines: &[(&'static str, Priority, usize)]) -> Vec<&'static str> {
        let mut waiting: Vec<(Rank, usize, &str)> = Vec::new();
        for (name, priority, tasks) in lines {
            let mut last = Rank::default();
            for _ in 0..*tasks {
                last = Rank::behind(Rank::default(), last, *priority);
                waiting.push((last, waiting.len(), name));
            }
        }
        waiting.sort();
        waiting.into_iter().map(|(_, _, name)| name).collect()
    }

    #[test]
    fn lines_take_turns_and_higher_ones_get_more_of_them() {
        assert_eq!(order(&[("a", Priority::Normal, 4), ("b", Priority::Normal, 2)]), ["a", "b", "a", "b", "a", "a"]);
        let mixed = order(&[("low", Priority::Low, 2), ("normal", Priority::Normal, 8), ("high", Priority::High, 32)]);
        let first = |name: &str| mixed.iter().take(21).filter(|taken| **taken == name).count();
        assert_eq!((first("low"), first("normal"), first("high")), (1, 4, 16), "{mixed:?}");
    }

    #[test]
    fn an_empty_line_begins_at_the_present() {
        let present = Rank(1000);
        assert_eq!(Rank::behind(present, Rank(7), Priority::Normal), Rank(1004), "no turns are saved up");
        assert_eq!(Rank::behind(present, Rank(5000), Priority::Normal), Rank(5004), "a long line goes on behind its end");
    }

    #[test]
    fn a_priority_reads_what_it_prints() {
        for priority in Priority::ALL {
            assert_eq!(priority.to_string().parse(), Ok(priority));
        }
        assert_eq!("urgent".parse::<Priority>(), Err(InvalidPriority));
    }
}
