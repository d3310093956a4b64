//! What a key may use: tasks and bytes in flight, bytes stored. Every refusal comes before the body, names its limit and what is held, and
//! says when to come back.

use serde_json::json;

use super::{ask_as, code, make_key};
use crate::harness::{Answer, Options, Server, eventually};
use crate::images::small_png;
use crate::raw::{Client, Reply};

/// A server, an admin's key, and the key of a user with a quota.
fn house(quota: &serde_json::Value) -> (Server, String, String) {
    let server = Options::new().set("tasks.deadline", "10m").start();
    let (_, admin) = make_key(&server, None, &["admin"], &json!({}));
    let (_, user) = make_key(&server, Some(&admin), &["submit", "read"], quota);
    (server, admin, user)
}

fn upload(server: &Server, key: &str, pipeline: &str) -> Answer {
    ask_as(server, Some(key), "POST", &format!("/v1/tasks?pipeline={pipeline}"), "image/png", &small_png())
}

/// Announces a body and sends none of it: what is answered was decided before.
fn announce(server: &Server, key: &str, path: &str, length: &str) -> Reply {
    let mut client = Client::uploading_to(server, path, &[&format!("authorization: Bearer {key}"), length]);
    client.answer().expect("an answer before the body")
}

fn id(accepted: &Answer) -> String {
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    accepted.json()["id"].as_str().expect("an id").to_owned()
}

fn assert_refused(reply: &Reply, code: &str, told: &str) {
    assert_eq!(reply.status, 429, "{reply:?}");
    assert!(reply.body.contains(code) && reply.body.contains(told), "{code}, {told}: {}", reply.body);
    let wait = reply.head.lines().find_map(|line| line.strip_prefix("retry-after: ")).and_then(|wait| wait.parse::<u64>().ok());
    assert!(wait.is_some_and(|wait| (1..=300).contains(&wait)), "{}", reply.head);
}

#[test]
fn tasks_in_flight_are_counted_for_each_key_and_over_a_restart() {
    let (server, admin, user) = house(&json!({ "tasks_in_flight": 1 }));
    let running = id(&upload(&server, &user, "fault_loop"));
    for path in ["/newImage", "/v1/tasks"] {
        let refused = announce(&server, &user, path, "content-length: 50000000");
        assert_refused(&refused, "too_many_tasks_in_flight", "tasks_in_flight is 1; it holds 1");
    }
    assert_eq!(upload(&server, &admin, "invert").status, 202, "another key is not held up");
    let server = server.kill_and_restart();
    let refused = upload(&server, &user, "invert");
    assert_eq!((refused.status, code(&refused).as_str()), (429, "too_many_tasks_in_flight"), "it is read from the store again");
    let cancelled = ask_as(&server, Some(&user), "POST", &format!("/v1/tasks/{running}/cancel"), "", b"");
    assert_eq!(cancelled.status, 200, "{}", cancelled.text());
    id(&upload(&server, &user, "invert"));
}

#[test]
fn an_upload_under_way_is_in_flight() {
    let (server, admin, user) = house(&json!({ "bytes_in_flight": 100_000 }));
    let key = format!("authorization: Bearer {user}");
    let held = Client::uploading(&server, &[&key, "content-length: 60000"]);
    eventually("the first upload's permit", || {
        let tree = ask_as(&server, Some(&admin), "GET", "/v1/tree", "", b"").text();
        tree.contains(r#""uploading":1"#).then_some(())
    });
    let refused = announce(&server, &user, "/newImage", "content-length: 50000");
    assert_refused(&refused, "too_many_bytes_in_flight", "bytes_in_flight is 100000; it holds 60000, and this upload counts 50000");
    drop(held);
    eventually("the permit's end", || (upload(&server, &user, "invert").status == 202).then_some(()));
    let never = announce(&server, &user, "/v1/tasks", "content-length: 100001");
    assert_eq!(never.status, 413, "{never:?}");
    assert!(never.body.contains("payload_too_large") && never.body.contains("can never be taken"), "{}", never.body);
    assert!(!never.head.contains("retry-after"), "{}", never.head);
}

#[test]
fn stored_bytes_are_counted_until_they_are_deleted() {
    let image = small_png().len();
    let (server, _, user) = house(&json!({ "stored_bytes": 2 * image - 1 }));
    let first = id(&upload(&server, &user, "invert"));
    let refused = announce(&server, &user, "/v1/tasks", &format!("content-length: {image}"));
    assert_refused(&refused, "too_many_stored_bytes", &format!("stored_bytes is {}", 2 * image - 1));
    let deleted = ask_as(&server, Some(&user), "DELETE", &format!("/v1/tasks/{first}"), "", b"");
    assert_eq!(deleted.status, 204, "{}", deleted.text());
    eventually("room", || (upload(&server, &user, "invert").status == 202).then_some(()));
}

#[test]
fn who_is_not_let_in_sends_no_body() {
    let (server, _, user) = house(&json!({ "requests_per_minute": 1 }));
    let length = "content-length: 50000000";
    let nobody = Client::uploading_to(&server, "/v1/tasks", &[length]).answer().expect("an answer before the body");
    let forbidden = Client::uploading_to(&server, "/v1/keys", &[&format!("authorization: Bearer {user}"), length]).answer();
    assert_eq!((nobody.status, forbidden.map(|reply| reply.status)), (401, Some(403)));
    assert_refused(&announce(&server, &user, "/v1/tasks", length), "too_many_requests", "1 times a minute");
}
