//! Servers over one database tell each other what they have done: none of this waits for a look at the clock, since nobody looks here.

use serde_json::json;

use crate::access::{ask_as, make_key};
use crate::harness::{PATIENCE, Server, eventually};
use crate::jobs::{self, Held, Job, lives};
use crate::nodes::Place;

/// A server that never looks by itself for tasks or events, and whose workers are silent for an hour.
fn server(place: &Place, workers: u32) -> Server {
    let server = place.options(workers).set("tasks.lease", "3h").set("tasks.heartbeat", "1h").start();
    for tick in ["master.tick", "notifier.tick"] {
        server.arm(tick, "return(error)");
    }
    server
}

#[test]
fn a_task_is_worked_on_elsewhere_and_whoever_waits_for_it_is_told() {
    let Some(place) = Place::new() else { return };
    let (front, back) = (server(&place, 0), server(&place, 1));
    // The workers wait: they have done something already, and nothing else is there.
    for number in 0..3 {
        let job = Job::upload(&front, number);
        let wait = format!("wait={}", PATIENCE.as_secs());
        let answer = front.get_with_all(&format!("/v1/tasks/{}", job.id), &[("prefer", &wait), ("accept", "application/json")]);
        assert_eq!(answer.json()["state"], "finished", "{}", answer.text());
        job.check(&back);
    }
    let late = front.node("notifier")["details"]["found_late"].clone();
    assert_eq!(late, 0, "what nobody told of");
}

#[test]
fn settings_and_keys_that_are_changed_elsewhere_are_in_force() {
    let Some(place) = Place::new() else { return };
    let (one, other) = (server(&place, 0), server(&place, 0));
    for server in [&one, &other] {
        server.arm("key_values.look", "return(error)");
        server.arm("keys.look", "return(error)");
    }
    let known = |server: &Server| server.get_json("/v1/settings/presets.fresh")["value"].clone();
    assert_eq!(one.put("/v1/settings/presets.fresh", "invert").status, 200);
    eventually("the setting elsewhere", || {
        let plan = other.post_for_json("/v1/pipelines/explain", b"fresh").json();
        (plan["errors"] == json!([])).then_some(())
    });
    assert_eq!(known(&one), known(&other));

    let (id, key) = make_key(&one, None, &["admin"], &json!({}));
    let status = |key: Option<&str>| ask_as(&other, key, "GET", "/v1/tasks", "", b"").status;
    eventually("a server that is closed", || (status(None) == 401).then_some(()));
    assert_eq!(status(Some(&key)), 200);
    assert_eq!(ask_as(&one, Some(&key), "DELETE", &format!("/v1/keys/{id}"), "", b"").status, 204);
    eventually("a key that is revoked", || (status(Some(&key)) == 401).then_some(()));
}

#[test]
fn work_that_is_cancelled_elsewhere_is_ended() {
    let Some(place) = Place::new() else { return };
    let (front, back) = (server(&place, 0), server(&place, 2));
    let (cancelled, kept) = (Job::upload_held(&front, 1), Job::upload_held(&front, 2));
    let held = jobs::wait_for_held(&back, 2);
    let child = |job: &Job| held.iter().find(|held| held.task == job.id).expect("it is held").pid;
    assert_eq!(front.post(&format!("/v1/tasks/{}/cancel", cancelled.id), "application/json", b"").status, 200);
    eventually("the end of the process that works for nobody", || (!lives(child(&cancelled))).then_some(()));
    assert!(lives(child(&kept)), "the other has nothing to do with it");
    held.iter().filter(|held| held.task == kept.id).for_each(Held::go_on);
    kept.check(&front);
}
