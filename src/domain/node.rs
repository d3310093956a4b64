//! Nodes: the servers that share a database, what each of them is for, what it tells of itself, and what they can do together.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::domain::timestamp::Timestamp;

/// What a server does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It serves clients and works on images.
    #[default]
    All,
    /// It serves clients; others work on what they hand in.
    Serve,
    /// It works on images that clients hand in elsewhere.
    Work,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::All, Self::Serve, Self::Work];

    /// Whether clients may use the server, and endpoints of webhooks are told by it.
    #[must_use]
    pub fn serves(self) -> bool {
        self != Self::Work
    }

    /// Whether the server has workers.
    #[must_use]
    pub fn works(self) -> bool {
        self != Self::Serve
    }

    /// The role's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Serve => "serve",
            Self::Work => "work",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a node tells of itself, again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    /// Its name.
    pub node: String,
    /// Tells one run of the server from the next.
    pub run: Uuid,
    /// What it is for.
    pub role: Role,
    /// The version of the program.
    pub version: String,
    /// Where it listens.
    pub address: String,
    /// Whether it is stopping.
    pub draining: bool,
    /// How many workers it has.
    pub workers: u32,
    /// How many of them have a task in hand.
    pub busy: u32,
    /// What it has measured of its work.
    pub measured: Measured,
    /// Its supervision tree in short: an object.
    pub tree: Value,
    /// When the next heartbeat is to be expected.
    pub interval: Duration,
}

impl Heartbeat {
    /// What the node can do.
    #[must_use]
    pub fn workforce(&self) -> Workforce {
        Workforce::of(self.workers, self.measured)
    }
}

/// What a node has measured of its work.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// How long a worker has a task in hand, on average; `None` before the first one.
    pub mean_work: Option<Duration>,
    /// How many tasks end in a second.
    pub rate: f64,
}

/// The workers of a node, or of several together, and what was measured of their work.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Workforce {
    /// How many there are.
    pub workers: u64,
    /// How many tasks end in a second.
    pub rate: f64,
    /// How many of the workers are those of nodes that know how long a task takes.
    measured: u64,
    /// How long tasks take at these nodes, in seconds: the sum over their workers.
    work: f64,
}

impl Workforce {
    /// That of one node.
    #[must_use]
    pub fn of(workers: u32, Measured { mean_work, rate }: Measured) -> Self {
        let workers = u64::from(workers);
        let measured = if mean_work.is_some() { workers } else { 0 };
        Self { workers, rate, measured, work: mean_work.unwrap_or_default().as_secs_f64() * measured as f64 }
    }

    /// How long one of the workers has a task in hand, on average over those of whom it is known; `None` where it is known of none.
    #[must_use]
    pub fn mean_work(&self) -> Option<Duration> {
        if self.measured == 0 {
            return None;
        }
        Duration::try_from_secs_f64(self.work / self.measured as f64).ok()
    }
}

impl Add for Workforce {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            workers: self.workers + other.workers,
            rate: self.rate + other.rate,
            measured: self.measured + other.measured,
            work: self.work + other.work,
        }
    }
}

impl Sum for Workforce {
    fn sum<I: Iterator<Item = Self>>(nodes: I) -> Self {
        nodes.fold(Self::default(), Add::add)
    }
}

/// A node as the others know it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it told last.
    pub told: Heartbeat,
    /// When this run of it began.
    pub started_at: Timestamp,
    /// When it was heard last.
    pub heard_at: Timestamp,
    /// How long ago that was, on the database's clock.
    pub silent_for: Duration,
    /// Whether it is the one that cleans up.
    pub is_janitor: bool,
}

/// How a node is, as far as others can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It does what it is for.
    Running,
    /// It is stopping.
    Draining,
    /// It was not heard when it should have been.
    Silent,
}

impl Node {
    /// How many heartbeats may be missing.
    pub const MISSING: u32 = 3;

    /// How it is.
    #[must_use]
    pub fn state(&self) -> NodeState {
        if self.silent_for > self.told.interval * Self::MISSING {
            NodeState::Silent
        } else if self.told.draining {
            NodeState::Draining
        } else {
            NodeState::Running
        }
    }
}

impl NodeState {
    /// The state's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Silent => "silent",
        }
    }
}

/// The text was not the name of a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a role: expected all, serve or work")]
pub struct InvalidRole(String);

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| InvalidRole(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_reads_what_it_prints_and_somebody_does_each_part() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert!("worker".parse::<Role>().is_err());
        assert_eq!(Role::ALL.map(|role| (role.serves(), role.works())), [(true, true), (true, false), (false, true)]);
    }

    #[test]
    fn a_node_is_what_it_told_until_three_heartbeats_are_missing() {
        let told = |draining| Heartbeat {
            node: "a".into(),
            run: Uuid::nil(),
            role: Role::All,
            version: "1".into(),
            address: "127.0.0.1:1".into(),
            draining,
            workers: 0,
            busy: 0,
            measured: Measured::default(),
            tree: Value::Null,
            interval: Duration::from_secs(5),
        };
        let node = |draining, seconds| {
            let silent_for = Duration::from_secs(seconds);
            Node { told: told(draining), started_at: Timestamp(0), heard_at: Timestamp(0), silent_for, is_janitor: false }.state()
        };
        assert_eq!([node(false, 15), node(true, 15), node(true, 16)], [NodeState::Running, NodeState::Draining, NodeState::Silent]);
    }

    #[test]
    fn workers_count_for_the_mean_where_it_was_measured() {
        let measured = |seconds: Option<u64>, rate| Measured { mean_work: seconds.map(Duration::from_secs), rate };
        let of = |workers, seconds, rate| Workforce::of(workers, measured(seconds, rate));
        let together = |nodes: &[Workforce]| nodes.iter().copied().sum::<Workforce>();
        assert_eq!((together(&[]).workers, together(&[]).mean_work()), (0, None));
        let (fast, slow, new) = (of(3, Some(2), 1.5), of(1, Some(10), 0.25), of(4, None, 0.0));
        assert_eq!(new.mean_work(), None);
        let all = together(&[fast, slow, new]);
        assert_eq!((all.workers, all.rate, all.mean_work()), (8, 1.75, Some(Duration::from_secs(4))));
        assert_eq!(together(&[of(0, Some(7), 1.0), fast]).mean_work(), fast.mean_work(), "who has no workers any more does not count");
    }
}
