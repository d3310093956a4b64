//! Uploads that are sent again under the same `Idempotency-Key`: one task, whatever became of the first answer.

use serde_json::json;
use ureq::Agent;

use crate::access::make_key;
use crate::harness::{Answer, Options, PATIENCE, Server, eventually};
use crate::images::{self, small_png};
use crate::raw::{Client, assert_nothing_left, uploading};

/// Sends something under these headers to `/v1/tasks`.
fn send(server: &Server, query: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().into();
    let request = agent.post(format!("http://{}/v1/tasks{query}", server.address()));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let (parts, mut answer) = request.send(body).expect("an answer").into_parts();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body: answer.read_to_vec().expect("a whole body") }
}

/// A form of an image and these parts, which may come before or behind it.
fn form(boundary: &str, before: &[(&str, &str)], behind: &[(&str, &str)]) -> (String, Vec<u8>) {
    let part = |(name, text): &(&str, &str)| format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
    let mut body = before.iter().map(part).collect::<String>().into_bytes();
    body.extend_from_slice(format!("--{boundary}\r\ncontent-disposition: form-data; name=\"image\"; filename=\"x\"\r\n\r\n").as_bytes());
    body.extend_from_slice(&small_png());
    body.extend_from_slice(format!("\r\n{}--{boundary}--\r\n", behind.iter().map(part).collect::<String>()).as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

fn id(answer: &Answer) -> String {
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()["id"].as_str().expect("an id").to_owned()
}

fn tasks(server: &Server) -> usize {
    server.get_json("/v1/tasks")["tasks"].as_array().map_or(0, Vec::len)
}

#[test]
fn the_same_upload_makes_one_task() {
    let server = Options::new().set("presets.turned", "rotate:90/png").start();
    let key = ("idempotency-key", "order-7");
    let first = send(&server, "?pipeline=rotate:90/png&metadata=%7B%22a%22%3A1%2C%22b%22%3A2%7D", &[key], &small_png());
    assert_eq!(first.header("idempotent-replayed"), "");
    let task = id(&first);
    assert_eq!(server.wait(&task), "finished");

    // Told in other words, in another order, between other boundaries, under the same key in quotes.
    let forms = [
        form("x", &[("pipeline", "rotate:degrees=90/png"), ("metadata", r#"{"b":2, "a":1}"#)], &[]),
        form("yy", &[("metadata", r#"{"a":1,"b":2}"#)], &[("preset", "turned")]),
    ];
    for (content_type, body) in forms {
        let again = send(&server, "", &[("idempotency-key", "\"order-7\""), ("content-type", &content_type)], &body);
        assert_eq!((id(&again), again.header("idempotent-replayed")), (task.clone(), "true"));
        assert_eq!(again.header("location"), first.header("location"));
        let now = again.json();
        assert_eq!((&now["state"], now["attempts"].as_array().map(Vec::len)), (&json!("finished"), Some(1)), "as it is now: {now}");
    }
    let waits = send(&server, "?preset=turned&metadata=%7B%22a%22%3A1%2C%22b%22%3A2%7D", &[key, ("prefer", "wait=60")], &small_png());
    assert_eq!((waits.status, waits.json()["id"].clone()), (200, json!(task)));

    assert_eq!(tasks(&server), 1);
    assert_eq!(server.node("frontend")["details"]["replayed"], 3);
    assert_nothing_left(&server, &[task]);
}

#[test]
fn another_upload_under_the_same_key_is_refused() {
    let server = Server::new();
    let key = ("idempotency-key", "order-7");
    let task = id(&send(&server, "?pipeline=invert/png&metadata=x", &[key], &small_png()));
    let other = images::encode(&images::rgb(9, 9), image::ImageFormat::Png);
    for (what, query, image) in [
        ("another image", "?pipeline=invert/png&metadata=x", &other),
        ("another pipeline", "?pipeline=invert&metadata=x", &small_png()),
        ("other metadata", "?pipeline=invert/png", &small_png()),
        ("another expiry", "?pipeline=invert/png&metadata=x&expires_in=3h", &small_png()),
    ] {
        let refused = send(&server, query, &[key], image);
        assert_eq!((refused.status, refused.json()["code"].clone()), (422, json!("idempotency_key_reused")), "{what}: {}", refused.text());
        assert!(refused.json()["detail"].as_str().is_some_and(|detail| detail.contains(&task)), "{what}: {}", refused.text());
    }
    let new = id(&send(&server, "?pipeline=invert&metadata=x", &[("idempotency-key", "order-8")], &small_png()));
    // What was deleted holds no key any more.
    assert_eq!(server.wait(&task), "finished");
    assert_eq!(server.delete(&format!("/v1/tasks/{task}")).status, 204);
    let anew = id(&send(&server, "?pipeline=invert&metadata=x", &[key], &small_png()));
    assert_nothing_left(&server, &[new, anew]);
}

#[test]
fn a_key_is_in_use_only_while_the_first_body_arrives() {
    let server = Server::new();
    let image = small_png();
    let length = format!("content-length: {}", image.len());
    let mut first = Client::uploading_to(&server, "/v1/tasks", &[&length, "idempotency-key: order-7"]);
    first.send(&image[..50]);
    eventually("an upload", || (uploading(&server) == 1).then_some(()));
    let meanwhile = send(&server, "", &[("idempotency-key", "order-7")], &image);
    assert_eq!((meanwhile.status, meanwhile.json()["code"].clone()), (409, json!("idempotency_in_progress")), "{}", meanwhile.text());
    assert_eq!(meanwhile.header("retry-after"), "1");
    first.send(&image[50..]);
    assert_eq!(first.answer().expect("an answer").status, 202);
    assert_eq!(send(&server, "", &[("idempotency-key", "order-7")], &image).header("idempotent-replayed"), "true");

    // A first try that breaks off is as if it had never been.
    let mut broken = Client::uploading_to(&server, "/v1/tasks", &[&length, "idempotency-key: order-8"]);
    broken.send(&image[..50]);
    eventually("an upload", || (uploading(&server) == 1).then_some(()));
    drop(broken);
    eventually("its end", || (uploading(&server) == 0).then_some(()));
    assert_eq!(send(&server, "", &[("idempotency-key", "order-8")], &image).header("idempotent-replayed"), "");
    assert_eq!(tasks(&server), 2);
}

#[test]
fn callers_have_keys_of_their_own() {
    let server = Server::new();
    let (_, admin) = make_key(&server, None, &["admin"], &json!({}));
    let bearers = [(); 2].map(|()| format!("Bearer {}", make_key(&server, Some(&admin), &["submit", "read"], &json!({})).1));
    let ids = bearers.each_ref().map(|bearer| {
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", "order-7")];
        let first = id(&send(&server, "", &headers, &small_png()));
        let again = send(&server, "", &headers, &small_png());
        assert_eq!((id(&again), again.header("idempotent-replayed")), (first.clone(), "true"));
        first
    });
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn what_is_no_key_is_refused() {
    let server = Server::new();
    let long = "x".repeat(256);
    for headers in [
        &[("idempotency-key", "")][..],
        &[("idempotency-key", "a b")],
        &[("idempotency-key", &long)],
        &[("idempotency-key", "a"), ("idempotency-key", "a")],
    ] {
        let refused = send(&server, "", headers, &small_png());
        assert_eq!((refused.status, refused.json()["code"].clone()), (400, json!("invalid_request")), "{headers:?}: {}", refused.text());
        assert!(refused.text().contains("Idempotency-Key"), "{}", refused.text());
    }
    assert_nothing_left(&server, &[]);
}
