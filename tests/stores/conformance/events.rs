//! What every store promises about events.

use std::collections::BTreeSet;

use safelight::domain::access::KeyId;
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;
use safelight::domain::ids::TaskId;
use safelight::domain::pipeline::VariantName;
use safelight::domain::task::{Change, Event, EventNo, NewTask, News, Task, TaskState};
use safelight::stores::events::{EventFilter, EventQuery, EventSpan, EventStore};

use crate::fixtures::*;

/// The events of a filter, read in pages of so many.
pub(crate) fn read_events(store: &dyn EventStore, filter: EventFilter, limit: usize) -> Vec<Event> {
    let (mut all, mut after) = (Vec::new(), EventNo(0));
    loop {
        let page = block_on(store.page(EventQuery { after, filter, limit })).unwrap();
        assert!(page.events.len() <= limit.max(1));
        all.extend(page.events);
        match page.next {
            Some(next) => after = next,
            None => return all,
        }
    }
}

fn news(store: &dyn EventStore, task: TaskId) -> Vec<News> {
    let events = read_events(store, EventFilter { task: Some(task), caller: None }, 100);
    assert!(events.iter().all(|event| event.task == task));
    events.into_iter().map(|event| event.news).collect()
}

/// The events of a task, put together, are the task: its state, its run, and which results are there.
pub(crate) fn assert_events_tell(store: &dyn EventStore, task: &Task, case: &str) {
    let (mut entered, mut there) = (None, BTreeSet::new());
    for news in news(store, task.id) {
        match news {
            News::State { state, run, .. } => entered = Some((state, run)),
            News::Result { variant, .. } => assert!(there.insert(variant), "{case}: {variant} is told twice"),
        }
    }
    assert_eq!(entered, Some((task.state, task.run)), "{case}: {task:?}");
    assert_eq!(there, task.results.keys().copied().collect(), "{case}: {task:?}");
}

fn entered(state: TaskState, run: u32) -> News {
    News::State { state, run, code: None }
}

pub(crate) fn every_change_is_told_in_its_order(engine: &mut impl TaskEngine) {
    let store = engine.tasks();
    let new = NewTask { variants: "large=png thumb=resize:10x".parse().unwrap(), ..new_task(1) };
    let id = apply(&*store, Change::Insert(new.clone())).unwrap().id;
    let [large, thumb]: [VariantName; 2] = ["large", "thumb"].map(|name| name.parse().unwrap());
    let first = claim_one(&*store).claim;
    apply(&*store, add(first, thumb)).unwrap();
    apply(&*store, Change::Heartbeat { claim: first, lease: LEASE }).unwrap();
    block_on(store.recover()).unwrap();
    let second = claim_one(&*store).claim;
    // Refused, so nothing happened.
    apply(&*store, add(first, large)).unwrap_err();
    apply(&*store, Change::Insert(new)).unwrap_err();
    apply(&*store, Change::Fail { claim: second, failure: failure() }).unwrap();
    apply(&*store, Change::Retry { id, run: 1 }).unwrap();
    let third = claim_one(&*store).claim;
    apply(&*store, add(third, large)).unwrap();
    apply(&*store, Change::MarkDeleting { id }).unwrap();
    apply(&*store, Change::Remove { id }).unwrap();

    let made = |variant, run, done| News::Result { variant, run, done, of: 2, format: Format::Jpeg, bytes: 7, width: 400, height: 300 };
    let expected = [
        entered(TaskState::NotStarted, 1),
        entered(TaskState::InProgress, 1),
        made(thumb, 1, 1),
        entered(TaskState::NotStarted, 1),
        entered(TaskState::InProgress, 1),
        News::State { state: TaskState::Failed, run: 1, code: Some(ErrorCode::CorruptImage) },
        entered(TaskState::NotStarted, 2),
        entered(TaskState::InProgress, 2),
        made(large, 2, 2),
        entered(TaskState::Finished, 2),
        entered(TaskState::Deleting, 2),
    ];
    assert_eq!(news(&*engine.events(), id), expected, "also of a task that is gone");
    engine.reopen();
    assert_eq!(news(&*engine.events(), id), expected);
}

pub(crate) fn pages_of_events_are_complete_and_disjoint(engine: &mut impl TaskEngine) {
    let (store, mine) = (engine.tasks(), KeyId([1; 8]));
    let insert = |caller| apply(&*store, Change::Insert(NewTask { caller, ..new_task(1) })).unwrap().id;
    let ids = [insert(Some(mine)), insert(None), insert(Some(KeyId([2; 8]))), insert(Some(mine))];
    ids.iter().for_each(|id| drop(apply(&*store, Change::Cancel { id: *id }).unwrap()));
    let of =
        |filter, limit| read_events(&*engine.events(), filter, limit).iter().map(|event| (event.task, event.caller)).collect::<Vec<_>>();
    let everything: Vec<_> = ids.into_iter().zip([Some(mine), None, Some(KeyId([2; 8])), Some(mine)]).collect();
    for limit in [0, 1, 3, 8, 9] {
        assert_eq!(of(EventFilter::default(), limit), [everything.clone(), everything.clone()].concat());
        let own = [everything[0], everything[3]];
        assert_eq!(of(EventFilter { task: None, caller: Some(mine) }, limit), [own, own].concat());
        assert_eq!(of(EventFilter { task: Some(ids[2]), caller: None }, limit), [everything[2], everything[2]]);
        assert_eq!(of(EventFilter { task: Some(ids[2]), caller: Some(mine) }, limit), []);
    }
    let numbers: Vec<_> = read_events(&*engine.events(), EventFilter::default(), 3).iter().map(|event| event.no).collect();
    assert!(numbers.is_sorted() && numbers[0] > EventNo(0), "{numbers:?}");
}

pub(crate) fn the_oldest_events_are_forgotten_and_no_number_comes_back(engine: &mut impl TaskEngine) {
    assert_eq!(block_on(engine.events().span()), Ok(EventSpan { oldest: EventNo(1), latest: EventNo(0) }));
    let ids: Vec<_> = (0..5).map(|len| insert(&*engine.tasks(), len).id).collect();
    assert_eq!(block_on(engine.events().forget(5)), Ok(0));
    assert_eq!(block_on(engine.events().forget(2)), Ok(3));
    let left: Vec<_> = read_events(&*engine.events(), EventFilter::default(), 10).iter().map(|event| event.task).collect();
    assert_eq!(left, ids[3..]);
    let span = block_on(engine.events().span()).unwrap();
    assert_eq!(span.latest.0 - span.oldest.0, 1);

    assert_eq!(block_on(engine.events().forget(0)), Ok(2));
    engine.reopen();
    assert_eq!(block_on(engine.events().span()), Ok(EventSpan { oldest: EventNo(span.latest.0 + 1), latest: span.latest }));
    let next = insert(&*engine.tasks(), 1).id;
    let events = read_events(&*engine.events(), EventFilter::default(), 10);
    assert_eq!(events.iter().map(|event| event.task).collect::<Vec<_>>(), [next]);
    assert!(events[0].no > span.latest, "{events:?}");
}
