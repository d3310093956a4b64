//! The notifier: tells waiting clients and streams what happens to tasks.
//!
//! The events in the store are the truth, news of the task database only a hint that there are more of them: the notifier reads behind
//! the last one that it has told, so that news may be lost, merged or late without anybody missing anything. Whoever waits asks no
//! store meanwhile. What is lost is found by the tick.
//!
//! While nobody waits and no stream is open, no event is read: a server that only works would read those of all servers for nobody.

mod watchers;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseActFuture, Supervised, WrapFuture, fut};
use serde_json::json;

use crate::actors::supervision::{Details, InitResult, Service};
use crate::actors::task_db::{ChangedElsewhere, TasksChanged};
use crate::domain::faults;
use crate::domain::ids::TaskId;
use crate::domain::task::EventNo;
use crate::stores::events::{EventFilter, EventPage, EventQuery, EventSpan, EventStore};
use crate::stores::hints::Hint;
use crate::stores::tasks::TaskStoreError;

use watchers::Watchers;
pub use watchers::{NotWatched, Subscription, Waiter, WatchLimits, Woken};

/// How often the notifier looks for events that no news told of, and forgets who is gone.
const TICK: Duration = Duration::from_secs(1);

/// How often events are looked through for those that are too many.
const FORGET: Duration = Duration::from_secs(10);

/// Events read at once.
const PAGE: usize = 1000;

/// What the notifier needs; the same over restarts.
#[derive(Clone)]
pub struct NotifierDeps {
    /// The events.
    pub store: Arc<dyn EventStore>,
    /// How many are told.
    pub limits: WatchLimits,
    /// How many events are kept.
    pub keep: u64,
}

/// The actor. Who waits is forgotten by a restart, and comes back by itself.
pub struct Notifier {
    deps: NotifierDeps,
    watchers: Watchers,
    /// The last event that was told.
    told: EventNo,
    /// Whether events are read. Else `told` is of before, and is brought up to the present for whoever comes.
    awake: bool,
    reading: bool,
    /// News came while the store was read.
    again: bool,
    counters: NotifierCounters,
}

/// What the notifier counts since its last start.
#[derive(Debug, Default, Clone, Copy)]
struct NotifierCounters {
    events: u64,
    /// Events that the tick found.
    found_late: u64,
    forgotten: u64,
}

/// Why the store is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    News,
    Tick,
}

impl Notifier {
    /// A notifier that has told nobody yet.
    #[must_use]
    pub fn new(deps: NotifierDeps) -> Self {
        let counters = NotifierCounters::default();
        Self { deps, watchers: Watchers::default(), told: EventNo(0), awake: false, reading: false, again: false, counters }
    }

    /// Answers whoever wants to be told of something, once it is certain that everything from now on will be read.
    fn once_awake<T: 'static>(&mut self, answer: impl FnOnce(&mut Self) -> T + 'static) -> ResponseActFuture<Self, T> {
        if self.awake {
            return Box::pin(fut::ready(answer(self)));
        }
        let span = self.deps.store.span();
        Box::pin(span.into_actor(self).map(move |span, notifier, _| {
            notifier.wake_up(span);
            answer(notifier)
        }))
    }

    /// What happened while nobody was there to be told is no news.
    fn wake_up(&mut self, span: Result<EventSpan, TaskStoreError>) {
        if self.awake {
            return;
        }
        self.awake = true;
        match span {
            Ok(span) => self.told = self.told.max(span.latest),
            // Then more is told than is new, and nothing is missed.
            Err(error) => log::warn!(error:% = error; "the number of the last event could not be read"),
        }
    }

    /// Reads what is new and tells it; at most one page is read at a time.
    fn look(&mut self, cause: Cause, context: &mut Context<Self>) {
        if !self.awake {
            return;
        }
        if self.reading {
            self.again |= cause == Cause::News;
            return;
        }
        self.reading = true;
        let page = self.deps.store.page(EventQuery { after: self.told, filter: EventFilter::default(), limit: PAGE });
        context.spawn(page.into_actor(self).map(move |page, notifier, context| notifier.looked(page, cause, context)));
    }

    fn looked(&mut self, page: Result<EventPage, TaskStoreError>, cause: Cause, context: &mut Context<Self>) {
        faults::point("notifier.looked");
        self.reading = false;
        let again = std::mem::take(&mut self.again);
        match page {
            Ok(page) => {
                let more = page.next.is_some();
                self.tell(page, cause);
                if again || more {
                    self.look(Cause::News, context);
                }
            }
            // The tick tries again.
            Err(error) => log::warn!(error:% = error; "events could not be read"),
        }
    }

    fn tell(&mut self, EventPage { events, next }: EventPage, cause: Cause) {
        self.counters.events += events.len() as u64;
        if cause == Cause::Tick {
            self.counters.found_late += events.len() as u64;
        }
        // A page may have been asked for before `told` was brought up to the present.
        let told = self.told;
        self.told = events.last().map(|event| event.no).max(next).max(Some(told)).unwrap_or(told);
        events.into_iter().filter(|event| event.no > told).for_each(|event| self.watchers.tell(&Arc::new(event)));
    }

    fn tick(&mut self, context: &mut Context<Self>) {
        if faults::soft("notifier.tick") {
            return;
        }
        self.watchers.sweep();
        self.awake &= self.watchers.is_anybody_there();
        self.look(Cause::Tick, context);
    }

    /// Lets the store forget what is more than is kept. A store that holds no more is not written to.
    fn forget(&mut self, context: &mut Context<Self>) {
        let NotifierDeps { store, keep, .. } = self.deps.clone();
        let forgotten = async move {
            let EventSpan { oldest, latest } = store.span().await?;
            if (latest.0 + 1).saturating_sub(oldest.0) > keep { store.forget(keep).await } else { Ok(0) }
        };
        context.spawn(forgotten.into_actor(self).map(|forgotten, notifier, _| match forgotten {
            Ok(events) => notifier.counters.forgotten += events,
            Err(error) => log::warn!(error:% = error; "old events not forgotten; the next time goes on"),
        }));
    }
}

impl Actor for Notifier {
    type Context = Context<Self>;
}

impl Supervised for Notifier {}

impl Service for Notifier {
    /// What happened before is no news.
    fn init(&mut self, context: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        context.run_interval(TICK, Self::tick);
        context.run_interval(FORGET, Self::forget);
        let span = self.deps.store.span();
        Box::pin(span.into_actor(self).map(|span, notifier, _| {
            notifier.told = span?.latest;
            Ok(())
        }))
    }

    fn inspect(&self) -> Details {
        let NotifierCounters { events, found_late, forgotten } = self.counters;
        let counts = self.watchers.counts();
        let details = json!({
            "waiters": counts.waiters(),
            "streams": counts.streams(),
            "refused": counts.refused,
            "cut_off": counts.cut_off,
            "events": events,
            "found_late": found_late,
            "forgotten": forgotten,
            "last_event": self.told,
        });
        details.as_object().cloned().unwrap_or_default()
    }
}

impl Handler<TasksChanged> for Notifier {
    type Result = ();

    fn handle(&mut self, _: TasksChanged, context: &mut Context<Self>) {
        faults::point("notifier.tasks_changed");
        self.look(Cause::News, context);
    }
}

impl Handler<ChangedElsewhere> for Notifier {
    type Result = ();

    fn handle(&mut self, ChangedElsewhere(hint): ChangedElsewhere, context: &mut Context<Self>) {
        if hint.is_about(Hint::EVENTS) {
            self.look(Cause::News, context);
        }
    }
}

/// Asks to be told when a run of a task ends. What ended before is not told: whoever asks reads the task afterwards.
#[derive(Message)]
#[rtype(result = "Result<Waiter, NotWatched>")]
pub struct WatchTask {
    /// The task.
    pub id: TaskId,
}

impl Handler<WatchTask> for Notifier {
    type Result = ResponseActFuture<Self, Result<Waiter, NotWatched>>;

    fn handle(&mut self, WatchTask { id }: WatchTask, _: &mut Context<Self>) -> Self::Result {
        faults::point("notifier.watch_task");
        self.once_awake(move |notifier| notifier.watchers.wait(id, notifier.deps.limits))
    }
}

/// Asks to be told of events from now on.
#[derive(Message)]
#[rtype(result = "Result<Subscription, NotWatched>")]
pub struct Subscribe {
    /// Which.
    pub filter: EventFilter,
}

impl Handler<Subscribe> for Notifier {
    type Result = ResponseActFuture<Self, Result<Subscription, NotWatched>>;

    fn handle(&mut self, Subscribe { filter }: Subscribe, _: &mut Context<Self>) -> Self::Result {
        self.once_awake(move |notifier| notifier.watchers.subscribe(filter, notifier.told, notifier.deps.limits))
    }
}

/// Ends every wait and every stream, and lets nobody in any more: the server is stopping.
#[derive(Message)]
#[rtype(result = "()")]
pub struct EndWatches;

impl Handler<EndWatches> for Notifier {
    type Result = ();

    fn handle(&mut self, _: EndWatches, _: &mut Context<Self>) {
        self.watchers.stop();
    }
}

/// A page of events that happened.
#[derive(Message)]
#[rtype(result = "Result<EventPage, TaskStoreError>")]
pub struct PageOfEvents(pub EventQuery);

impl Handler<PageOfEvents> for Notifier {
    type Result = ResponseActFuture<Self, Result<EventPage, TaskStoreError>>;

    fn handle(&mut self, PageOfEvents(query): PageOfEvents, _: &mut Context<Self>) -> Self::Result {
        Box::pin(self.deps.store.page(query).into_actor(self))
    }
}

/// Which events there are.
#[derive(Message)]
#[rtype(result = "Result<EventSpan, TaskStoreError>")]
pub struct GetEventSpan;

impl Handler<GetEventSpan> for Notifier {
    type Result = ResponseActFuture<Self, Result<EventSpan, TaskStoreError>>;

    fn handle(&mut self, _: GetEventSpan, _: &mut Context<Self>) -> Self::Result {
        Box::pin(self.deps.store.span().into_actor(self))
    }
}
