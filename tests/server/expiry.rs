//! Retention: a task that has ended is kept as long as its upload or the settings say, and nothing is left of it then.

use serde_json::{Value, json};

use crate::harness::{Options, Server, eventually};
use crate::images::small_png;

/// A server that looks for what has expired ten times a second.
fn tidy() -> Options {
    Options::new().set("janitor.interval", "100ms")
}

/// Uploads a task with the query and returns it as it was accepted.
fn submit(server: &Server, query: &str) -> Value {
    let answer = server.post(&format!("/v1/tasks{query}"), "application/octet-stream", &small_png());
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()
}

fn id(task: &Value) -> &str {
    task["id"].as_str().expect("an id")
}

fn wait_until_gone(server: &Server, task: &Value) {
    let path = format!("/v1/tasks/{}", id(task));
    eventually("the expiry of a task", || (server.get(&path).status == 404).then_some(()));
    let left = || server.blobs().into_iter().find(|name| name.starts_with(id(task)));
    eventually("the removal of its blobs", || left().map_or(Ok(()), Err));
}

#[test]
fn a_task_expires_when_its_upload_said_and_others_stay() {
    let server = tidy().start();
    let (short, kept) = (submit(&server, "?expires_in=1s"), submit(&server, ""));
    let days = submit(&server, "?expires_in=172800");
    assert_eq!((&short["expires_in"], &short["expires_at"]), (&json!(1), &Value::Null), "it has not ended");
    assert_eq!((&kept["expires_in"], &days["expires_in"]), (&Value::Null, &json!(172_800)));
    server.wait(id(&days));
    let ended = server.task(id(&days));
    let moment = |name: &str| ended[name].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok()).expect(name);
    let kept_for = moment("expires_at").duration_since(moment("ended_at")).as_secs();
    assert!((172_799..=172_801).contains(&kept_for), "{ended}");
    wait_until_gone(&server, &short);
    for task in [&kept, &days] {
        assert_eq!(server.wait(id(task)), "finished");
        assert_eq!(server.image(id(task)).status, 200);
    }
    // It counts at the end of its round.
    let expired = || server.node("janitor")["details"]["expired"].clone();
    eventually("the count of the janitor", || if expired() == 1 { Ok(()) } else { Err(expired().to_string()) });
}

#[test]
fn the_settings_say_how_long_what_says_nothing_is_kept() {
    let server = tidy().start();
    let before = submit(&server, "");
    assert_eq!(server.put("/v1/settings/tasks.expires_in", "1s").json()["value"], "1s");
    let (after, never) = (submit(&server, ""), submit(&server, "?expires_in=never"));
    let failed = server.upload(&small_png()[..60], "");
    wait_until_gone(&server, &after);
    wait_until_gone(&server, &json!({ "id": failed }));
    for task in [&before, &never] {
        assert_eq!((server.wait(id(task)).as_str(), &server.task(id(task))["expires_in"]), ("finished", &Value::Null));
    }
}

#[test]
fn a_time_that_cannot_be_read_is_refused_before_the_upload() {
    let server = Server::new();
    for query in ["?expires_in=soon", "?expires_in=0", "?expires_in=-5", "?expires_in="] {
        let answer = server.post(&format!("/v1/tasks{query}"), "application/octet-stream", &small_png());
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!("invalid_request")), "{query}");
    }
    assert_eq!(server.put("/v1/settings/tasks.expires_in", "soon").status, 422);
}

#[test]
fn an_expiry_that_was_cut_off_is_finished_by_the_next_start() {
    for point in ["janitor.delete_blob", "janitor.blobs_deleted"] {
        let mut server = tidy().start();
        server.arm(point, "1*return(kill)");
        let answer = server.post("/v1/tasks?expires_in=1s", "application/octet-stream", &small_png());
        let task = answer.json();
        server.exit_code();
        let server = server.restart();
        wait_until_gone(&server, &task);
    }
}
