//! What settling does with every kind of answer, on a store that plays them from a script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::*;
use crate::actors::task_db::TasksChanged;
use crate::domain::blob::{BlobMeta, Sha256};
use crate::domain::format::Format;
use crate::domain::ids::TaskId;
use crate::domain::pipeline::Variants;
use crate::domain::task::{Claim, NewTask, Rejected, RetryPolicy, TaskState};
use crate::domain::timestamp::Timestamp;
use crate::stores::tasks::{Backlog, CallerUsage, ClaimRequest, ClaimedTask, TaskPage, TaskQuery, TaskStore, TaskView};

/// What the store does with the next change.
enum Play {
    /// Applies it and says so.
    Apply,
    /// Applies it and says that it does not know.
    ApplyInDoubt,
    /// Does not apply it and says that it does not know.
    LoseInDoubt,
    /// Refuses it.
    Refuse(TaskStoreError),
}

/// A store of one task.
#[derive(Default)]
struct Script {
    plays: Mutex<VecDeque<Play>>,
    task: Mutex<Option<Task>>,
}

impl Script {
    fn new(plays: impl IntoIterator<Item = Play>) -> Arc<Self> {
        Arc::new(Self { plays: Mutex::new(plays.into_iter().collect()), task: Mutex::default() })
    }

    fn apply_now(&self, change: &Change) -> Result<Task, TaskStoreError> {
        let mut stored = self.task.lock().unwrap();
        let now = Timestamp(0);
        let task = match (&*stored, change) {
            (None, Change::Insert(new)) => Task::create(new.clone(), 1, now),
            (None, _) => return Err(Rejected::NotFound.into()),
            (Some(task), change) => task.apply(change, &RetryPolicy::default(), now)?.task,
        };
        *stored = Some(task.clone());
        Ok(task)
    }
}

type Answer<T> = BoxFuture<'static, Result<T, TaskStoreError>>;

fn in_doubt() -> TaskStoreError {
    TaskStoreError::UnknownOutcome("played".into())
}

impl TaskStore for Script {
    fn apply(&self, change: Change) -> Answer<Task> {
        let play = self.plays.lock().unwrap().pop_front().expect("the script is long enough");
        let answer = match play {
            Play::Apply => self.apply_now(&change),
            Play::ApplyInDoubt => self.apply_now(&change).and(Err(in_doubt())),
            Play::LoseInDoubt => Err(in_doubt()),
            Play::Refuse(error) => Err(error),
        };
        ready(answer).boxed()
    }

    fn get(&self, _: TaskId) -> Answer<Option<Task>> {
        ready(Ok(self.task.lock().unwrap().clone())).boxed()
    }

    fn claim(&self, _: ClaimRequest) -> Answer<Vec<ClaimedTask>> {
        unreachable!("settling only applies and reads")
    }

    fn view(&self, _: TaskId) -> Answer<Option<TaskView>> {
        unreachable!("settling only applies and reads")
    }

    fn list(&self, _: TaskQuery) -> Answer<TaskPage> {
        unreachable!("settling only applies and reads")
    }

    fn expired(&self, _: usize) -> Answer<Vec<Claim>> {
        unreachable!("settling only applies and reads")
    }

    fn claims(&self) -> Answer<Vec<Claim>> {
        unreachable!("settling only applies and reads")
    }

    fn recover(&self) -> Answer<u64> {
        unreachable!("settling only applies and reads")
    }

    fn retire(&self, _: usize) -> Answer<Vec<Task>> {
        unreachable!("settling only applies and reads")
    }

    fn backlog(&self) -> Answer<Backlog> {
        unreachable!("settling only applies and reads")
    }

    fn usage(&self) -> Answer<Vec<CallerUsage>> {
        unreachable!("settling only applies and reads")
    }

    fn next_runnable(&self) -> Answer<Option<Duration>> {
        unreachable!("settling only applies and reads")
    }
}

fn insert() -> Change {
    let original = BlobMeta { len: 1, sha256: Sha256([0; 32]) };
    let variants = Variants::only("invert".parse().expect("an operation"));
    Change::Insert(NewTask::new(TaskId::random(), variants, original, Format::Png))
}

/// Hears that tasks have changed and does nothing about it.
struct Deaf;

impl Actor for Deaf {
    type Context = Context<Self>;
}

impl Handler<TasksChanged> for Deaf {
    type Result = ();

    fn handle(&mut self, _: TasksChanged, _: &mut Context<Self>) {}
}

fn task_db(script: &Arc<Script>) -> Addr<TaskDb> {
    let store: Arc<dyn TaskStore> = script.clone();
    TaskDb::new(store, vec![Deaf.start().recipient()]).start()
}

#[actix::test]
async fn a_commit_in_doubt_that_happened_is_found() {
    let script = Script::new([Play::ApplyInDoubt]);
    let settled = settle(&task_db(&script), insert()).await.expect("the row is there");
    assert_eq!(settled.state, TaskState::NotStarted);
}

#[actix::test]
async fn a_commit_in_doubt_that_did_not_happen_is_repeated() {
    let script = Script::new([Play::LoseInDoubt, Play::LoseInDoubt, Play::Apply]);
    assert!(settle(&task_db(&script), insert()).await.is_ok());
    assert!(script.plays.lock().unwrap().is_empty(), "it was written until it was certain");
}

#[actix::test]
async fn a_store_that_is_busy_is_asked_again() {
    let busy = || Play::Refuse(TaskStoreError::Unavailable("played".into()));
    let script = Script::new([busy(), busy(), Play::Apply]);
    assert!(settle(&task_db(&script), insert()).await.is_ok());
}

#[actix::test]
async fn a_refusal_at_once_is_certain() {
    let script = Script::new([Play::Refuse(TaskStoreError::Full)]);
    let refused = settle(&task_db(&script), insert()).await;
    assert!(matches!(refused, Err(Unsettled::Refused(TaskStoreError::Full))), "{refused:?}");
}

#[actix::test]
async fn a_refusal_after_a_doubt_is_not_certain() {
    let script = Script::new([Play::LoseInDoubt, Play::Refuse(TaskStoreError::Full)]);
    let unknown = settle(&task_db(&script), insert()).await;
    assert!(matches!(unknown, Err(Unsettled::Unknown)), "the lost commit may still turn up: {unknown:?}");
}

#[actix::test]
async fn a_claim_that_was_lost_is_refused_and_not_repeated() {
    let script = Script::new([Play::Apply, Play::Apply]);
    let task_db = task_db(&script);
    let task = settle(&task_db, insert()).await.expect("inserted");
    let beat = Change::Heartbeat { claim: task.current_claim(), lease: Duration::from_secs(1) };
    let late = settle(&task_db, beat).await;
    assert!(matches!(late, Err(Unsettled::Refused(TaskStoreError::Rejected(Rejected::Late { .. })))), "{late:?}");
}
