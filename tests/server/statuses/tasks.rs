//! Tasks: handed in, asked about, watched, cancelled, run again, deleted.

use serde_json::json;

use super::{MISSING, Seen, Walk, damaged};
use crate::harness::{Server, eventually};
use crate::images::small_png;
use crate::raw::{Client, uploading};

pub(super) fn walk(seen: &Seen) {
    let server = Server::new();
    let walk = Walk::new(&server, seen);
    submitted(&walk);
    classic(&walk);
    asked_about(&walk);
    watched(&walk);
    changed(&walk);
    without_room(&walk);
}

/// More steps than a pipeline may have.
fn too_many_steps() -> String {
    vec!["invert"; 65].join("/")
}

fn submitted(walk: &Walk<'_>) {
    const SUBMIT: &str = "POST /v1/tasks";
    let image = small_png();
    walk.want(200, SUBMIT, "/v1/tasks", &[("prefer", "wait=60")], &image);
    walk.want(202, SUBMIT, "/v1/tasks", &[], &image);
    walk.want(400, SUBMIT, "/v1/tasks?pipeline=nonsense", &[], &image);
    walk.want(400, SUBMIT, "/v1/tasks", &[], b"");
    walk.want(415, SUBMIT, "/v1/tasks", &[], b"a text that is no image, and long enough to show it");
    walk.want(422, SUBMIT, &format!("/v1/tasks?webhook={MISSING}"), &[], &image);
    // While a body is still arriving, its key is taken.
    let arriving = Client::uploading_to(walk.server, "/v1/tasks", &["content-length: 1000", "idempotency-key: mine"]);
    eventually("an upload under way", || (uploading(walk.server) == 1).then_some(()));
    walk.want(409, SUBMIT, "/v1/tasks", &[("idempotency-key", "mine")], &image);
    drop(arriving);
}

fn classic(walk: &Walk<'_>) {
    const SUBMIT: &str = "POST /newImage";
    const READY: &str = "GET /image/isReady";
    let image = small_png();
    let id = walk.want(202, SUBMIT, "/newImage", &[], &image).text();
    walk.want(400, SUBMIT, "/newImage?pipeline=nonsense", &[], &image);
    walk.want(415, SUBMIT, "/newImage", &[], b"a text that is no image, and long enough to show it");
    walk.want(422, SUBMIT, &format!("/newImage?pipeline={}", too_many_steps()), &[], &image);
    walk.get(200, READY, &format!("/image/isReady?id={id}"));
    walk.get(400, READY, "/image/isReady");
    walk.get(404, READY, &format!("/image/isReady?id={MISSING}"));
}

fn asked_about(walk: &Walk<'_>) {
    let id = walk.ended("", &small_png());
    walk.get(200, "GET /v1/tasks/{id}", &format!("/v1/tasks/{id}"));
    walk.get(404, "GET /v1/tasks/{id}", &format!("/v1/tasks/{MISSING}"));
    walk.get(200, "GET /v1/tasks", "/v1/tasks");
    walk.get(400, "GET /v1/tasks", "/v1/tasks?limit=0");
}

fn watched(walk: &Walk<'_>) {
    const ONE: &str = "GET /v1/tasks/{id}/events";
    const ALL: &str = "GET /v1/events";
    let id = walk.ended("", &small_png());
    let events = format!("/v1/tasks/{id}/events");
    let told = walk.get(200, ONE, &events).text();
    let last = told.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().expect("an event");
    walk.want(204, ONE, &events, &[("last-event-id", last)], b"");
    walk.want(400, ONE, &events, &[("last-event-id", "x")], b"");
    walk.get(404, ONE, &format!("/v1/tasks/{MISSING}/events"));
    walk.get(200, ALL, "/v1/events");
    walk.want(400, ALL, "/v1/events", &[("last-event-id", "x")], b"");
}

fn changed(walk: &Walk<'_>) {
    const CANCEL: &str = "POST /v1/tasks/{id}/cancel";
    const RETRY: &str = "POST /v1/tasks/{id}/retry";
    const DELETE: &str = "DELETE /v1/tasks/{id}";
    let finished = walk.ended("", &small_png());
    let id = walk.task("?pipeline=fault_loop", &small_png());
    walk.get(200, CANCEL, &format!("/v1/tasks/{id}/cancel"));
    walk.get(404, CANCEL, &format!("/v1/tasks/{MISSING}/cancel"));
    walk.get(409, CANCEL, &format!("/v1/tasks/{finished}/cancel"));
    walk.get(202, RETRY, &format!("/v1/tasks/{id}/retry"));
    walk.get(404, RETRY, &format!("/v1/tasks/{MISSING}/retry"));
    walk.get(409, RETRY, &format!("/v1/tasks/{finished}/retry"));
    walk.get(204, DELETE, &format!("/v1/tasks/{id}"));
    walk.get(404, DELETE, "/v1/tasks/no-id");
}

/// The disk is full when the change of a task is to be written.
fn without_room(walk: &Walk<'_>) {
    let open = walk.task("?pipeline=fault_loop", &small_png());
    let failed = walk.ended("", &damaged());
    assert_eq!(walk.get(200, "GET /v1/tasks/{id}", &format!("/v1/tasks/{failed}")).json()["state"], json!("failed"));
    walk.server.arm("tasks.full", "return(error)");
    walk.get(507, "POST /v1/tasks/{id}/cancel", &format!("/v1/tasks/{open}/cancel"));
    walk.get(507, "POST /v1/tasks/{id}/retry", &format!("/v1/tasks/{failed}/retry"));
    walk.get(507, "DELETE /v1/tasks/{id}", &format!("/v1/tasks/{failed}"));
}
