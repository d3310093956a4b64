//! Errors and what every answer carries: a panic in a handler, paths and bodies that cannot be read, request ids, cross-origin requests.

use serde_json::json;
use ureq::Agent;

use crate::access::{ask_as, ask_json, make_key};
use crate::harness::{Answer, Options, PATIENCE, Server, eventually};
use crate::images::small_png;
use crate::raw::Client;

fn ask(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().into();
    let mut request = ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", server.address()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, mut body) = agent.run(request.body(()).expect("a request")).expect("an answer").into_parts();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.read_to_vec().expect("a whole body") }
}

fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"), "{}", answer.text());
    assert_eq!((&answer.json()["code"], &answer.json()["status"]), (&json!(code), &json!(status)), "{}", answer.text());
}

#[test]
fn a_panic_in_a_handler_is_an_answer() {
    let server = Server::new();
    for _ in 0..3 {
        server.arm("http.handler", "1*panic(a secret of the server)");
        let answer = ask(&server, "GET", "/v1/tasks", &[("x-request-id", "panic-1")]);
        assert_problem(&answer, 500, "internal");
        assert!(!answer.text().contains("secret") && answer.header("x-request-id") == "panic-1", "{}", answer.text());
        eventually("the panic in the log", || server.log().contains("a secret of the server").then_some(()));
        assert_eq!(server.get("/v1/tasks").status, 200, "the next request is answered");
    }
    server.arm("http.handler", "1*panic");
    let classic = server.get("/image/isReady?id=x");
    assert_eq!((classic.status, classic.header("content-type")), (500, "text/plain; charset=utf-8"));
    server.arm("http.handler", "1*panic");
    // A body is on its way: its client hears why nobody takes it.
    let mut client = Client::uploading_to(&server, "/v1/tasks", &["transfer-encoding: chunked"]);
    assert_eq!(client.answer().map(|reply| reply.status), Some(500));
    let id = server.upload(&small_png(), "");
    assert_eq!(server.wait(&id), "finished");
}

#[test]
fn paths_and_bodies_that_cannot_be_read_are_problems() {
    let server = Server::new();
    for path in ["/v1/tasks/%FF", "/v1/tasks/%00", "/v1/keys/%C3%28", "/v1/tasks/", "/v1//tasks", "/v1/assets/%F0%9F"] {
        assert_problem(&server.get(path), 404, "not_found");
    }
    for (body, status, code) in [("{", 400, "invalid_request"), ("[]", 400, "invalid_request"), ("", 400, "empty_body")] {
        assert_problem(&ask_as(&server, None, "POST", "/v1/keys", "application/json", body.as_bytes()), status, code);
    }
    let long = json!({ "name": "x".repeat(70_000), "scopes": ["read"] });
    assert_problem(&ask_json(&server, None, "POST", "/v1/keys", &long), 413, "payload_too_large");
    let form = ask_as(&server, None, "POST", "/v1/keys", "application/x-www-form-urlencoded", b"name=x");
    assert_problem(&form, 415, "unsupported_media_type");
    let query = "x".repeat(8000);
    assert_problem(&server.get(&format!("/v1/tasks?cursor={query}")), 400, "invalid_request");
}

#[test]
fn a_clients_request_id_comes_back_and_is_in_the_log() {
    let server = Server::new();
    let answer = ask(&server, "GET", "/v1/tasks/none", &[("x-request-id", "trace-7")]);
    assert_eq!(answer.header("x-request-id"), "trace-7");
    eventually("the line in the log", || server.log().contains("trace-7").then_some(()));
    let replaced = ask(&server, "GET", "/v1/tasks", &[("x-request-id", "two words")]);
    assert_eq!(replaced.header("x-request-id").len(), 32, "a new one");
}

#[test]
fn pages_of_other_sites_are_let_in_only_where_it_is_said() {
    const SITE: &str = "https://app.example.org";
    let preflight = |server: &Server, origin: &str| {
        ask(
            server,
            "OPTIONS",
            "/v1/tasks",
            &[
                ("origin", origin),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization,idempotency-key"),
            ],
        )
    };
    let server = Server::new();
    let (off, simple) = (preflight(&server, SITE), ask(&server, "GET", "/v1/tasks", &[("origin", SITE)]));
    assert_problem(&off, 405, "method_not_allowed");
    assert_eq!((off.header("access-control-allow-origin"), simple.header("access-control-allow-origin")), ("", ""));
    drop(server);

    let server = Options::new().set("server.cors_origins", SITE).start();
    let (_, key) = make_key(&server, None, &["read"], &json!({}));
    let answer = preflight(&server, SITE);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, SITE), "a preflight needs no key");
    let allowed = answer.header("access-control-allow-headers").to_lowercase();
    assert!(allowed.contains("authorization") && allowed.contains("idempotency-key"), "{allowed}");
    assert!(preflight(&server, "https://evil.example.org").header("access-control-allow-origin").is_empty());
    let bearer = format!("Bearer {key}");
    for (headers, status) in [(vec![("origin", SITE), ("authorization", &bearer)], 200), (vec![("origin", SITE)], 401)] {
        let answer = ask(&server, "GET", "/v1/tasks", &headers);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, SITE));
        let exposed = answer.header("access-control-expose-headers").to_lowercase();
        for name in
            ["location", "retry-after", "etag", "link", "content-range", "content-disposition", "x-request-id", "preference-applied"]
        {
            assert!(exposed.contains(name), "{name} in {exposed}");
        }
    }
    let elsewhere = ask(&server, "GET", "/v1/tasks", &[("origin", "https://evil.example.org"), ("authorization", &bearer)]);
    assert_eq!(elsewhere.header("access-control-allow-origin"), "");
}
