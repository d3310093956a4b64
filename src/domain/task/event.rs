//! Events: what the owner of a task can see happen to it. Engines write them in the transaction of the change itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::access::KeyId;
use crate::domain::error_code::ErrorCode;
use crate::domain::format::Format;
use crate::domain::ids::TaskId;
use crate::domain::pipeline::VariantName;
use crate::domain::task::{Task, TaskState};
use crate::domain::timestamp::Timestamp;

/// The place of an event among all events of a server; grows from event to event, never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EventNo(pub u64);

impl fmt::Display for EventNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for EventNo {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// One thing that happened to one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place.
    pub no: EventNo,
    /// The task.
    pub task: TaskId,
    /// The key that the task belongs to.
    pub caller: Option<KeyId>,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub news: News,
}

/// What happened to a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum News {
    /// It entered a state, also the first one.
    State {
        /// The state.
        state: TaskState,
        /// The run.
        run: u32,
        /// Why the run failed, if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<ErrorCode>,
    },
    /// A result is there.
    Result {
        /// Of this variant.
        variant: VariantName,
        /// In this run.
        run: u32,
        /// The results that are there, this one included.
        done: u32,
        /// The results that there will be.
        of: u32,
        /// Its format.
        format: Format,
        /// Its length in bytes.
        bytes: u64,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    },
}

impl News {
    /// The state that a task is in, as if it had entered it now.
    #[must_use]
    pub fn state_of(task: &Task) -> Self {
        Self::State { state: task.state, run: task.run, code: task.failure.as_ref().map(|failure| failure.code) }
    }

    /// What a change has made of a task: first the results, then the state, each only where it is new.
    #[must_use]
    pub fn of_change(before: Option<&Task>, after: &Task) -> Vec<Self> {
        let is_new = |variant: &VariantName| before.is_none_or(|before| !before.results.contains_key(variant));
        let mut news: Vec<Self> = after.results.keys().filter(|variant| is_new(variant)).map(|variant| after.news_of(*variant)).collect();
        if before.is_none_or(|before| before.state != after.state) {
            news.push(Self::state_of(after));
        }
        news
    }

    /// The word for what kind of news it is.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::State { .. } => "state",
            Self::Result { .. } => "result",
        }
    }

    /// The run that ended by this, if one did: in that run nothing more will happen.
    #[must_use]
    pub fn ends_run(&self) -> Option<u32> {
        match self {
            Self::State { state, run, .. } if !state.is_open() => Some(*run),
            Self::State { .. } | Self::Result { .. } => None,
        }
    }
}

impl Task {
    /// That the result of a variant is there, which it is.
    fn news_of(&self, variant: VariantName) -> News {
        let result = &self.results[&variant];
        News::Result {
            variant,
            run: self.run,
            done: count(self.results.len()),
            of: count(self.variants.iter().count()),
            format: result.format,
            bytes: result.blob.len,
            width: result.width,
            height: result.height,
        }
    }
}

fn count(results: usize) -> u32 {
    u32::try_from(results).unwrap_or(u32::MAX)
}
