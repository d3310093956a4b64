//! `GET /v1/nodes` and the tree of each: what a server tells of itself, and what is known of one that says nothing any more.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Options, Server, eventually};
use crate::jobs::{self, Job};

/// What a server says of all, once it holds.
fn listed(server: &Server, what: &str, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    eventually(what, || {
        let nodes = server.get_json("/v1/nodes")["nodes"].as_array().cloned().unwrap_or_default();
        if holds(&nodes) { Ok(nodes) } else { Err(format!("{nodes:?}")) }
    })
}

/// The name of a server.
fn name(server: &Server) -> String {
    std::fs::read_to_string(server.data().join("node")).expect("it has one").trim().to_owned()
}

#[test]
fn a_server_alone_tells_of_itself_until_it_stops() {
    let server = Options::new().set("nodes.heartbeat", "100ms").start();
    let first = listed(&server, "the first heartbeat", |nodes| nodes.len() == 1);
    let node = &first[0];
    for (key, value) in [
        ("id", json!(name(&server))),
        ("role", json!("all")),
        ("state", json!("running")),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("address", json!(server.address())),
        ("workers", json!(2)),
        ("busy", json!(0)),
        ("janitor", json!(true)),
    ] {
        assert_eq!(node[key], value, "{key}: {node}");
    }
    let held = Job::upload_held(&server, 0);
    jobs::wait_for_held(&server, 1);
    let busy = listed(&server, "a busy worker", |nodes| nodes[0]["busy"] == 1);
    assert_eq!(busy[0]["started_at"], node["started_at"]);
    let tree = server.get_json(&format!("/v1/nodes/{}/tree", name(&server)));
    let ids: Vec<_> = tree["children"].as_array().expect("children").iter().map(|child| child["id"].clone()).collect();
    assert!(ids.contains(&json!("engine")) && ids.contains(&json!("nodes")), "{tree}");
    server.signal(Signal::TERM);
    listed(&server, "the news that it stops", |nodes| nodes[0]["state"] == "draining");
    let restarted = server.kill_and_restart();
    jobs::finish_all(&restarted, &[held]);
    let again = listed(&restarted, "another beginning", |nodes| nodes.len() == 1 && nodes[0]["started_at"] != node["started_at"]);
    assert_eq!(again[0]["id"], node["id"]);
}

#[cfg(feature = "s3")]
#[test]
fn every_server_knows_of_all_and_one_that_was_killed_falls_silent() {
    let Some(place) = crate::nodes::Place::new() else { return };
    let options = |role| place.options(1).set("server.role", role).set("nodes.heartbeat", "200ms");
    let (front, mut back) = (options("serve").start(), options("work").start());
    let of = |nodes: &[Value], server: &str, key: &str| nodes.iter().find(|node| node["id"] == server).map(|node| node[key].clone());
    let known = |server: &Server| listed(server, "both", |nodes| nodes.len() == 2 && nodes.iter().all(|node| node["state"] == "running"));
    let (names, seen) = ((name(&front), name(&back)), known(&front));
    for (key, expected) in [("role", ["serve", "work"].map(Value::from)), ("workers", [0, 1].map(Value::from))] {
        assert_eq!([of(&seen, &names.0, key), of(&seen, &names.1, key)], expected.map(Some), "{key}: {seen:?}");
    }
    assert_eq!(known(&back).len(), 2, "each asks the database, not the other");

    back.arm("webhooks.tick", "1*panic(of another server)");
    eventually("the failure of another server's service", || {
        let tree = front.get(&format!("/v1/nodes/{}/tree", names.1));
        (tree.status == 200 && tree.text().contains("of another server")).then_some(())
    });
    assert!(!front.get("/v1/tree").text().contains("of another server"), "it has a tree of its own");

    back.signal(Signal::KILL);
    assert_eq!(back.exit_code(), None);
    listed(&front, "its silence", |nodes| of(nodes, &names.1, "state") == Some(json!("silent")));
    let mut back = back.restart();
    known(&front);
    back.signal(Signal::TERM);
    assert_eq!(back.exit_code(), Some(0));
    assert_eq!(of(&listed(&front, "one alone", |nodes| nodes.len() == 1), &names.0, "state"), Some(json!("running")));
}
