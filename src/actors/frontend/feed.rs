//! Feeds of events: first those that are in the store, then those that happen.

use std::collections::VecDeque;
use std::sync::Arc;

use actix::{Addr, AsyncContext, Context, Handler, Message, ResponseActFuture, WrapFuture};

use crate::actors::frontend::{ASK_DEADLINE, Frontend, FrontendError, Services, questions};
use crate::actors::notifier::{GetEventSpan, PageOfEvents, Subscribe, Subscription};
use crate::domain::access::Caller;
use crate::domain::faults;
use crate::domain::ids::TaskId;
use crate::domain::task::{Event, EventNo, News, Task};
use crate::domain::timestamp::Timestamp;
use crate::stores::events::{EventFilter, EventPage, EventQuery, EventSpan};

/// Events that a feed reads from the store at once: many feeds may begin at the same moment.
const PAGE: usize = 64;

/// Asks for the events of one task, or of all tasks that the caller may see.
#[derive(Message)]
#[rtype(result = "Result<Feed, FrontendError>")]
pub struct OpenFeed {
    /// Who asks.
    pub caller: Caller,
    /// The task, or all of them.
    pub task: Option<TaskId>,
    /// The last event that the client has seen.
    pub after: Option<EventNo>,
}

impl Handler<OpenFeed> for Frontend {
    type Result = ResponseActFuture<Self, Result<Feed, FrontendError>>;

    fn handle(&mut self, OpenFeed { caller, task, after }: OpenFeed, context: &mut Context<Self>) -> Self::Result {
        faults::point("frontend.open_feed");
        Box::pin(open(self.services.clone(), context.address(), caller, task, after).into_actor(self))
    }
}

/// Asks for events that happened; whose they may be is said by the query.
#[derive(Message)]
#[rtype(result = "Result<EventPage, FrontendError>")]
struct ReadEvents(EventQuery);

impl Handler<ReadEvents> for Frontend {
    type Result = ResponseActFuture<Self, Result<EventPage, FrontendError>>;

    fn handle(&mut self, ReadEvents(query): ReadEvents, _: &mut Context<Self>) -> Self::Result {
        let page = self.services.notifier.send(PageOfEvents(query)).timeout(ASK_DEADLINE);
        Box::pin(async move { Ok(page.await??) }.into_actor(self))
    }
}

/// What a feed tells.
#[derive(Debug, Clone)]
pub enum Told {
    /// An event.
    Event(Arc<Event>),
    /// Events that the client asked for were forgotten, or are those of another server; what follows begins behind this number.
    Gap(EventNo),
}

/// Events on their way to one client. Whoever drops it leaves nothing behind.
pub struct Feed {
    frontend: Addr<Frontend>,
    filter: EventFilter,
    /// What is to be told next.
    ready: VecDeque<Told>,
    /// The last event that was read, from the store or as it happened.
    seen: EventNo,
    /// Whether the store may hold more than was read.
    replaying: bool,
    live: Option<Subscription>,
    /// Of one task: as it was when the feed was opened. The end of that run ends the feed.
    task: Option<Task>,
    /// Whether the client knows the state of the task.
    knows_state: bool,
    over: bool,
}

/// Subscribes first and reads afterwards, so that nothing falls between.
async fn open(
    services: Services,
    frontend: Addr<Frontend>,
    caller: Caller,
    task: Option<TaskId>,
    after: Option<EventNo>,
) -> Result<Feed, FrontendError> {
    if let Some(id) = task {
        questions::visible(&services, caller, id).await?;
    }
    let filter = EventFilter { task, caller: if task.is_none() { caller.confined_to() } else { None } };
    let live = services.notifier.send(Subscribe { filter }).timeout(ASK_DEADLINE).await??;
    let EventSpan { oldest, latest } = services.notifier.send(GetEventSpan).timeout(ASK_DEADLINE).await??;
    let task = match task {
        Some(id) => Some(questions::visible(&services, caller, id).await?),
        None => None,
    };
    let is_gap = after.is_some_and(|after| after.0.saturating_add(1) < oldest.0 || after > latest);
    let before_oldest = EventNo(oldest.0.saturating_sub(1));
    let seen = match after {
        Some(after) if !is_gap => after,
        // A feed of one task begins with the task, one of all with the present.
        None if task.is_none() => live.from,
        _ => before_oldest,
    };
    let ready = if is_gap && task.is_none() { VecDeque::from([Told::Gap(seen)]) } else { VecDeque::new() };
    let knows_state = after.is_some() && !is_gap;
    Ok(Feed { frontend, filter, ready, seen, replaying: true, live: Some(live), task, knows_state, over: false })
}

impl Feed {
    /// Whether a client that has seen everything until here will never be told anything.
    pub async fn is_over(&mut self) -> bool {
        while self.replaying && self.ready.is_empty() {
            self.read_on().await;
        }
        self.ready.is_empty() && self.live.is_none() && !self.over
    }

    /// What is to be told next; `None` at the end: that of the task's run, or one after which the client may come back and go on behind
    /// what it has seen. A call that is dropped loses nothing.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            if self.over {
                return None;
            }
            if let Some(told) = self.ready.pop_front() {
                self.over = self.ends_with(&told);
                return Some(told);
            }
            if self.replaying {
                self.read_on().await;
                continue;
            }
            let event = self.live.as_mut()?.next().await?;
            if event.no > self.seen {
                self.seen = event.no;
                self.ready.push_back(Told::Event(event));
            }
        }
    }

    /// Reads the next page of what happened. What cannot be read ends the feed: the client comes back.
    async fn read_on(&mut self) {
        let query = EventQuery { after: self.seen, filter: self.filter, limit: PAGE };
        let Ok(Ok(EventPage { events, next })) = self.frontend.send(ReadEvents(query)).timeout(ASK_DEADLINE).await else {
            (self.replaying, self.over) = (false, true);
            return;
        };
        self.seen = events.last().map(|event| event.no).max(next).unwrap_or(self.seen);
        self.knows_state |= events.iter().any(|event| matches!(event.news, News::State { .. }));
        self.ready.extend(events.into_iter().map(|event| Told::Event(Arc::new(event))));
        if next.is_none() {
            self.replaying = false;
            self.finish_replay();
        }
    }

    /// The past is told. A task whose events were forgotten is told as it is, and one that had ended by then has no future.
    fn finish_replay(&mut self) {
        let Some(task) = &self.task else { return };
        if !self.knows_state {
            let event = Event { no: self.seen, task: task.id, caller: task.caller, at: Timestamp::now(), news: News::state_of(task) };
            self.ready.push_back(Told::Event(Arc::new(event)));
        }
        if !task.state.is_open() {
            self.live = None;
        }
    }

    /// Whether nothing more will happen to the task in the run that it was opened in.
    fn ends_with(&self, told: &Told) -> bool {
        match (told, &self.task) {
            (Told::Event(event), Some(task)) => event.news.ends_run().is_some_and(|run| run >= task.run),
            _ => false,
        }
    }
}
