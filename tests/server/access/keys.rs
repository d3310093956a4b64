//! The life of a key over HTTP: shown once, listed, rotated, revoked.

use serde_json::json;

use super::{ask_as, ask_json, code, make_key};
use crate::harness::{Server, files};
use crate::images::small_png;

fn get(server: &Server, key: Option<&str>, path: &str) -> crate::harness::Answer {
    ask_as(server, key, "GET", path, "", b"")
}

#[test]
fn the_first_key_closes_the_server_for_all_others() {
    let server = Server::new();
    let open = server.upload(&small_png(), "");
    assert_eq!(server.get("/v1/settings").status, 200, "whoever reaches a server without keys is its operator");
    let (_, admin) = make_key(&server, None, &["admin"], &json!({}));
    for (path, classic) in [("/v1/tasks", false), ("/image/isReady?id=x", true)] {
        let refused = server.get(path);
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, r#"Bearer realm="safelight""#), "{path}");
        assert_eq!(refused.header("content-type") == "application/problem+json", !classic, "{path}");
    }
    for good in ["/livez", "/readyz"] {
        assert_eq!(server.get(good).status, 200, "{good} needs no key");
    }
    assert_eq!(get(&server, Some(&admin), &format!("/v1/tasks/{open}")).status, 200, "an admin sees what nobody owns");
    let wrong = get(&server, Some("slk_0000"), "/v1/tasks");
    assert_eq!((wrong.status, code(&wrong).as_str()), (401, "unauthorized"));
    assert_eq!(wrong.header("www-authenticate"), r#"Bearer realm="safelight", error="invalid_token""#);
    assert!(wrong.text().contains("misspelled"), "{}", wrong.text());
}

#[test]
fn a_secret_is_shown_once_and_kept_nowhere() {
    let server = Server::new();
    let (_, admin) = make_key(&server, None, &["admin"], &json!({}));
    let (id, user) = make_key(&server, Some(&admin), &["read"], &json!({ "tasks_in_flight": 5 }));
    let listed = get(&server, Some(&admin), "/v1/keys").json();
    assert_eq!(listed["keys"].as_array().map(Vec::len), Some(2), "{listed}");
    let one = get(&server, Some(&admin), &format!("/v1/keys/{id}")).json();
    assert_eq!(one, listed["keys"][1]);
    assert_eq!((&one["name"], &one["scopes"], &one["quota"]), (&json!("test"), &json!(["read"]), &json!({ "tasks_in_flight": 5 })));
    get(&server, Some(&user), "/v1/tasks");
    get(&server, Some(&user), "/v1/settings");
    // The secret without the id before it and the checksum behind it.
    let secret = user.split('_').nth(2).expect("three parts")[..64].to_owned();
    let binary: Vec<u8> = (0..32).map(|index| u8::from_str_radix(&secret[2 * index..2 * index + 2], 16).expect("digits")).collect();
    assert!(!listed.to_string().contains(&secret));
    let (data, server_log) = (server.data(), server.log());
    assert!(!server_log.contains(&secret), "the log");
    for file in files(&data).iter().filter(|file| file.is_file()) {
        let bytes = std::fs::read(file).expect("it can be read");
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(secret.as_bytes()) && !holds(&binary), "{}", file.display());
    }
}

#[test]
fn a_rotated_key_has_two_secrets_for_a_while_and_keeps_its_tasks() {
    let server = Server::new();
    let (_, admin) = make_key(&server, None, &["admin"], &json!({}));
    let (id, first) = make_key(&server, Some(&admin), &["submit", "read"], &json!({}));
    let task = ask_as(&server, Some(&first), "POST", "/newImage", "image/png", &small_png());
    assert_eq!(task.status, 202, "{}", task.text());
    let rotate = |body| {
        let rotated = ask_json(&server, Some(&admin), "POST", &format!("/v1/keys/{id}/rotate"), &body);
        assert_eq!(rotated.status, 200, "{}", rotated.text());
        rotated.json()["key"].as_str().expect("a key").to_owned()
    };
    let status = |key: &str| get(&server, Some(key), &format!("/v1/tasks/{}", task.text())).status;
    let second = rotate(json!({ "overlap": 3600 }));
    assert_eq!((status(&first), status(&second)), (200, 200));
    let third = rotate(json!({ "overlap": 0 }));
    assert_eq!((status(&first), status(&second), status(&third)), (401, 401, 200));
}

#[test]
fn a_revoked_key_is_refused_by_the_next_request_and_after_a_restart() {
    let server = Server::new();
    let (_, admin) = make_key(&server, None, &["admin"], &json!({}));
    let (id, user) = make_key(&server, Some(&admin), &["read"], &json!({}));
    for _ in 0..20 {
        assert_eq!(get(&server, Some(&user), "/v1/tasks").status, 200);
    }
    let path = format!("/v1/keys/{id}");
    for _ in 0..2 {
        assert_eq!(ask_as(&server, Some(&admin), "DELETE", &path, "", b"").status, 204, "again changes nothing");
    }
    for _ in 0..20 {
        assert_eq!(get(&server, Some(&user), "/v1/tasks").status, 401);
    }
    let rotated = ask_json(&server, Some(&admin), "POST", &format!("{path}/rotate"), &json!({}));
    assert_eq!((rotated.status, code(&rotated).as_str()), (409, "key_revoked"));
    let server = server.kill_and_restart();
    assert_eq!(get(&server, Some(&user), "/v1/tasks").status, 401);
    assert_eq!(get(&server, Some(&admin), &path).status, 404);
    assert!(get(&server, Some(&admin), "/v1/keys").json()["keys"][1]["revoked_at"].is_string(), "it stays on record");
}

#[test]
fn what_is_wrong_with_a_new_key_is_told() {
    let server = Server::new();
    for (body, told) in [
        (json!({ "scopes": ["read"] }), "name"),
        (json!({ "name": "", "scopes": ["read"] }), "1 to 64 characters"),
        (json!({ "name": "x", "scopes": [] }), "at least one scope"),
        (json!({ "name": "x", "scopes": ["write"] }), "expected submit, read or admin"),
        (json!({ "name": "x", "scopes": ["read"], "expires_in": 0 }), "expires_in"),
        (json!({ "name": "x", "scopes": ["read"], "quota": { "requests_per_minute": 0 } }), "from 1 to"),
        (json!({ "name": "x", "scopes": ["read"], "quota": { "speed": 1 } }), "unknown field"),
    ] {
        let refused = ask_json(&server, None, "POST", "/v1/keys", &body);
        assert_eq!((refused.status, code(&refused).as_str()), (400, "invalid_request"), "{body}");
        assert!(refused.text().contains(told), "{told}: {}", refused.text());
    }
    let plain = ask_as(&server, None, "POST", "/v1/keys", "text/plain", br#"{"name":"x","scopes":["admin"]}"#);
    assert_eq!((plain.status, code(&plain).as_str()), (415, "unsupported_media_type"), "a page elsewhere could send it");
    assert_eq!(server.get("/v1/keys").json(), json!({ "keys": [] }), "nothing was made");
}

#[test]
fn a_key_may_be_used_at_its_pace() {
    let server = Server::new();
    let (_, admin) = make_key(&server, None, &["admin"], &json!({}));
    let (_, user) = make_key(&server, Some(&admin), &["read", "submit"], &json!({ "requests_per_minute": 3 }));
    for _ in 0..3 {
        assert_eq!(get(&server, Some(&user), "/v1/tasks").status, 200);
    }
    let refused = get(&server, Some(&user), "/v1/tasks");
    assert_eq!((refused.status, code(&refused).as_str()), (429, "too_many_requests"));
    assert!(refused.text().contains("3 times a minute (requests_per_minute)"), "{}", refused.text());
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((15..=20).contains(&wait), "a third of a minute, less what has passed: {wait}");
    assert_eq!(get(&server, Some(&admin), "/v1/tasks").status, 200, "another key has its own");
}
