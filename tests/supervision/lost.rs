//! Children on arbiters of their own, and arbiters that die or hang. These tests use threads, and so real time.

use std::{sync::mpsc, time::Duration};

use actix::prelude::*;
use safelight::actors::supervision::*;

use crate::harness::*;

/// Runs a test on a system with a real clock.
fn run_with_threads(test: impl Future<Output = ()>) {
    System::new().block_on(async { tokio::time::timeout(Duration::from_secs(60), test).await.expect("the test hangs") });
}

fn on(arbiter: &Arbiter) -> Options {
    Options { arbiter: Some(arbiter.handle()), shutdown: Duration::from_millis(50), ..Options::default() }
}

/// Blocks the arbiter until the other end of the channel is dropped, as no handler may.
#[derive(Message)]
#[rtype(result = "()")]
struct BlockThread(mpsc::Receiver<()>);

impl Handler<BlockThread> for Probe {
    type Result = ();

    fn handle(&mut self, BlockThread(until): BlockThread, _: &mut Context<Self>) {
        let _ = until.recv();
    }
}

#[test]
fn a_child_on_its_own_arbiter_is_restarted_there() {
    run_with_threads(async {
        let (spec, addr) = Probe::child("a", on(&Arbiter::new()), &Journal::default(), &Script::default());
        let root = root(Strategy::OneForOne, vec![spec]).await;
        assert_eq!(addr.send(Fail::InHandler).await, Err(MailboxError::Closed));
        assert_eq!(addr.send(Count).await, Ok(1));
        assert_eq!(root.stop(Duration::from_secs(10)).await, Exit::Shutdown);
    });
}

#[test]
fn the_death_of_an_arbiter_is_reported_up_to_the_root() {
    run_with_threads(async {
        let arbiter = Arbiter::new();
        let (a, addr) = Probe::child("a", on(&arbiter), &Journal::default(), &Script::default());
        let (engine, _) = supervisor("engine", Strategy::OneForOne, policy(), vec![a]).unwrap();
        let root = root(Strategy::OneForOne, vec![engine]).await;
        arbiter.stop();
        let exit = root.ended().await;
        assert_eq!(exit.to_string(), "engine: a: lost: its arbiter is gone or does not respond");
        assert_eq!(addr.send(Count).await, Err(MailboxError::Closed), "no sender hangs");
    });
}

#[test]
fn a_child_for_a_dead_arbiter_fails_the_start() {
    run_with_threads(async {
        let arbiter = Arbiter::new();
        let options = on(&arbiter);
        arbiter.stop();
        arbiter.join().unwrap();
        let (spec, addr) = Probe::child("a", options, &Journal::default(), &Script::default());
        let error = Root::start(Strategy::OneForOne, policy(), vec![spec]).await.err();
        assert_eq!(error.unwrap().to_string(), "the tree could not be started: a: lost: its arbiter is gone or does not respond");
        assert_eq!(addr.send(Count).await, Err(MailboxError::Closed));
    });
}

#[test]
fn a_temporary_child_that_is_lost_harms_nobody() {
    run_with_threads(async {
        let arbiter = Arbiter::new();
        let (a, _) = Probe::child("a", Options { restart: Restart::Temporary, ..on(&arbiter) }, &Journal::default(), &Script::default());
        let (b, b_addr) = Probe::child("b", Options::default(), &Journal::default(), &Script::default());
        let root = root(Strategy::OneForOne, vec![a, b]).await;
        arbiter.stop();
        arbiter.join().unwrap();
        while root.addr().send(Tree::default()).await.unwrap().children[0].state != State::Stopped {}
        assert_eq!(b_addr.send(Count).await, Ok(1));
    });
}

#[test]
fn a_child_whose_thread_hangs_hangs_neither_the_tree_nor_the_stop() {
    run_with_threads(async {
        let (a, a_addr) = Probe::child("a", on(&Arbiter::new()), &Journal::default(), &Script::default());
        let (b, b_addr) = Probe::child("b", Options::default(), &Journal::default(), &Script::default());
        let root = root(Strategy::OneForOne, vec![b, a]).await;
        let (release, until) = mpsc::channel();
        a_addr.do_send(BlockThread(until));
        let tree = root.addr().send(Tree::default()).await.unwrap();
        assert!(tree.children[0].ping_us.is_some());
        assert_eq!((tree.children[1].ping_us, tree.children[1].state), (None, State::Running));
        assert_eq!(b_addr.send(Count).await, Ok(1));
        assert_eq!(root.stop(Duration::from_secs(30)).await, Exit::Shutdown);
        drop(release);
    });
}
