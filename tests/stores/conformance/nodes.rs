//! What every store of nodes promises.

use std::sync::Arc;
use std::time::Duration;

use safelight::domain::node::{Heartbeat, Measured, Node, NodeState, Role, Workforce};
use safelight::stores::nodes::NodeStore;
use serde_json::json;
use uuid::Uuid;

use crate::fixtures::{HandClock, Sqlite, TaskEngine, block_on};

/// An engine for nodes whose clock the suite holds in its hand.
pub(crate) trait NodeEngine {
    fn nodes(&self) -> Arc<dyn NodeStore>;
    fn clock(&self) -> &HandClock;
}

impl NodeEngine for Sqlite {
    fn nodes(&self) -> Arc<dyn NodeStore> {
        self.db()
    }

    fn clock(&self) -> &HandClock {
        TaskEngine::clock(self)
    }
}

const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn heartbeat(node: &str, busy: u32) -> Heartbeat {
    Heartbeat {
        node: node.to_owned(),
        run: Uuid::from_u128(7),
        role: Role::Work,
        version: "1.2.3".to_owned(),
        address: "[::1]:8080".to_owned(),
        draining: false,
        workers: 3,
        busy,
        measured: Measured { mean_work: Some(Duration::from_micros(250_001)), rate: 1.5 },
        tree: json!({ "id": "root", "children": [{ "id": "Größe \"1\"" }] }),
        interval: SECOND,
    }
}

fn beat(store: &dyn NodeStore, heartbeat: Heartbeat) {
    block_on(store.beat(heartbeat)).unwrap();
}

fn listed(engine: &impl NodeEngine) -> Vec<Node> {
    block_on(engine.nodes().nodes()).unwrap()
}

fn names(engine: &impl NodeEngine) -> Vec<String> {
    listed(engine).into_iter().map(|node| node.told.node).collect()
}

pub(crate) fn the_last_heartbeat_of_every_node_is_known(engine: &mut impl NodeEngine) {
    let store = engine.nodes();
    for told in [heartbeat("b", 1), heartbeat("a", 0), heartbeat("b", 2)] {
        beat(&*store, told);
    }
    let found = listed(engine);
    assert_eq!(found.iter().map(|node| node.told.clone()).collect::<Vec<_>>(), [heartbeat("a", 0), heartbeat("b", 2)]);
    assert!(found.iter().all(|node| node.silent_for == Duration::ZERO && node.state() == NodeState::Running));
}

pub(crate) fn silence_is_measured_by_the_engines_clock(engine: &mut impl NodeEngine) {
    let store = engine.nodes();
    beat(&*store, heartbeat("a", 0));
    engine.clock().advance(SECOND * 3);
    beat(&*store, heartbeat("b", 0));
    engine.clock().advance(Duration::from_millis(1));
    let states: Vec<_> = listed(engine).iter().map(|node| (node.silent_for, node.state())).collect();
    assert_eq!(states, [(Duration::from_millis(3001), NodeState::Silent), (Duration::from_millis(1), NodeState::Running)]);
    beat(&*store, heartbeat("a", 0));
    assert_eq!(listed(engine)[0].state(), NodeState::Running, "heard again");
}

pub(crate) fn a_node_hears_what_those_can_do_that_run(engine: &mut impl NodeEngine) {
    let store = engine.nodes();
    let told = |node: &str, workers, millis: Option<u64>, rate| {
        let measured = Measured { mean_work: millis.map(Duration::from_millis), rate };
        Heartbeat { workers, measured, ..heartbeat(node, 0) }
    };
    let hears = |told| {
        let others: Workforce = block_on(store.beat(told)).unwrap();
        (others.workers, others.rate, others.mean_work().map(|mean| mean.as_millis()))
    };
    let listens = || hears(told("listens", 0, None, 0.0));
    assert_eq!(hears(told("a", 3, Some(100), 5.0)), (0, 0.0, None), "it is alone");
    assert_eq!(hears(told("b", 1, Some(500), 0.5)), (3, 5.0, Some(100)));
    assert_eq!(listens(), (4, 5.5, Some(200)), "the mean of each counts for its workers");
    hears(told("new", 2, None, 0.0));
    assert_eq!(listens(), (6, 5.5, Some(200)), "one that has measured nothing has workers all the same");
    hears(Heartbeat { draining: true, ..told("a", 3, Some(100), 5.0) });
    assert_eq!(listens(), (3, 0.5, Some(500)), "one that is stopping takes nothing more");
    engine.clock().advance(SECOND * 3);
    assert_eq!(listens(), (3, 0.5, Some(500)));
    engine.clock().advance(Duration::from_millis(1));
    assert_eq!(listens(), (0, 0.0, None), "all are silent");
}

pub(crate) fn a_run_has_one_beginning(engine: &mut impl NodeEngine) {
    let store = engine.nodes();
    beat(&*store, heartbeat("a", 0));
    let began = listed(engine)[0].started_at;
    engine.clock().advance(SECOND * 5);
    beat(&*store, heartbeat("a", 1));
    assert_eq!(listed(engine)[0].started_at, began);
    beat(&*store, Heartbeat { run: Uuid::from_u128(8), ..heartbeat("a", 0) });
    let again = &listed(engine)[0];
    assert!(again.started_at >= began && again.started_at == again.heard_at, "{again:?}");
}

pub(crate) fn a_node_that_leaves_or_is_silent_for_long_is_forgotten(engine: &mut impl NodeEngine) {
    let store = engine.nodes();
    for node in ["a", "b", "c"] {
        beat(&*store, heartbeat(node, 0));
    }
    block_on(store.leave("b".to_owned())).unwrap();
    block_on(store.leave("nobody".to_owned())).unwrap();
    assert_eq!(names(engine), ["a", "c"]);
    engine.clock().advance(SECOND * 60);
    beat(&*store, heartbeat("c", 0));
    assert_eq!(block_on(store.forget_silent(SECOND * 60)), Ok(0));
    engine.clock().advance(SECOND);
    assert_eq!(block_on(store.forget_silent(SECOND * 60)), Ok(1));
    assert_eq!(names(engine), ["c"]);
}
