//! What every store of tasks promises about claims: the fence, leases, attempts, refunds, recovery.

use std::time::Duration;

use safelight::domain::access::KeyId;
use safelight::domain::ids::ClaimNo;
use safelight::domain::pipeline::VariantName;
use safelight::domain::task::{Change, Claim, NewTask, Priority, Rejected, RetryPolicy, Task, TaskState};
use safelight::stores::tasks::{TaskStore, TaskStoreError};

use crate::fixtures::*;

pub(crate) fn rejected(result: Result<Task, TaskStoreError>) -> Rejected {
    match result {
        Err(TaskStoreError::Rejected(rejected)) => rejected,
        other => panic!("expected a rejection, got {other:?}"),
    }
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

/// The callers of the tasks that are handed out, one after the other, until none is left.
fn order(engine: &impl TaskEngine, most: usize) -> Vec<u8> {
    let next = || claim(&*engine.tasks(), &["a"]).pop().map(|claimed| claimed.task.caller.map_or(0, |key| key.0[0]));
    std::iter::from_fn(next).take(most).collect()
}

fn insert_of(engine: &impl TaskEngine, caller: u8, priority: Priority) -> Task {
    let caller = (caller > 0).then_some(KeyId([caller; 8]));
    apply(&*engine.tasks(), Change::Insert(NewTask { caller, priority, ..new_task(1) })).unwrap()
}

pub(crate) fn callers_take_turns(engine: &mut impl TaskEngine) {
    (0..6).for_each(|_| drop(insert_of(engine, 1, Priority::Normal)));
    let nobody = insert_of(engine, 0, Priority::Normal);
    insert_of(engine, 2, Priority::Normal);
    assert_eq!(order(engine, 4), [1, 0, 2, 1], "whoever has one task waits for one of each other");
    engine.reopen();
    // Who was not there has saved up nothing, and waits for nobody's whole line.
    (0..2).for_each(|_| drop(insert_of(engine, 3, Priority::Normal)));
    assert_eq!(order(engine, 9), [1, 3, 1, 3, 1, 1]);

    // What comes back keeps its place; what is retried goes to the end.
    let first = insert_of(engine, 1, Priority::Normal);
    let claimed = claim_one(&*engine.tasks());
    assert_eq!(claimed.task.id, first.id);
    (0..2).for_each(|_| drop(insert_of(engine, 1, Priority::Normal)));
    apply(&*engine.tasks(), release(claimed.claim, true, Duration::ZERO)).unwrap();
    let claimed = claim_one(&*engine.tasks());
    assert_eq!(claimed.task.id, first.id);
    apply(&*engine.tasks(), Change::Cancel { id: first.id }).unwrap();
    apply(&*engine.tasks(), Change::Retry { id: first.id, run: 1 }).unwrap();
    let ids: Vec<_> = (0..3).map(|_| claim_one(&*engine.tasks()).task.id).collect();
    assert_eq!((ids[2], ids.contains(&nobody.id)), (first.id, false));
}

pub(crate) fn priorities_share_the_turns_and_none_starves(engine: &mut impl TaskEngine) {
    for (priority, tasks) in [(Priority::Low, 3), (Priority::Normal, 10), (Priority::High, 40)] {
        (0..tasks).for_each(|_| drop(insert_of(engine, 1, priority)));
    }
    let taken: Vec<_> = (0..21).map(|_| claim_one(&*engine.tasks()).task.priority).collect();
    let of = |priority| taken.iter().filter(|taken| **taken == priority).count();
    assert_eq!([of(Priority::Low), of(Priority::Normal), of(Priority::High)], [1, 4, 16], "{taken:?}");
    assert_eq!(taken[..3], [Priority::High; 3]);
}

pub(crate) fn a_claim_counts_and_grows_the_fence(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let id = insert(&*store, 1).id;
    for n in 1..=2 {
        let claimed = claim_one(&*store);
        assert_eq!((claimed.claim, claimed.task.state), (Claim { task: id, claim_no: ClaimNo(n) }, TaskState::InProgress));
        assert_eq!(u64::from(claimed.task.attempts), n);
        assert_eq!(get(&*store, id), claimed.task);
        assert_eq!(block_on(store.claims()), Ok(vec![claimed.claim]));
        apply(&*store, release(claimed.claim, false, Duration::ZERO)).unwrap();
        assert_eq!(block_on(store.claims()), Ok(vec![]));
    }
}

/// Everything a worker may report.
pub(crate) fn reports(claim: Claim) -> [Change; 5] {
    [
        Change::Heartbeat { claim, lease: LEASE },
        finish(claim),
        Change::Fail { claim, failure: failure() },
        release(claim, true, Duration::ZERO),
        release(claim, false, LEASE),
    ]
}

pub(crate) fn assert_late(store: &dyn TaskStore, claim: Claim) {
    let before = get(store, claim.task);
    let history = block_on(store.view(claim.task)).unwrap().unwrap().attempts;
    for report in reports(claim) {
        assert_eq!(rejected(apply(store, report)), Rejected::Late { state: before.state, claim_no: before.claim_no });
    }
    assert_eq!(get(store, claim.task), before);
    assert_eq!(block_on(store.view(claim.task)).unwrap().unwrap().attempts, history);
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
    apply(&*store, finish(current)).unwrap();
    assert_late(&*store, late);
    // Nor does the winner get a second word.
    assert_late(&*store, current);
}

pub(crate) fn a_result_of_another_claim_is_refused(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    insert(&*store, 1);
    let claim = claim_one(&*store).claim;
    let other = Claim { claim_no: claim.claim_no.next(), ..claim };
    let change = Change::AddResult { claim, variant: VariantName::RESULT, result: result_of(other), probe: None, lease: LEASE };
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
    let refunded =
        block_on(store.view(last.task.id)).unwrap().unwrap().attempts.iter().filter(|a| a.ended.as_ref().unwrap().end.refunded()).count();
    assert_eq!(refunded, max_refunds as usize);
}

pub(crate) fn the_memory_of_an_attempt_is_noted_in_its_history(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let id = insert(&*store, 1).id;
    let first = claim_one(&*store).claim;
    let note = |claim, peak| apply(&*store, Change::NoteMemory { claim, peak, lease: LEASE });
    engine.clock().advance(LEASE - Duration::from_secs(1));
    note(first, 5 << 40).unwrap();
    engine.clock().advance(LEASE - Duration::from_secs(1));
    assert_eq!(block_on(store.expired(10)), Ok(vec![]), "it counts as a heartbeat");
    apply(&*store, release(first, false, Duration::ZERO)).unwrap();
    let second = claim_one(&*store).claim;
    assert!(matches!(rejected(note(first, 1)), Rejected::Late { .. }));
    apply(&*store, finish(second)).unwrap();
    let attempts = block_on(store.view(id)).unwrap().expect("it is there").attempts;
    let peaks: Vec<_> = attempts.iter().map(|attempt| attempt.peak_memory).collect();
    assert_eq!(peaks, [Some(5 << 40), None]);
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
    apply(&*store, finish(claim)).unwrap();
    assert_eq!(block_on(store.expired(10)), Ok(vec![]));
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
