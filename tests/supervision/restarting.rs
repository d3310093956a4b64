//! A child that fails is restarted: its address and the queued messages survive, its state does not.

use std::time::Duration;

use actix::prelude::*;
use safelight::actors::supervision::*;

use crate::harness::*;

/// Sends a failure and two messages behind it; the two must be answered by a fresh state.
async fn survives(fail: Fail, answer: Result<(), MailboxError>) {
    let journal = Journal::default();
    let (spec, addr) = Probe::child("a", Options::default(), &journal, &Script::default());
    let root = root(Strategy::OneForOne, vec![spec]).await;
    assert_eq!(addr.send(Count).await, Ok(1));

    let failing = addr.send(fail);
    let (second, third) = (addr.clone().send(Count), addr.clone().send(Count));
    assert_eq!(failing.await, answer);
    settle().await;
    let queued = (second.await, third.await);
    let fresh = addr.send(Count).await.unwrap();
    assert_eq!(addr.send(Count).await, Ok(fresh + 1), "the address lives on");
    assert!(queued == (Ok(1), Ok(2)) && fresh == 3 || queued == (Ok(3), Ok(4)) && fresh == 1, "{queued:?}, then {fresh}");
    assert_eq!(journal.take(), ["+a", "-a", "+a"]);
    assert_eq!(root.addr().send(Tree::default()).await.unwrap().children[0].restarts, 1);
}

#[test]
fn a_panic_in_a_handler_loses_only_the_message_in_hand() {
    run(survives(Fail::InHandler, Err(MailboxError::Closed)));
}

#[test]
fn a_panic_in_an_async_handler_is_survived() {
    run(survives(Fail::InAsyncHandler, Err(MailboxError::Closed)));
}

#[test]
fn a_panic_in_a_spawned_future_is_survived() {
    run(survives(Fail::InSpawnedFuture, Ok(())));
}

#[test]
fn a_permanent_child_that_stops_itself_is_started_again() {
    run(survives(Fail::Stop, Err(MailboxError::Closed)));
}

#[test]
fn messages_sent_before_the_start_wait_for_it() {
    run(async {
        let (spec, addr) = Probe::child("a", Options::default(), &Journal::default(), &Script::default());
        let early = addr.send(Count);
        let _root = root(Strategy::OneForOne, vec![spec]).await;
        assert_eq!(early.await, Ok(1));
    });
}

#[test]
fn messages_wait_through_a_slow_init_and_a_backoff() {
    run(async {
        let (journal, script) = (Journal::default(), Script::inits([Init::Ok, Init::After(Duration::from_secs(3))]));
        let (spec, addr) = Probe::child("a", Options::default(), &journal, &script);
        let _root = Root::start(Strategy::OneForOne, Policy::default(), vec![spec]).await.unwrap();
        addr.do_send(Fail::InHandler);
        let before = tokio::time::Instant::now();
        assert_eq!(addr.send(Count).await, Ok(1));
        assert!(before.elapsed() > Duration::from_secs(3), "answered after the init");
    });
}

#[test]
fn a_panic_while_the_state_is_dropped_does_not_stop_the_restart() {
    run(async {
        let script = Script::default();
        let (spec, addr) = Probe::child("a", Options::default(), &Journal::default(), &script);
        let _root = root(Strategy::OneForOne, vec![spec]).await;
        script.set(|plan| plan.drop_panics = true);
        assert_eq!(addr.send(Fail::InHandler).await, Err(MailboxError::Closed));
        assert_eq!(addr.send(Count).await, Ok(1));
    });
}

#[test]
fn a_closure_that_panics_once_is_called_again() {
    run(async {
        let (journal, script) = (Journal::default(), Script::default());
        let mut made = 0;
        let (spec, addr) = child("a", Options::default(), move || {
            made += 1;
            assert!(made != 2, "the second state cannot be made");
            Probe::new("a", &journal, &script)
        });
        let root = root(Strategy::OneForOne, vec![spec]).await;
        assert_eq!(addr.send(Fail::InHandler).await, Err(MailboxError::Closed));
        assert_eq!(addr.send(Count).await, Ok(1));
        assert_eq!(root.stop(Duration::from_secs(1)).await, Exit::Shutdown);
    });
}
