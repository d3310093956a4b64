//! Children start in order, each when the one before it is ready, and stop in reverse, each within its deadline.

use std::time::Duration;

use actix::prelude::*;
use safelight::actors::supervision::*;
use tokio::time::Instant;

use crate::harness::*;

const SECOND: Duration = Duration::from_secs(1);

fn options() -> Options {
    Options { shutdown: 3 * SECOND, init: 5 * SECOND, ..Options::default() }
}

/// Starts children `a`, `b`, `c` with these scripts.
async fn start(strategy: Strategy, journal: &Journal, scripts: [Script; 3]) -> (Result<Root, RootError>, Vec<Addr<Probe>>) {
    let children = ["a", "b", "c"].into_iter().zip(&scripts).map(|(id, script)| Probe::child(id, options(), journal, script));
    let (specs, addrs) = children.unzip();
    (Root::start(strategy, policy(), specs).await, addrs)
}

fn slow(seconds: u32) -> Script {
    Script::inits([Init::After(seconds * SECOND)])
}

#[test]
fn each_child_waits_until_the_one_before_it_is_ready() {
    run(async {
        let (journal, begin) = (Journal::default(), Instant::now());
        let (root, _) = start(Strategy::OneForOne, &journal, [slow(3), slow(2), slow(1)]).await;
        assert!(root.is_ok());
        assert_eq!(begin.elapsed(), 6 * SECOND);
        assert_eq!(journal.take().join(" "), "+a +b +c");
    });
}

#[test]
fn a_tree_stops_in_reverse_order() {
    run(async {
        let journal = Journal::default();
        let (root, _) = start(Strategy::OneForOne, &journal, Default::default()).await;
        journal.take();
        assert_eq!(root.unwrap().stop(10 * SECOND).await, Exit::Shutdown);
        assert_eq!(journal.take().join(" "), "-c -b -a");
    });
}

#[test]
fn stopping_twice_at_once_is_stopping_once() {
    run(async {
        let journal = Journal::default();
        let (root, _) = start(Strategy::OneForOne, &journal, Default::default()).await;
        let root = root.unwrap();
        assert_eq!(futures::join!(root.stop(10 * SECOND), root.stop(10 * SECOND)), (Exit::Shutdown, Exit::Shutdown));
    });
}

#[test]
fn a_child_that_fails_to_start_fails_the_tree_and_those_before_it_are_stopped() {
    for (init, reason) in [
        (Init::Err, "b: init failed: no such file"),
        (Init::Panic, "b: panicked: init of b"),
        (Init::Stop, "b: init failed: it stopped before it was ready"),
        (Init::Hang, "b: init failed: not ready within 5s"),
    ] {
        run(async {
            let journal = Journal::default();
            let (root, _) = start(Strategy::OneForOne, &journal, [slow(0), Script::inits([init]), slow(0)]).await;
            let Err(RootError::Failed(exit)) = root else { panic!("the tree started") };
            assert_eq!(exit.to_string(), reason);
            assert_eq!(journal.take().join(" "), "+a -a");
        });
    }
}

#[test]
fn a_sibling_that_dies_during_the_start_is_restarted_and_the_start_goes_on() {
    for (strategy, expected) in
        [(Strategy::OneForOne, "+a -a +a +b +c"), (Strategy::RestForOne, "+a -a +a +b +c"), (Strategy::OneForAll, "+a -a +a +b +c")]
    {
        run(async {
            let journal = Journal::default();
            let (a, a_addr) = Probe::child("a", options(), &journal, &Script::default());
            let (b, _) = Probe::child("b", options(), &journal, &slow(2));
            let (c, c_addr) = Probe::child("c", options(), &journal, &Script::default());
            let killer = async {
                tokio::time::sleep(SECOND).await;
                a_addr.do_send(Fail::InHandler);
            };
            let (root, ()) = futures::join!(Root::start(strategy, policy(), vec![a, b, c]), killer);
            assert!(root.is_ok());
            assert_eq!(journal.take().join(" "), expected);
            assert_eq!((a_addr.send(Count).await, c_addr.send(Count).await), (Ok(1), Ok(1)));
        });
    }
}

#[test]
fn a_child_that_finishes_its_work_in_time_is_not_killed() {
    run(async {
        let (journal, begin) = (Journal::default(), Instant::now());
        let (root, addrs) =
            start(Strategy::OneForOne, &journal, [slow(0), Script::terminates(Terminate::After(2 * SECOND)), slow(0)]).await;
        let root = root.unwrap();
        let (exit, answer) = futures::join!(root.stop(10 * SECOND), async {
            tokio::time::sleep(SECOND).await;
            addrs[1].send(Count).await
        });
        assert_eq!((exit, begin.elapsed()), (Exit::Shutdown, 2 * SECOND));
        assert_eq!(answer, Ok(1), "messages are handled while it finishes");
    });
}

#[test]
fn a_stubborn_child_is_given_up_at_its_deadline() {
    run(async {
        let (journal, begin) = (Journal::default(), Instant::now());
        let (root, _) = start(Strategy::OneForOne, &journal, [slow(0), Script::terminates(Terminate::Hang), slow(0)]).await;
        assert_eq!(root.unwrap().stop(10 * SECOND).await, Exit::Shutdown);
        assert_eq!(begin.elapsed(), 3 * SECOND);
        assert_eq!(journal.take().join(" "), "+a +b +c -c -b -a");
    });
}

#[test]
fn a_blocked_child_is_given_up_at_its_deadline() {
    run(async {
        let (journal, begin) = (Journal::default(), Instant::now());
        let (root, addrs) = start(Strategy::OneForOne, &journal, Default::default()).await;
        addrs[1].do_send(Fail::Block);
        assert_eq!(root.unwrap().stop(10 * SECOND).await, Exit::Shutdown);
        assert_eq!(begin.elapsed(), 3 * SECOND);
    });
}

#[test]
fn the_whole_tree_is_killed_at_its_deadline() {
    run(async {
        let (journal, begin) = (Journal::default(), Instant::now());
        let hang = || Script::terminates(Terminate::Hang);
        let (root, _) = start(Strategy::OneForOne, &journal, [hang(), hang(), hang()]).await;
        assert_eq!(root.unwrap().stop(4 * SECOND).await, Exit::Killed);
        settle().await;
        assert!(begin.elapsed() < 5 * SECOND);
        assert_eq!(journal.take().join(" "), "+a +b +c -c -b -a");
    });
}

#[test]
fn failures_while_a_child_stops_are_only_noted() {
    run(async {
        let journal = Journal::default();
        let scripts = [Script::default(), Script::terminates(Terminate::Panic), Script::terminates(Terminate::After(2 * SECOND))];
        let (root, addrs) = start(Strategy::OneForAll, &journal, scripts).await;
        let root = root.unwrap();
        let (exit, ()) = futures::join!(root.stop(10 * SECOND), async {
            tokio::time::sleep(SECOND).await;
            addrs[0].do_send(Fail::InHandler);
            addrs[2].do_send(Fail::InHandler);
        });
        assert_eq!(exit, Exit::Shutdown);
        assert_eq!(journal.take().join(" "), "+a +b +c -a -c -b");
    });
}

#[test]
fn a_tree_that_is_stopped_while_it_starts_stops_what_there_is() {
    run(async {
        let journal = Journal::default();
        let (a, _) = Probe::child("a", options(), &journal, &Script::default());
        let (b, b_addr) = Probe::child("b", options(), &journal, &slow(4));
        let (inner, _) = supervisor("inner", Strategy::OneForOne, policy(), vec![a, b]).unwrap();
        let (c, c_addr) = Probe::child("c", options(), &journal, &Script::default());
        let root = root(Strategy::RestForOne, vec![c, inner]).await;
        journal.take();
        b_addr.do_send(Fail::InHandler);
        c_addr.do_send(Fail::InHandler);
        settle().await;
        assert_eq!(journal.take().join(" "), "-b -c +b -b -a +c +a +b");
        drop(root);
    });
}

#[test]
fn dropping_the_root_kills_the_tree() {
    run(async {
        let journal = Journal::default();
        let (root, addrs) = start(Strategy::OneForOne, &journal, Default::default()).await;
        drop(root);
        assert_eq!(addrs[1].send(Count).await, Err(MailboxError::Closed));
        settle().await;
        assert_eq!(journal.take().len(), 6);
    });
}

#[test]
fn two_children_with_one_id_are_refused() {
    run(async {
        let child = || Probe::child("a", options(), &Journal::default(), &Script::default()).0;
        let error = Root::start(Strategy::OneForOne, policy(), vec![child(), child()]).await.err();
        assert_eq!(error.unwrap().to_string(), "supervisor root has two children with the id a; give each its own");
    });
}
