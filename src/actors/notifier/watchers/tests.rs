//! Who is told, who is not, and what the bounds do.

use futures::FutureExt;

use super::*;
use crate::domain::access::KeyId;
use crate::domain::task::{News, TaskState};
use crate::domain::timestamp::Timestamp;

const LIMITS: WatchLimits = WatchLimits { waiters: 2, streams: 2, buffer: 2 };
const ALL: EventFilter = EventFilter { task: None, caller: None };

fn event(no: u64, task: TaskId, state: TaskState) -> Arc<Event> {
    let news = News::State { state, run: 1, code: None };
    Arc::new(Event { no: EventNo(no), task, caller: Some(KeyId([1; 8])), at: Timestamp(0), news })
}

fn numbers(subscription: &mut Subscription) -> Vec<u64> {
    std::iter::from_fn(|| subscription.next().now_or_never().flatten()).map(|event| event.no.0).collect()
}

#[test]
fn a_waiter_is_woken_by_the_end_of_its_own_task_only() {
    let (mut watchers, [mine, other]) = (Watchers::default(), [TaskId::random(), TaskId::random()]);
    let mut waits = Box::pin(watchers.wait(mine, LIMITS).expect("room").woken());
    watchers.tell(&event(1, mine, TaskState::InProgress));
    watchers.tell(&event(2, other, TaskState::Finished));
    assert_eq!(waits.as_mut().now_or_never(), None);
    watchers.tell(&event(3, mine, TaskState::Failed));
    assert_eq!(waits.now_or_never(), Some(Woken::Ended));
    assert_eq!(watchers.counts().waiters(), 0);
}

#[test]
fn a_stream_is_told_what_its_filter_includes() {
    let (mut watchers, [mine, other]) = (Watchers::default(), [TaskId::random(), TaskId::random()]);
    let limits = WatchLimits { streams: 4, ..LIMITS };
    let mut subscribe = |task, caller| watchers.subscribe(EventFilter { task, caller }, EventNo(0), limits).expect("room");
    let mut streams = [
        subscribe(None, None),
        subscribe(Some(mine), None),
        subscribe(None, Some(KeyId([2; 8]))),
        subscribe(Some(mine), Some(KeyId([1; 8]))),
    ];
    watchers.tell(&event(1, mine, TaskState::NotStarted));
    watchers.tell(&event(2, other, TaskState::NotStarted));
    let told = streams.each_mut().map(numbers);
    assert_eq!(told, [vec![1, 2], vec![1], vec![], vec![1]]);
}

#[test]
fn a_stream_that_nobody_reads_is_cut_off_and_holds_no_more_than_its_buffer() {
    let (mut watchers, task) = (Watchers::default(), TaskId::random());
    let mut slow = watchers.subscribe(ALL, EventNo(0), LIMITS).expect("room");
    (1..=4).for_each(|no| watchers.tell(&event(no, task, TaskState::InProgress)));
    assert_eq!(watchers.counts().cut_off, 1);
    assert_eq!(numbers(&mut slow), [1, 2]);
    assert_eq!(slow.next().now_or_never(), Some(None), "it has ended");
}

#[test]
fn bounds_hold_until_somebody_goes() {
    let (mut watchers, task) = (Watchers::default(), TaskId::random());
    let waiters: Vec<_> = (0..2).map(|_| watchers.wait(task, LIMITS).expect("room")).collect();
    let streams: Vec<_> = (0..2).map(|_| watchers.subscribe(ALL, EventNo(0), LIMITS).expect("room")).collect();
    assert_eq!(watchers.wait(task, LIMITS).expect_err("full"), NotWatched::Full);
    assert_eq!(watchers.subscribe(ALL, EventNo(0), LIMITS).expect_err("full"), NotWatched::Full);
    assert_eq!((watchers.counts().waiters(), watchers.counts().streams(), watchers.counts().refused), (2, 2, 2));
    drop((waiters, streams));
    assert!(watchers.wait(task, LIMITS).is_ok() && watchers.subscribe(ALL, EventNo(0), LIMITS).is_ok());
    watchers.sweep();
    assert!(watchers.waiting.is_empty() && watchers.of_all.is_empty(), "those who are gone are forgotten");
}

#[test]
fn a_stop_ends_everything_and_lets_nobody_in() {
    let (mut watchers, task) = (Watchers::default(), TaskId::random());
    let waiter = watchers.wait(task, LIMITS).expect("room");
    let mut stream = watchers.subscribe(ALL, EventNo(0), LIMITS).expect("room");
    watchers.stop();
    assert_eq!(waiter.woken().now_or_never(), Some(Woken::Stopping));
    assert_eq!(stream.next().now_or_never(), Some(None));
    assert_eq!(watchers.wait(task, LIMITS).expect_err("stopping"), NotWatched::Stopping);
}
