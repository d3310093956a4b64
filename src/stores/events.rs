//! What every store of events promises. Events are written by the store of tasks, in the transaction of the change that they tell of;
//! here they are read and, when there are too many, forgotten.

use futures::future::BoxFuture;

use crate::domain::access::KeyId;
use crate::domain::ids::TaskId;
use crate::domain::task::{Event, EventNo};
use crate::stores::tasks::TaskStoreError;

/// A store of events.
///
/// Events become visible in the order of their numbers: once one was read, no event with a lower number appears any more. So
/// whoever reads behind the last number that they have seen misses nothing.
pub trait EventStore: Send + Sync {
    /// One page of events, in the order of their numbers.
    fn page(&self, query: EventQuery) -> BoxFuture<'static, Result<EventPage, TaskStoreError>>;

    /// Which events there are.
    fn span(&self) -> BoxFuture<'static, Result<EventSpan, TaskStoreError>>;

    /// Forgets the oldest events until at most `keep` are left, at most [`EventQuery::MAX_LIMIT`] at a time; replies how many it forgot.
    fn forget(&self, keep: u64) -> BoxFuture<'static, Result<u64, TaskStoreError>>;
}

/// Asks for one page of events.
#[derive(Clone, Copy, Debug)]
pub struct EventQuery {
    /// Only events behind this one.
    pub after: EventNo,
    /// Which of them.
    pub filter: EventFilter,
    /// At most so many; engines cap it at [`EventQuery::MAX_LIMIT`], and 0 reads as 1.
    pub limit: usize,
}

impl EventQuery {
    /// The longest page.
    pub const MAX_LIMIT: usize = 10_000;
}

/// Which events are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only those of this task.
    pub task: Option<TaskId>,
    /// Only those of tasks that belong to this key.
    pub caller: Option<KeyId>,
}

impl EventFilter {
    /// Whether an event is meant.
    #[must_use]
    pub fn includes(&self, event: &Event) -> bool {
        self.task.is_none_or(|task| event.task == task) && self.caller.is_none_or(|caller| event.caller == Some(caller))
    }
}

/// One page of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// In the order of their numbers.
    pub events: Vec<Event>,
    /// The last number of this page where there are more behind it.
    pub next: Option<EventNo>,
}

/// Which events there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventSpan {
    /// The oldest that was not forgotten; the one that will be written next if there is none.
    pub oldest: EventNo,
    /// The latest that was ever written; zero before the first.
    pub latest: EventNo,
}
