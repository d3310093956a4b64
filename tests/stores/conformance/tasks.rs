//! What every store of tasks promises.

use std::time::Duration;

use safelight::domain::ids::{ClaimNo, TaskId};
use safelight::domain::task::{AttemptEnd, Change, Claim, Rejected, RetryPolicy, Task, TaskState};
use safelight::stores::tasks::{Backlog, Cursor, TaskQuery, TaskStore, TaskStoreError};

use crate::fixtures::*;

fn rejected(result: Result<Task, TaskStoreError>) -> Rejected {
    match result {
        Err(TaskStoreError::Rejected(rejected)) => rejected,
        other => panic!("expected a rejection, got {other:?}"),
    }
}

pub(crate) fn an_insert_is_read_back_as_it_was_written(engine: &mut impl TaskEngine) {
    let new = new_task(5);
    let task = apply(&*engine.tasks(), Change::Insert(new.clone())).unwrap();
    assert_eq!((task.id, &task.pipeline, task.original, task.input_format), (new.id, &new.pipeline, new.original, new.input_format));
    assert_eq!((task.state, task.run, task.claim_no, task.attempts), (TaskState::NotStarted, 1, ClaimNo(0), 0));
    assert_eq!(get(&*engine.tasks(), new.id), task);
    engine.reopen();
    assert_eq!(get(&*engine.tasks(), new.id), task);
}

pub(crate) fn an_id_is_taken_once(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let new = new_task(1);
    let first = apply(&*store, Change::Insert(new.clone())).unwrap();
    assert_eq!(rejected(apply(&*store, Change::Insert(new.clone()))), Rejected::Duplicate);
    assert_eq!(get(&*store, new.id), first);
    assert_eq!(block_on(store.backlog()), Ok(Backlog { tasks: 1, bytes: 1 }));
}

pub(crate) fn claims_go_to_the_oldest_first(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let ids: Vec<_> = (0..3).map(|len| insert(&*store, len).id).collect();
    let first = claim(&*store, &["a", "b"]);
    assert_eq!(first.iter().map(|c| (c.worker.as_str(), c.task.id)).collect::<Vec<_>>(), [("a", ids[0]), ("b", ids[1])]);
    // What comes back is older than what never started.
    apply(&*store, release(first[0].claim, false, Duration::ZERO)).unwrap();
    let second = claim(&*store, &["a", "b", "c"]);
    assert_eq!(second.iter().map(|c| c.task.id).collect::<Vec<_>>(), [ids[0], ids[2]]);
    assert_eq!(claim(&*store, &["d"]), []);
}

pub(crate) fn a_claim_counts_and_grows_the_fence(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let id = insert(&*store, 1).id;
    for n in 1..=2 {
        let claimed = claim_one(&*store);
        assert_eq!((claimed.claim, claimed.task.state), (Claim { task: id, claim_no: ClaimNo(n) }, TaskState::InProgress));
        assert_eq!(u64::from(claimed.task.attempts), n);
        assert_eq!(get(&*store, id), claimed.task);
        apply(&*store, release(claimed.claim, false, Duration::ZERO)).unwrap();
    }
}

/// Everything a worker may report.
fn reports(claim: Claim) -> [Change; 5] {
    [
        Change::Heartbeat { claim, lease: LEASE },
        Change::Finish { claim, result: result_of(claim) },
        Change::Fail { claim, failure: failure() },
        release(claim, true, Duration::ZERO),
        release(claim, false, LEASE),
    ]
}

fn assert_late(store: &dyn TaskStore, claim: Claim) {
    let before = get(store, claim.task);
    let history = block_on(store.attempts(claim.task)).unwrap();
    for report in reports(claim) {
        assert_eq!(rejected(apply(store, report)), Rejected::Late { state: before.state, claim_no: before.claim_no });
    }
    assert_eq!(get(store, claim.task), before);
    assert_eq!(block_on(store.attempts(claim.task)).unwrap(), history);
}

pub(crate) fn a_late_worker_is_refused_everything(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    insert(&*store, 1);
    let late = claim_one(&*store).claim;
    apply(&*store, release(late, false, Duration::ZERO)).unwrap();
    assert_late(&*store, late);
    let current = claim_one(&*store).claim;
    assert_late(&*store, late);
    let future = Claim { claim_no: current.claim_no.next(), ..current };
    assert_late(&*store, future);
    apply(&*store, Change::Finish { claim: current, result: result_of(current) }).unwrap();
    assert_late(&*store, late);
    // Nor does the winner get a second word.
    assert_late(&*store, current);
}

pub(crate) fn a_result_of_another_claim_is_refused(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    insert(&*store, 1);
    let claim = claim_one(&*store).claim;
    let other = Claim { claim_no: claim.claim_no.next(), ..claim };
    let change = Change::Finish { claim, result: result_of(other) };
    assert!(matches!(rejected(apply(&*store, change)), Rejected::Late { .. }));
}

pub(crate) fn a_backoff_delays_only_its_own_task(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    assert_eq!(block_on(store.next_runnable()), Ok(None));
    let first = insert(&*store, 1).id;
    assert_eq!(block_on(store.next_runnable()), Ok(Some(Duration::ZERO)));
    apply(&*store, release(claim_one(&*store).claim, false, Duration::from_secs(10))).unwrap();
    assert_eq!(block_on(store.next_runnable()), Ok(Some(Duration::from_secs(10))));
    let second = insert(&*store, 1).id;
    assert_eq!(claim(&*store, &["a", "b"]).iter().map(|c| c.task.id).collect::<Vec<_>>(), [second]);
    engine.clock().advance(Duration::from_millis(9_999));
    assert_eq!(claim(&*store, &["a"]), []);
    assert_eq!(block_on(store.next_runnable()), Ok(Some(Duration::from_millis(1))));
    engine.clock().advance(Duration::from_millis(1));
    assert_eq!(block_on(store.next_runnable()), Ok(Some(Duration::ZERO)));
    assert_eq!(claim_one(&*store).task.id, first);
}

pub(crate) fn attempts_run_out(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let id = insert(&*store, 1).id;
    let max = RetryPolicy::default().max_attempts;
    for attempt in 1..=max {
        let state = apply(&*store, release(claim_one(&*store).claim, false, Duration::ZERO)).unwrap().state;
        assert_eq!(state, if attempt < max { TaskState::NotStarted } else { TaskState::Failed });
    }
    let task = get(&*store, id);
    assert_eq!((task.failure, task.attempts), (Some(worker_died()), max));
    assert_eq!(claim(&*store, &["a"]), []);
}

pub(crate) fn refunds_do_not_count_until_their_cap(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    insert(&*store, 1);
    let RetryPolicy { max_attempts, max_refunds } = RetryPolicy::default();
    for n in 1..max_refunds + max_attempts {
        let task = apply(&*store, release(claim_one(&*store).claim, true, Duration::ZERO)).unwrap();
        assert_eq!(task.state, TaskState::NotStarted);
        assert_eq!((task.refunds, task.attempts), (n.min(max_refunds), n.saturating_sub(max_refunds)));
        assert_eq!(task.claim_no, ClaimNo(u64::from(n)), "the fence is never given back");
    }
    let last = claim_one(&*store);
    assert_eq!(apply(&*store, release(last.claim, true, Duration::ZERO)).unwrap().state, TaskState::Failed);
    let refunded = block_on(store.attempts(last.task.id)).unwrap().iter().filter(|a| a.ended.as_ref().unwrap().end.refunded()).count();
    assert_eq!(refunded, max_refunds as usize);
}

pub(crate) fn a_heartbeat_prolongs_the_lease(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    insert(&*store, 1);
    insert(&*store, 1);
    let claims = claim(&*store, &["quick", "silent"]);
    engine.clock().advance(LEASE - Duration::from_secs(1));
    assert_eq!(block_on(store.expired(10)), Ok(vec![]));
    apply(&*store, Change::Heartbeat { claim: claims[0].claim, lease: LEASE }).unwrap();
    engine.clock().advance(Duration::from_secs(1));
    assert_eq!(block_on(store.expired(10)), Ok(vec![claims[1].claim]));
    engine.clock().advance(LEASE);
    assert_eq!(block_on(store.expired(10)).unwrap().len(), 2);
    assert_eq!(block_on(store.expired(1)), Ok(vec![claims[1].claim]), "the one that lapsed first");
}

pub(crate) fn an_expired_claim_may_still_finish(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    insert(&*store, 1);
    let claim = claim_one(&*store).claim;
    engine.clock().advance(LEASE * 2);
    apply(&*store, Change::Finish { claim, result: result_of(claim) }).unwrap();
    assert_eq!(block_on(store.expired(10)), Ok(vec![]));
}

pub(crate) fn a_cancelled_task_is_not_handed_out(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let (waiting, working) = (insert(&*store, 1).id, insert(&*store, 1).id);
    apply(&*store, Change::Cancel { id: waiting }).unwrap();
    let claimed = claim_one(&*store);
    assert_eq!(claimed.task.id, working);
    let task = apply(&*store, Change::Cancel { id: working }).unwrap();
    assert_eq!((task.state, task.result), (TaskState::Cancelled, None));
    assert_late(&*store, claimed.claim);
    assert_eq!(block_on(store.attempts(working)).unwrap()[0].ended.as_ref().unwrap().end, AttemptEnd::Cancelled);
    assert_eq!(rejected(apply(&*store, Change::Cancel { id: working })), Rejected::WrongState { state: TaskState::Cancelled });
}

pub(crate) fn a_retry_opens_a_new_run_and_keeps_the_history(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let id = insert(&*store, 1).id;
    let first = claim_one(&*store).claim;
    apply(&*store, Change::Fail { claim: first, failure: failure() }).unwrap();
    let task = apply(&*store, Change::Retry { id }).unwrap();
    assert_eq!((task.state, task.run, task.attempts, task.failure), (TaskState::NotStarted, 2, 0, None));
    assert_late(&*store, first);
    let second = claim_one(&*store).claim;
    let task = apply(&*store, Change::Finish { claim: second, result: result_of(second) }).unwrap();
    assert_eq!(task.result, Some(result_of(second)));
    let history = block_on(store.attempts(id)).unwrap();
    let ends: Vec<_> = history.iter().map(|a| (a.run, a.claim_no.0, a.ended.clone().unwrap().end)).collect();
    assert_eq!(ends, [(1, 1, AttemptEnd::Failed(failure())), (2, 2, AttemptEnd::Finished)]);
    assert_eq!(rejected(apply(&*store, Change::Retry { id })), Rejected::WrongState { state: TaskState::Finished });
}

pub(crate) fn deletion_goes_through_its_steps(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let id = insert(&*store, 1).id;
    let steps = [Change::MarkDeleting { id }, Change::Remove { id }];
    for step in &steps {
        assert_eq!(rejected(apply(&*store, step.clone())), Rejected::WrongState { state: TaskState::NotStarted });
    }
    let claim = claim_one(&*store).claim;
    apply(&*store, Change::Finish { claim, result: result_of(claim) }).unwrap();
    assert_eq!(rejected(apply(&*store, Change::Remove { id })), Rejected::WrongState { state: TaskState::Finished });
    let task = apply(&*store, Change::MarkDeleting { id }).unwrap();
    assert_eq!((task.state, task.result_key()), (TaskState::Deleting, Some(claim.result_key())), "the sweep needs the blob's name");
    apply(&*store, Change::Remove { id }).unwrap();
    assert_eq!(block_on(store.get(id)), Ok(None));
    assert_eq!(block_on(store.attempts(id)), Ok(vec![]));
}

pub(crate) fn a_missing_task_is_not_found(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let id = TaskId::random();
    assert_eq!(block_on(store.get(id)), Ok(None));
    let changes = [Change::Cancel { id }, Change::Retry { id }, Change::MarkDeleting { id }, Change::Remove { id }];
    for change in changes.into_iter().chain(reports(Claim { task: id, claim_no: ClaimNo(1) })) {
        assert_eq!(rejected(apply(&*store, change)), Rejected::NotFound);
    }
}

pub(crate) fn recovery_gives_claims_back(engine: &mut impl TaskEngine) {
    insert(&*engine.tasks(), 1);
    insert(&*engine.tasks(), 1);
    let claims = claim(&*engine.tasks(), &["a", "b"]);
    apply(&*engine.tasks(), release(claims[1].claim, false, LEASE)).unwrap();
    engine.reopen();
    let store = engine.tasks();
    assert_eq!(block_on(store.recover()), Ok(1));
    let task = get(&*store, claims[0].task.id);
    assert_eq!((task.state, task.attempts, task.refunds, task.claim_no), (TaskState::NotStarted, 0, 1, ClaimNo(1)));
    assert_late(&*store, claims[0].claim);
    assert_eq!(claim(&*store, &["a", "b"]).len(), 2, "backoffs are forgotten");
    // Without a new opening it does the same.
    assert_eq!(block_on(store.recover()), Ok(2));
    assert_eq!(block_on(store.recover()), Ok(0));
}

pub(crate) fn timers_end_with_the_opening(engine: &mut impl TaskEngine) {
    engine.clock().advance(Duration::from_secs(1_000_000));
    insert(&*engine.tasks(), 1);
    insert(&*engine.tasks(), 1);
    let claims = claim(&*engine.tasks(), &["a", "b"]);
    apply(&*engine.tasks(), release(claims[1].claim, false, LEASE)).unwrap();
    engine.reopen();
    let store = engine.tasks();
    assert_eq!(block_on(store.expired(10)), Ok(vec![claims[0].claim]));
    assert_eq!(block_on(store.next_runnable()), Ok(Some(Duration::ZERO)));
}

pub(crate) fn pages_are_complete_and_disjoint(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let ids: Vec<_> = (0..7).map(|len| insert(&*store, len).id).collect();
    for _ in 0..2 {
        claim_one(&*store);
    }
    let pages = |state, limit| {
        let (mut all, mut after): (Vec<TaskId>, Option<Cursor>) = (vec![], None);
        loop {
            let page = block_on(store.list(TaskQuery { state, after, limit })).unwrap();
            assert!(page.tasks.len() <= limit.max(1));
            all.extend(page.tasks.iter().map(|task| task.id));
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    };
    for limit in [0, 1, 2, 3, 7, 8] {
        assert_eq!(pages(None, limit), ids);
        assert_eq!(pages(Some(TaskState::InProgress), limit), ids[..2]);
        assert_eq!(pages(Some(TaskState::NotStarted), limit), ids[2..]);
        assert_eq!(pages(Some(TaskState::Failed), limit), []);
    }
}

pub(crate) fn the_backlog_is_the_truth(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let backlog = |tasks, bytes| assert_eq!(block_on(store.backlog()), Ok(Backlog { tasks, bytes }));
    backlog(0, 0);
    let first = insert(&*store, 100).id;
    insert(&*store, 20);
    backlog(2, 120);
    let claim = claim_one(&*store).claim;
    backlog(2, 120);
    apply(&*store, Change::Fail { claim, failure: failure() }).unwrap();
    backlog(1, 20);
    apply(&*store, Change::Retry { id: first }).unwrap();
    backlog(2, 120);
    apply(&*store, Change::Cancel { id: first }).unwrap();
    apply(&*store, Change::MarkDeleting { id: first }).unwrap();
    apply(&*store, Change::Remove { id: first }).unwrap();
    backlog(1, 20);
}

pub(crate) fn a_dropped_future_does_not_take_back_its_write(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let new = new_task(1);
    drop(store.apply(Change::Insert(new.clone())));
    // One queue, one order: what comes later sees it.
    assert_eq!(rejected(apply(&*store, Change::Insert(new))), Rejected::Duplicate);
}
