//! The task database: the one writer of tasks. It puts the store behind a mailbox; states change only through the
//! state machine of `domain::task`, which the store applies inside its transaction.
//!
//! Where other servers write to the same database, it also passes on what is heard of them.
//!
//! [`settle`] is how the other actors write: it re-reads after an unknown outcome instead of assuming one.

mod settle;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, Recipient, ResponseActFuture, Supervised, WrapFuture, fut};
use futures::future::BoxFuture;
use serde_json::json;
use tokio::time::sleep;

use crate::actors::supervision::{Details, InitResult, Service};
use crate::domain::faults;
use crate::domain::ids::TaskId;
use crate::domain::task::{Change, Claim, Task};
use crate::stores::hints::{Hint, Hints};
use crate::stores::tasks::{Backlog, CallerUsage, ClaimRequest, ClaimedTask, TaskPage, TaskQuery, TaskStore, TaskStoreError};

pub use settle::{Unsettled, settle};

/// How long an asker waits for a commit before its outcome counts as unknown.
pub const COMMIT_DEADLINE: Duration = Duration::from_secs(10);

/// What the task database counts since its last start.
#[derive(Debug, Default, Clone, Copy)]
struct TaskDbCounters {
    in_flight: u64,
    changes: u64,
    failures: u64,
}

/// The actor. It holds no task itself, so that a restart forgets nothing.
pub struct TaskDb {
    store: Arc<dyn TaskStore>,
    followers: Vec<Recipient<TasksChanged>>,
    elsewhere: Option<Elsewhere>,
    counters: TaskDbCounters,
}

impl TaskDb {
    /// Puts `store` behind a mailbox, and tells `followers` when tasks have changed.
    #[must_use]
    pub fn new(store: Arc<dyn TaskStore>, followers: Vec<Recipient<TasksChanged>>) -> Self {
        Self { store, followers, elsewhere: None, counters: TaskDbCounters::default() }
    }

    /// The same, which also tells `followers` of what other servers do.
    #[must_use]
    pub fn hearing(self, hints: Hints, followers: Vec<Recipient<ChangedElsewhere>>) -> Self {
        Self { elsewhere: Some(Elsewhere { hints, followers }), ..self }
    }

    /// Counts a call of the store until it is answered.
    fn counted<T: 'static>(&mut self, call: BoxFuture<'static, Result<T, TaskStoreError>>) -> Answer<T> {
        self.counters.in_flight += 1;
        Box::pin(call.into_actor(self).map(|answer, task_db: &mut Self, _| {
            faults::point("task_db.answered");
            task_db.counters.in_flight -= 1;
            task_db.counters.failures += u64::from(answer.is_err());
            answer
        }))
    }

    /// The same of a call that changes tasks unless its answer says otherwise. News that do not fit into a mailbox that is full are as
    /// good as those in it.
    fn changing<T: 'static>(&mut self, call: BoxFuture<'static, Result<T, TaskStoreError>>, changes: fn(&T) -> bool) -> Answer<T> {
        Box::pin(self.counted(call).map(move |answer, task_db, _| {
            let changed = matches!(&answer, Err(TaskStoreError::UnknownOutcome(_))) || answer.as_ref().is_ok_and(changes);
            if changed && !faults::soft("task_db.news_lost") {
                // A follower that is being restarted reads everything anyway.
                task_db.followers.iter().for_each(|follower| drop(follower.try_send(TasksChanged)));
            }
            answer
        }))
    }
}

/// News of the task database: tasks have changed, and what happened to them stands in the events.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "()")]
pub struct TasksChanged;

/// News of other servers that share the database, as far as they are heard of: hints, each of which may also be for nothing.
#[derive(Message, Debug, Clone, Copy)]
#[rtype(result = "()")]
pub struct ChangedElsewhere(pub Hint);

/// How often followers are told of other servers at most, however many of these there are.
const ELSEWHERE: Duration = Duration::from_millis(100);

/// Where other servers are heard of, and who wants to know.
#[derive(Clone)]
struct Elsewhere {
    hints: Hints,
    followers: Vec<Recipient<ChangedElsewhere>>,
}

impl Elsewhere {
    /// Passes on what is heard, until nothing can be heard any more.
    async fn pass_on(mut self) {
        let mut told = *self.hints.borrow_and_update();
        while self.hints.changed().await.is_ok() {
            let heard = *self.hints.borrow_and_update();
            let news = ChangedElsewhere(heard.since(told));
            told = heard;
            // A follower that does not take it looks by itself before long.
            self.followers.iter().for_each(|follower| drop(follower.try_send(news)));
            sleep(ELSEWHERE).await;
        }
    }
}

impl Actor for TaskDb {
    type Context = Context<Self>;
}

impl Supervised for TaskDb {}

impl Service for TaskDb {
    fn init(&mut self, context: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        if let Some(elsewhere) = self.elsewhere.clone() {
            context.spawn(elsewhere.pass_on().into_actor(self));
        }
        Box::pin(fut::ready(Ok(())))
    }

    fn inspect(&self) -> Details {
        let TaskDbCounters { in_flight, changes, failures } = self.counters;
        let details = json!({ "queue_depth": in_flight, "changes": changes, "failures": failures });
        details.as_object().cloned().unwrap_or_default()
    }
}

/// The reply of a call that goes to the store.
type Answer<T> = ResponseActFuture<TaskDb, Result<T, TaskStoreError>>;

/// Changes a task; the reply comes after the commit.
#[derive(Message)]
#[rtype(result = "Result<Task, TaskStoreError>")]
pub struct SetState(pub Change);

impl Handler<SetState> for TaskDb {
    type Result = Answer<Task>;

    fn handle(&mut self, SetState(change): SetState, _: &mut Context<Self>) -> Self::Result {
        faults::point("task_db.set_state");
        self.counters.changes += 1;
        let call = self.store.apply(change);
        self.changing(call, |_| true)
    }
}

/// Claims runnable tasks, at most one for each worker named.
#[derive(Message)]
#[rtype(result = "Result<Vec<ClaimedTask>, TaskStoreError>")]
pub struct ClaimTasks(pub ClaimRequest);

impl Handler<ClaimTasks> for TaskDb {
    type Result = Answer<Vec<ClaimedTask>>;

    fn handle(&mut self, ClaimTasks(request): ClaimTasks, _: &mut Context<Self>) -> Self::Result {
        faults::point("task_db.claim_tasks");
        let call = self.store.claim(request);
        self.changing(call, |claimed| !claimed.is_empty())
    }
}

/// One task as it is.
#[derive(Message)]
#[rtype(result = "Result<Option<Task>, TaskStoreError>")]
pub struct GetState {
    /// The task.
    pub id: TaskId,
}

impl Handler<GetState> for TaskDb {
    type Result = Answer<Option<Task>>;

    fn handle(&mut self, GetState { id }: GetState, _: &mut Context<Self>) -> Self::Result {
        faults::point("task_db.get_state");
        self.counted(self.store.get(id))
    }
}

/// A page of tasks, oldest first.
#[derive(Message)]
#[rtype(result = "Result<TaskPage, TaskStoreError>")]
pub struct ListByState(pub TaskQuery);

impl Handler<ListByState> for TaskDb {
    type Result = Answer<TaskPage>;

    fn handle(&mut self, ListByState(query): ListByState, _: &mut Context<Self>) -> Self::Result {
        self.counted(self.store.list(query))
    }
}

/// The claims in progress that this server made.
#[derive(Message)]
#[rtype(result = "Result<Vec<Claim>, TaskStoreError>")]
pub struct ListClaims;

impl Handler<ListClaims> for TaskDb {
    type Result = Answer<Vec<Claim>>;

    fn handle(&mut self, _: ListClaims, _: &mut Context<Self>) -> Self::Result {
        self.counted(self.store.claims())
    }
}

/// Claims whose lease has ended, those of other servers included.
#[derive(Message)]
#[rtype(result = "Result<Vec<Claim>, TaskStoreError>")]
pub struct ListExpired {
    /// At most so many.
    pub limit: usize,
}

impl Handler<ListExpired> for TaskDb {
    type Result = Answer<Vec<Claim>>;

    fn handle(&mut self, ListExpired { limit }: ListExpired, _: &mut Context<Self>) -> Self::Result {
        self.counted(self.store.expired(limit))
    }
}

/// Returns every task that this server has in progress to not started with its attempt refunded; says how many. Only sound while no
/// worker has work in hand: when the master starts or stops.
#[derive(Message)]
#[rtype(result = "Result<u64, TaskStoreError>")]
pub struct Recover;

impl Handler<Recover> for TaskDb {
    type Result = Answer<u64>;

    fn handle(&mut self, _: Recover, _: &mut Context<Self>) -> Self::Result {
        faults::point("task_db.recover");
        let call = self.store.recover();
        self.changing(call, |recovered| *recovered > 0)
    }
}

/// Hides tasks whose retention is over, and replies with them.
#[derive(Message)]
#[rtype(result = "Result<Vec<Task>, TaskStoreError>")]
pub struct RetireTasks {
    /// At most so many.
    pub limit: usize,
}

impl Handler<RetireTasks> for TaskDb {
    type Result = Answer<Vec<Task>>;

    fn handle(&mut self, RetireTasks { limit }: RetireTasks, _: &mut Context<Self>) -> Self::Result {
        faults::point("task_db.retire_tasks");
        let call = self.store.retire(limit);
        self.changing(call, |retired| !retired.is_empty())
    }
}

/// How much unfinished work is stored.
#[derive(Message)]
#[rtype(result = "Result<Backlog, TaskStoreError>")]
pub struct GetBacklog;

impl Handler<GetBacklog> for TaskDb {
    type Result = Answer<Backlog>;

    fn handle(&mut self, _: GetBacklog, _: &mut Context<Self>) -> Self::Result {
        self.counted(self.store.backlog())
    }
}

/// What the tasks of every key come to.
#[derive(Message)]
#[rtype(result = "Result<Vec<CallerUsage>, TaskStoreError>")]
pub struct GetUsage;

impl Handler<GetUsage> for TaskDb {
    type Result = Answer<Vec<CallerUsage>>;

    fn handle(&mut self, _: GetUsage, _: &mut Context<Self>) -> Self::Result {
        self.counted(self.store.usage())
    }
}
