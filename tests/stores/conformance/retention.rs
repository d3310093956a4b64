//! What every store of tasks promises about how long a task is kept.

use std::time::Duration;

use safelight::domain::ids::TaskId;
use safelight::domain::task::{Change, NewTask, Retention, Task, TaskState};
use safelight::stores::tasks::TaskStore;

use crate::fixtures::*;

const KEPT: Duration = Duration::from_secs(100);

fn insert_kept(store: &dyn TaskStore, retention: Retention) -> TaskId {
    apply(store, Change::Insert(NewTask { retention, ..new_task(1) })).unwrap().id
}

fn retire(store: &dyn TaskStore, limit: usize) -> Vec<Task> {
    block_on(store.retire(limit)).unwrap()
}

pub(crate) fn what_has_ended_is_retired_after_its_time(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let [finished, forever, failed, cancelled] =
        [Retention::For(KEPT), Retention::Forever, Retention::For(KEPT * 2), Retention::For(KEPT)].map(|time| insert_kept(&*store, time));
    for id in [finished, forever] {
        let claimed = claim_one(&*store);
        assert_eq!((claimed.task.id, apply(&*store, finish(claimed.claim)).unwrap().state), (id, TaskState::Finished));
    }
    let claim = claim_one(&*store).claim;
    apply(&*store, Change::Fail { claim, failure: failure() }).unwrap();
    let task = apply(&*store, Change::Cancel { id: cancelled }).unwrap();
    assert_eq!(get(&*store, cancelled), task, "the moment is told as it is stored");
    let waiting = insert_kept(&*store, Retention::For(KEPT));

    engine.clock().advance(KEPT - Duration::from_millis(1));
    assert_eq!(retire(&*store, 10), []);
    engine.clock().advance(Duration::from_millis(1));
    assert_eq!(retire(&*store, 1).len(), 1, "as many as were asked for");
    assert_eq!(retire(&*store, 10).len(), 1);
    for id in [finished, cancelled] {
        assert_eq!((get(&*store, id).state, get(&*store, id).expires_at), (TaskState::Deleting, None));
    }
    engine.clock().advance(KEPT);
    let retired = retire(&*store, 10);
    assert_eq!(retired.iter().map(|task| (task.id, task.state)).collect::<Vec<_>>(), [(failed, TaskState::Deleting)]);
    engine.clock().advance(KEPT * 1_000_000);
    assert_eq!(retire(&*store, 10), []);
    assert_eq!((get(&*store, forever).state, get(&*store, waiting).state), (TaskState::Finished, TaskState::NotStarted));
}

pub(crate) fn a_run_that_begins_anew_is_not_retired(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let id = insert_kept(&*store, Retention::For(KEPT));
    let first = apply(&*store, Change::Cancel { id }).unwrap();
    engine.clock().advance(KEPT * 2);
    assert_eq!(apply(&*store, Change::Retry { id, run: 1 }).unwrap().expires_at, None);
    assert_eq!(retire(&*store, 10), []);
    let second = apply(&*store, Change::Cancel { id }).unwrap();
    assert!(second.expires_at > first.expires_at);
    assert_eq!(retire(&*store, 10), []);
}

pub(crate) fn retention_outlives_the_engine(engine: &mut impl TaskEngine) {
    let id = insert_kept(&*engine.tasks(), Retention::For(KEPT));
    let task = apply(&*engine.tasks(), Change::Cancel { id }).unwrap();
    engine.reopen();
    assert_eq!(get(&*engine.tasks(), id), task);
    engine.clock().advance(KEPT);
    assert_eq!(retire(&*engine.tasks(), 10).len(), 1);
}
