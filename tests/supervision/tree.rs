//! The tree tells the state of everything, in time, whatever hangs.

use std::time::Duration;

use safelight::actors::supervision::*;
use tokio::time::Instant;

use crate::harness::*;

#[test]
fn the_tree_shows_states_failures_and_what_services_tell() {
    run(async {
        let (a, a_addr) = Probe::child("a", Options::default(), &Journal::default(), &Script::default());
        let (b, b_addr) =
            Probe::child("b", Options { restart: Restart::Temporary, ..Options::default() }, &Journal::default(), &Script::default());
        let (engine, _) = supervisor("engine", Strategy::RestForOne, policy(), vec![a, b]).unwrap();
        let root = root(Strategy::OneForOne, vec![engine]).await;
        a_addr.send(Count).await.unwrap();
        b_addr.do_send(Fail::Stop);
        tokio::time::sleep(Duration::from_secs(2)).await;

        let tree = root.addr().send(Tree::default()).await.unwrap();
        assert_eq!((tree.id.as_str(), tree.state, tree.uptime_ms), ("root", State::Running, Some(2000)));
        let engine = &tree.children[0];
        assert_eq!((engine.id.as_str(), engine.state, engine.strategy), ("engine", State::Running, Some(Strategy::RestForOne)));
        let [a, b] = &engine.children[..] else { panic!("{engine:?}") };
        assert_eq!((a.state, a.uptime_ms, a.restarts, &a.details["count"]), (State::Running, Some(2000), 0, &1.into()));
        assert!(a.ping_us.is_some() && a.last_failure.is_none());
        assert_eq!((b.state, b.uptime_ms, b.ping_us), (State::Stopped, None, None));
    });
}

#[test]
fn a_failure_is_shown_with_its_place_and_age() {
    run(async {
        let (spec, addr) = Probe::child("a", Options::default(), &Journal::default(), &Script::default());
        let root = root(Strategy::OneForOne, vec![spec]).await;
        addr.do_send(Fail::InAsyncHandler);
        tokio::time::sleep(Duration::from_secs(3)).await;
        let child = root.addr().send(Tree::default()).await.unwrap().children.remove(0);
        let failure = child.last_failure.unwrap();
        assert_eq!((failure.reason.as_str(), failure.ago_ms), ("panicked: kaboom later", 3000));
        assert!(failure.location.unwrap().contains("tests/supervision/harness.rs:"));
        assert_eq!((child.restarts, child.uptime_ms), (1, Some(3000)));
    });
}

#[test]
fn a_hung_child_does_not_hang_the_tree() {
    run(async {
        let (a, a_addr) = Probe::child("a", Options::default(), &Journal::default(), &Script::default());
        let (b, _) = Probe::child("b", Options::default(), &Journal::default(), &Script::default());
        let (engine, _) = supervisor("engine", Strategy::OneForOne, policy(), vec![a, b]).unwrap();
        let root = root(Strategy::OneForOne, vec![engine]).await;
        a_addr.do_send(Fail::Block);
        let begin = Instant::now();
        let tree = root.addr().send(Tree::default()).await.unwrap();
        assert!(begin.elapsed() <= Tree::default().within);
        let [a, b] = &tree.children[0].children[..] else { panic!("{tree:?}") };
        assert_eq!((a.state, a.ping_us), (State::Running, None));
        assert!(b.ping_us.is_some());
    });
}

#[test]
fn a_tree_that_still_starts_or_stops_can_be_looked_at() {
    run(async {
        let slow = || Script::inits([Init::After(Duration::from_secs(5))]);
        let (a, a_addr) = Probe::child("a", Options::default(), &Journal::default(), &Script::inits([Init::Ok, slow_init()]));
        let (b, _) = Probe::child("b", Options::default(), &Journal::default(), &slow());
        let (engine, engine_addr) = supervisor("engine", Strategy::RestForOne, policy(), vec![a, b]).unwrap();
        let root = root(Strategy::OneForOne, vec![engine]).await;
        a_addr.do_send(Fail::InHandler);
        settle().await;
        let states = |node: Node| node.children.iter().map(|child| child.state).collect::<Vec<_>>();
        assert_eq!(states(engine_addr.send(Tree::default()).await.unwrap()), [State::Starting, State::Waiting]);
        drop(root);
    });
}

fn slow_init() -> Init {
    Init::After(Duration::from_secs(5))
}

#[test]
fn the_tree_is_json_and_back() {
    run(async {
        let (spec, _) = Probe::child("a", Options::default(), &Journal::default(), &Script::default());
        let root = root(Strategy::OneForOne, vec![spec]).await;
        let tree = root.addr().send(Tree::default()).await.unwrap();
        let json = serde_json::to_value(&tree).unwrap();
        assert_eq!(json["children"][0]["state"], "running");
        assert_eq!(serde_json::from_value::<Node>(json).unwrap(), tree);
    });
}
