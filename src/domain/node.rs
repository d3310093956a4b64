//! Nodes: the servers that share a database, what each of them is for, and what it tells of itself.

use std::fmt;
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
    /// Its supervision tree in short: an object.
    pub tree: Value,
    /// When the next heartbeat is to be expected.
    pub interval: Duration,
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
            tree: Value::Null,
            interval: Duration::from_secs(5),
        };
        let node = |draining, seconds| {
            let silent_for = Duration::from_secs(seconds);
            Node { told: told(draining), started_at: Timestamp(0), heard_at: Timestamp(0), silent_for, is_janitor: false }.state()
        };
        assert_eq!([node(false, 15), node(true, 15), node(true, 16)], [NodeState::Running, NodeState::Draining, NodeState::Silent]);
    }
}
