//! What every store of tasks promises about everything but claims.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use safelight::domain::access::KeyId;
use safelight::domain::ids::{ClaimNo, TaskId};
use safelight::domain::pipeline::VariantName;
use safelight::domain::task::{AttemptEnd, Change, Claim, Fingerprint, Idempotency, NewTask, Rejected, Results, TaskState};
use safelight::domain::timestamp::Timestamp;
use safelight::stores::tasks::{Backlog, CallerUsage, Cursor, TaskPage, TaskQuery, Usage};

use crate::conformance::claims::{assert_late, rejected, reports};
use crate::fixtures::*;

pub(crate) fn an_insert_is_read_back_as_it_was_written(engine: &mut impl TaskEngine) {
    let metadata = r#"{"order": [7, "Ünïcode"]}"#.parse().expect("an object");
    let new = NewTask { caller: Some(KeyId([0, 1, 2, 3, 4, 5, 6, 255])), metadata: Some(metadata), ..new_task(5) };
    let task = apply(&*engine.tasks(), Change::Insert(new.clone())).unwrap();
    assert_eq!((task.id, &task.variants, task.original, task.input_format), (new.id, &new.variants, new.original, new.input_format));
    assert_eq!((task.state, task.run, task.claim_no, task.attempts), (TaskState::NotStarted, 1, ClaimNo(0), 0));
    assert_eq!((task.caller, &task.metadata), (new.caller, &new.metadata));
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

pub(crate) fn a_cancelled_task_is_not_handed_out(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let (waiting, working) = (insert(&*store, 1).id, insert(&*store, 1).id);
    apply(&*store, Change::Cancel { id: waiting }).unwrap();
    let claimed = claim_one(&*store);
    assert_eq!(claimed.task.id, working);
    let task = apply(&*store, Change::Cancel { id: working }).unwrap();
    assert_eq!((task.state, task.results), (TaskState::Cancelled, Results::new()));
    assert_late(&*store, claimed.claim);
    assert_eq!(block_on(store.view(working)).unwrap().unwrap().attempts[0].ended.as_ref().unwrap().end, AttemptEnd::Cancelled);
    assert_eq!(rejected(apply(&*store, Change::Cancel { id: working })), Rejected::WrongState { state: TaskState::Cancelled });
}

pub(crate) fn a_retry_opens_a_new_run_and_keeps_the_history(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let id = insert(&*store, 1).id;
    let first = claim_one(&*store).claim;
    apply(&*store, Change::Fail { claim: first, failure: failure() }).unwrap();
    let task = apply(&*store, Change::Retry { id, run: 1 }).unwrap();
    assert_eq!((task.state, task.run, task.attempts, task.failure), (TaskState::NotStarted, 2, 0, None));
    assert_late(&*store, first);
    let second = claim_one(&*store).claim;
    let task = apply(&*store, finish(second)).unwrap();
    assert_eq!(task.results, Results::from([(VariantName::RESULT, result_of(second))]));
    let task = block_on(store.get(id)).unwrap().expect("it is there");
    assert_eq!((task.results[&VariantName::RESULT].clone(), task.probe), (result_of(second), Some(known())), "as it was written");
    let history = block_on(store.view(id)).unwrap().unwrap().attempts;
    let ends: Vec<_> = history.iter().map(|a| (a.run, a.claim_no.0, a.ended.clone().unwrap().end)).collect();
    assert_eq!(ends, [(1, 1, AttemptEnd::Failed(failure())), (2, 2, AttemptEnd::Finished)]);
    assert_eq!(rejected(apply(&*store, Change::Retry { id, run: 2 })), Rejected::WrongState { state: TaskState::Finished });
}

pub(crate) fn deletion_goes_through_its_steps(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let id = insert(&*store, 1).id;
    let steps = [Change::MarkDeleting { id }, Change::Remove { id }];
    for step in &steps {
        assert_eq!(rejected(apply(&*store, step.clone())), Rejected::WrongState { state: TaskState::NotStarted });
    }
    let claim = claim_one(&*store).claim;
    apply(&*store, finish(claim)).unwrap();
    assert_eq!(rejected(apply(&*store, Change::Remove { id })), Rejected::WrongState { state: TaskState::Finished });
    let task = apply(&*store, Change::MarkDeleting { id }).unwrap();
    assert_eq!(
        (task.state, task.result_key(VariantName::RESULT)),
        (TaskState::Deleting, Some(claim.result_key(VariantName::RESULT))),
        "the sweep needs the blob's name"
    );
    apply(&*store, Change::Remove { id }).unwrap();
    assert_eq!(block_on(store.get(id)), Ok(None));
    assert_eq!(block_on(store.view(id)), Ok(None));
}

pub(crate) fn a_missing_task_is_not_found(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let id = TaskId::random();
    assert_eq!(block_on(store.get(id)), Ok(None));
    let changes = [Change::Cancel { id }, Change::Retry { id, run: 1 }, Change::MarkDeleting { id }, Change::Remove { id }];
    for change in changes.into_iter().chain(reports(Claim { task: id, claim_no: ClaimNo(1) })) {
        assert_eq!(rejected(apply(&*store, change)), Rejected::NotFound);
    }
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
            let page = block_on(store.list(TaskQuery { state, after, limit, ..TaskQuery::default() })).unwrap();
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

pub(crate) fn a_caller_has_pages_of_its_own(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let callers = [Some(KeyId([1; 8])), None, Some(KeyId([2; 8]))];
    let of = |caller| apply(&*store, Change::Insert(NewTask { caller, ..new_task(1) })).unwrap().id;
    let ids: Vec<_> = (0..9).map(|index| of(callers[index % 3])).collect();
    (0..4).for_each(|_| drop(claim_one(&*store)));
    let page = |caller, state, after, limit| block_on(store.list(TaskQuery { caller, state, after, limit, since: None })).unwrap();
    let listed = |page: &TaskPage| page.tasks.iter().map(|task| task.id).collect::<Vec<_>>();
    let first = page(callers[0], None, None, 2);
    assert_eq!(listed(&first), [ids[0], ids[3]]);
    let second = page(callers[0], None, first.next, 2);
    assert_eq!((listed(&second), second.next), (vec![ids[6]], None));
    assert_eq!(listed(&page(callers[0], Some(TaskState::InProgress), None, 9)), [ids[0], ids[3]]);
    assert_eq!(listed(&page(callers[2], Some(TaskState::NotStarted), None, 9)), [ids[5], ids[8]]);
    assert_eq!(listed(&page(Some(KeyId([3; 8])), None, None, 9)), []);
    assert_eq!(listed(&page(None, None, None, 9)), ids, "nobody named: everybody's");
}

pub(crate) fn a_page_begins_where_time_had_come_to(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let early = [insert(&*store, 1), insert(&*store, 1)];
    while Timestamp::now() <= early[1].created_at {
        std::hint::spin_loop();
    }
    let late = [insert(&*store, 1), insert(&*store, 1), insert(&*store, 1)];
    apply(&*store, Change::Cancel { id: late[1].id }).unwrap();
    let listed = |since, state, after, limit| {
        let page = block_on(store.list(TaskQuery { since: Some(since), state, after, limit, caller: None })).unwrap();
        (page.tasks.iter().map(|task| task.id).collect::<Vec<_>>(), page.next)
    };
    let [first, second, third] = late.each_ref().map(|task| task.id);
    let since = late[0].created_at;
    assert_eq!(listed(since, None, None, 10), (vec![first, second, third], None));
    assert_eq!(listed(early[0].created_at, None, None, 10).0.len(), 5);
    assert_eq!(listed(Timestamp(0), None, None, 10).0.len(), 5);
    assert_eq!(listed(since, Some(TaskState::Cancelled), None, 10), (vec![second], None));
    let (page, next) = listed(since, None, None, 2);
    assert_eq!(page, [first, second]);
    assert_eq!(listed(since, None, next, 2), (vec![third], None), "the cursor goes on from there");
    assert_eq!(listed(Timestamp::now().after(LEASE), None, None, 10), (vec![], None), "time has not come to that");
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
    apply(&*store, Change::Retry { id: first, run: 1 }).unwrap();
    backlog(2, 120);
    apply(&*store, Change::Cancel { id: first }).unwrap();
    apply(&*store, Change::MarkDeleting { id: first }).unwrap();
    apply(&*store, Change::Remove { id: first }).unwrap();
    backlog(1, 20);
}

pub(crate) fn the_usage_of_each_key_is_the_truth(engine: &mut impl TaskEngine) {
    let (one, other) = (KeyId([1; 8]), KeyId([2; 8]));
    let store = engine.tasks();
    let of = |caller, len| apply(&*store, Change::Insert(NewTask { caller, ..new_task(len) })).unwrap().id;
    let used = |expected: &[(KeyId, u64, u64, u64)]| {
        let mut usage = block_on(store.usage()).unwrap();
        usage.sort_by_key(|usage| usage.caller);
        let expected = expected.iter().map(|&(caller, tasks, bytes, stored)| CallerUsage { caller, usage: Usage { tasks, bytes, stored } });
        assert_eq!(usage, expected.collect::<Vec<_>>());
    };
    used(&[]);
    let (first, _, theirs) = (of(Some(one), 100), of(None, 1000), of(Some(other), 20));
    of(Some(one), 3);
    used(&[(one, 2, 103, 103), (other, 1, 20, 20)]);
    let claimed = claim_one(&*store).claim;
    used(&[(one, 2, 103, 103), (other, 1, 20, 20)]);
    // A result of these tests has seven bytes.
    apply(&*store, finish(claimed)).unwrap();
    used(&[(one, 1, 3, 110), (other, 1, 20, 20)]);
    apply(&*store, Change::Cancel { id: theirs }).unwrap();
    used(&[(one, 1, 3, 110), (other, 0, 0, 20)]);
    apply(&*store, Change::Retry { id: theirs, run: 1 }).unwrap();
    used(&[(one, 1, 3, 110), (other, 1, 20, 20)]);
    apply(&*store, Change::Cancel { id: theirs }).unwrap();
    for id in [first, theirs] {
        apply(&*store, Change::MarkDeleting { id }).unwrap();
    }
    used(&[(one, 1, 3, 110), (other, 0, 0, 20)]);
    for id in [first, theirs] {
        apply(&*store, Change::Remove { id }).unwrap();
    }
    used(&[(one, 1, 3, 3)]);
}

pub(crate) fn a_dropped_future_does_not_take_back_its_write(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let new = new_task(1);
    drop(store.apply(Change::Insert(new.clone())));
    // One queue, one order: what comes later sees it.
    assert_eq!(rejected(apply(&*store, Change::Insert(new))), Rejected::Duplicate);
}

pub(crate) fn a_key_makes_one_task_of_each_caller(engine: &mut impl TaskEngine) {
    let (mine, theirs) = (Some(KeyId([1; 8])), Some(KeyId([2; 8])));
    let sent = |caller, print| {
        let idempotency = Idempotency { key: "order-7".parse().unwrap(), fingerprint: Fingerprint([print; 32]) };
        NewTask { caller, idempotency: Some(idempotency), ..new_task(1) }
    };
    let first = sent(mine, 1);
    let task = apply(&*engine.tasks(), Change::Insert(first.clone())).unwrap();
    assert_eq!(rejected(apply(&*engine.tasks(), Change::Insert(first))), Rejected::Duplicate, "the same try once more");
    engine.reopen();
    let store = engine.tasks();
    assert_eq!(rejected(apply(&*store, Change::Insert(sent(mine, 1)))), Rejected::KeyTaken { by: task.id, same: true });
    assert_eq!(rejected(apply(&*store, Change::Insert(sent(mine, 2)))), Rejected::KeyTaken { by: task.id, same: false });
    let others: Vec<_> = [theirs, None].map(|caller| apply(&*store, Change::Insert(sent(caller, 2))).unwrap().id).into();
    assert_eq!(rejected(apply(&*store, Change::Insert(sent(None, 2)))), Rejected::KeyTaken { by: others[1], same: true });
    assert_eq!(block_on(store.backlog()).unwrap().tasks, 3);

    apply(&*store, Change::Cancel { id: task.id }).unwrap();
    assert_eq!(rejected(apply(&*store, Change::Insert(sent(mine, 1)))), Rejected::KeyTaken { by: task.id, same: true });
    apply(&*store, Change::MarkDeleting { id: task.id }).unwrap();
    apply(&*store, Change::Insert(sent(mine, 2))).unwrap();
    apply(&*store, Change::Remove { id: task.id }).unwrap();
    assert!(matches!(rejected(apply(&*store, Change::Insert(sent(mine, 2)))), Rejected::KeyTaken { same: true, .. }));
}

/// A flag that is set when it is dropped, whatever ended the test.
struct Over<'f>(&'f AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Nobody sees a task as it was before a change that they were told of, and nobody sees it grow younger, however often they ask.
pub(crate) fn whoever_asks_again_and_again_sees_every_change(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let id = insert(&*store, 1).id;
    let view = || {
        let view = block_on(store.view(id)).unwrap().expect("it is there");
        assert_eq!(view.attempts.len() as u64, view.task.claim_no.0, "a task and its history are of one moment");
        view
    };
    let ask = |over: &AtomicBool| {
        let mut latest = (0, 0);
        while !over.load(Ordering::Relaxed) {
            let view = view();
            let seen = (view.task.run, view.task.claim_no.0);
            assert!(seen >= latest, "{latest:?} was seen before {seen:?}");
            latest = seen;
        }
    };
    let flag = AtomicBool::new(false);
    thread::scope(|scope| {
        let over = Over(&flag);
        (0..2).for_each(|_| drop(scope.spawn(|| ask(&flag))));
        for run in 1..=100 {
            let claim = claim_one(&*store).claim;
            assert_eq!((view().task.state, view().task.claim_no), (TaskState::InProgress, claim.claim_no));
            apply(&*store, Change::Fail { claim, failure: failure() }).unwrap();
            let failed = view();
            assert_eq!((failed.task.state, failed.attempts.last().map(|attempt| attempt.ended.is_some())), (TaskState::Failed, Some(true)));
            apply(&*store, Change::Retry { id, run }).unwrap();
            assert_eq!((view().task.state, view().task.run), (TaskState::NotStarted, run + 1));
        }
        drop(over);
    });
    apply(&*store, Change::Cancel { id }).unwrap();
    apply(&*store, Change::MarkDeleting { id }).unwrap();
    assert_eq!(view().task.state, TaskState::Deleting);
    apply(&*store, Change::Remove { id }).unwrap();
    assert_eq!(block_on(store.view(id)), Ok(None));
}
