//! Webhooks: what an endpoint is told, whatever happens to it and to the server meanwhile; where nothing is sent; whose they are.

pub(crate) mod endpoint;

use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::access::{ask_as, ask_json, make_key};
use crate::harness::{Answer, Server, eventually};
use crate::images::small_png;
use crate::jobs::{self, Job};
use endpoint::{Endpoint, Request, options, register, vacant};

/// Hands in an image whose end is told.
fn submit(server: &Server, key: Option<&str>, webhook: &str) -> Answer {
    ask_as(server, key, "POST", &format!("/v1/tasks?webhook={webhook}"), "image/png", &small_png())
}

/// The same, where it is accepted; the task's id.
fn accepted(server: &Server, key: Option<&str>, webhook: &str) -> String {
    let accepted = submit(server, key, webhook);
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    accepted.json()["id"].as_str().expect("an id").to_owned()
}

fn deliveries(server: &Server, webhook: &str) -> Vec<Value> {
    let page = server.get_json(&format!("/v1/webhooks/{webhook}/deliveries"));
    page["deliveries"].as_array().unwrap_or_else(|| panic!("{page}")).clone()
}

/// The only delivery of an endpoint, once it is in this state.
fn settled(server: &Server, webhook: &str, state: &str) -> Value {
    eventually(&format!("a delivery that is {state}"), || match deliveries(server, webhook).as_slice() {
        [delivery] if delivery["state"] == state => Ok(delivery.clone()),
        others => Err(format!("{others:?}")),
    })
}

#[test]
fn an_endpoint_that_was_down_is_told_after_the_server_was_killed() {
    let server = options().start();
    let address = vacant();
    let (webhook, secret) = register(&server, None, &format!("http://{address}/hooks"));
    let task = accepted(&server, None, &webhook);
    let tried = eventually("the second attempt", || {
        deliveries(&server, &webhook).pop().filter(|delivery| delivery["attempts"].as_u64() >= Some(2))
    });
    assert_eq!((&tried["state"], &tried["last_status"], &tried["type"]), (&json!("waiting"), &Value::Null, &json!("task.finished")));
    assert!(tried["last_error"].as_str().is_some_and(|why| why.contains("refused")) && tried["next_at"].is_string(), "{tried}");

    let server = server.kill_and_restart();
    let endpoint = Endpoint::on(TcpListener::bind(address).expect("the same port"), &[204]);
    let request = endpoint.next();
    assert!(request.is_signed_by(&secret), "{request:?}");
    let changed = Request { body: request.body.replace("finished", "failed"), headers: request.headers.clone() };
    assert!(!changed.is_signed_by(&secret));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let sent: u64 = request.header("webhook-timestamp").parse().expect("seconds");
    assert!(now.abs_diff(sent) <= 60, "{sent} at {now}");
    assert_eq!((request.header("webhook-id"), request.header("content-type")), (tried["id"].as_str().expect("an id"), "application/json"));
    let mut shown = server.task(&task);
    shown.as_object_mut().expect("a task").remove("attempts");
    assert_eq!(request.json(), json!({ "type": "task.finished", "timestamp": shown["ended_at"], "data": shown }));
    let delivered = settled(&server, &webhook, "delivered");
    assert_eq!((&delivered["last_status"], &delivered["last_error"], &delivered["next_at"]), (&json!(204), &Value::Null, &Value::Null));
}

#[test]
fn what_was_sent_but_not_noted_before_a_kill_is_sent_again_under_the_same_id() {
    let mut server = options().start();
    let endpoint = Endpoint::new(&[200]);
    let (webhook, secret) = register(&server, None, &endpoint.url());
    server.arm_everywhere("webhooks.sent", "1*return(kill)");
    accepted(&server, None, &webhook);
    let first = endpoint.next();
    assert_eq!(server.first_exit_code(), None, "killed");
    let server = server.restart();
    let second = endpoint.next();
    assert_eq!((first.header("webhook-id"), &first.body), (second.header("webhook-id"), &second.body));
    assert!(first.is_signed_by(&secret) && second.is_signed_by(&secret));
    assert_eq!(settled(&server, &webhook, "delivered")["attempts"], 1, "the one that is known");
}

#[test]
fn every_end_of_a_run_is_told() {
    let server = options().start();
    let endpoint = Endpoint::new(&[200]);
    let (webhook, _) = register(&server, None, &endpoint.url());
    let told = |task: &str| {
        let told = endpoint.next().json();
        assert_eq!((told["data"]["id"].as_str(), told["data"]["webhook"].as_str()), (Some(task), Some(webhook.as_str())));
        (told["type"].as_str().expect("a type").to_owned(), told["data"]["run"].as_u64())
    };
    let path = format!("/v1/tasks?webhook={webhook}&pipeline=crop:9999x9999,x=9000,y=9000");
    let failing = server.post(&path, "image/png", &small_png()).json();
    let failing = failing["id"].as_str().unwrap_or_else(|| panic!("{failing}"));
    assert_eq!(told(failing), ("task.failed".to_owned(), Some(1)));
    server.post(&format!("/v1/tasks/{failing}/retry"), "text/plain", b"");
    assert_eq!(told(failing), ("task.failed".to_owned(), Some(2)));

    let held = Job::upload_held(&server, 0);
    let held_too = Job::upload_held(&server, 1);
    jobs::wait_for_held(&server, 2);
    let waiting = accepted(&server, None, &webhook);
    server.post(&format!("/v1/tasks/{waiting}/cancel"), "text/plain", b"");
    assert_eq!(told(&waiting), ("task.cancelled".to_owned(), Some(1)));
    jobs::finish_all(&server, &[held, held_too]);
    let finished = accepted(&server, None, &webhook);
    assert_eq!(told(&finished), ("task.finished".to_owned(), Some(1)), "tasks that name no webhook tell nobody");
}

#[test]
fn an_endpoint_that_is_gone_is_given_up_and_may_be_told_again() {
    let server = options().start();
    // A redirect is no good answer, and is not followed.
    let endpoint = Endpoint::new(&[500, 302, 410, 200]);
    let (webhook, _) = register(&server, None, &endpoint.url());
    accepted(&server, None, &webhook);
    let ids: Vec<_> = (0..3).map(|_| endpoint.next().header("webhook-id").to_owned()).collect();
    let given_up = settled(&server, &webhook, "given_up");
    assert_eq!((&given_up["attempts"], &given_up["last_status"]), (&json!(3), &json!(410)));
    let retry = format!("/v1/webhooks/{webhook}/deliveries/{}/retry", ids[0]);
    let retried = server.post(&retry, "application/json", b"");
    assert_eq!((retried.status, &retried.json()["state"]), (202, &json!("waiting")), "{}", retried.text());
    assert_eq!(endpoint.next().header("webhook-id"), ids[0], "the same delivery");
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(settled(&server, &webhook, "delivered")["attempts"], 4);
    let unknown = server.post(&format!("/v1/webhooks/{webhook}/deliveries/{webhook}/retry"), "application/json", b"");
    assert_eq!(unknown.status, 404);
}

#[test]
fn a_delivery_is_given_up_after_its_time() {
    let server = options().set("webhooks.give_up", "200ms").start();
    let endpoint = Endpoint::new(&[503]);
    let (webhook, _) = register(&server, None, &endpoint.url());
    accepted(&server, None, &webhook);
    let given_up = settled(&server, &webhook, "given_up");
    assert!(given_up["attempts"].as_u64() >= Some(2), "{given_up}");
}

#[test]
fn an_endpoint_that_never_answers_does_not_keep_the_others_waiting() {
    let server = options().set("webhooks.in_flight", 2).set("webhooks.per_endpoint", 1).set("webhooks.deadline", "1m").start();
    // Connections are accepted by the system, and nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (stuck, _) = register(&server, None, &format!("http://{}/hooks", silent.local_addr().expect("an address")));
    (0..4).for_each(|_| drop(accepted(&server, None, &stuck)));
    eventually("all four to be due", || (deliveries(&server, &stuck).len() == 4).then_some(()));
    let endpoint = Endpoint::new(&[200]);
    let (webhook, _) = register(&server, None, &endpoint.url());
    let task = accepted(&server, None, &webhook);
    assert_eq!(endpoint.next().json()["data"]["id"], task.as_str());
    eventually("one delivery under way, to the endpoint that does not answer", || {
        (server.node("webhooks")["details"]["in_flight"] == 1).then_some(())
    });
}

#[test]
fn nothing_is_sent_to_addresses_that_are_not_public() {
    let server = Server::new();
    for url in [
        "https://127.0.0.1/",
        "https://0x7f.1/",
        "https://localhost/",
        "https://10.1.2.3:8443/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:192.168.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "http://1.1.1.1/",
        "ftp://example.com/",
        "https://user:secret@example.com/",
        "nonsense",
    ] {
        let refused = ask_json(&server, None, "POST", "/v1/webhooks", &json!({ "url": url }));
        assert_eq!((refused.status, refused.json()["code"].as_str()), (422, Some("invalid_webhook")), "{url}: {}", refused.text());
    }
    assert_eq!(server.get_json("/v1/webhooks"), json!({ "webhooks": [] }));

    // Registered when it was good: the guard looks at each attempt, too.
    let directory = tempfile::tempdir().expect("a directory");
    let endpoint = TcpListener::bind("127.0.0.1:0").expect("a port");
    endpoint.set_nonblocking(true).expect("it can be");
    let server = options().start_in(directory.path());
    let (webhook, _) = register(&server, None, &format!("http://localhost:{}/hooks", endpoint.local_addr().expect("an address").port()));
    drop(server);
    let server = options().set("webhooks.allow_private", false).start_in(directory.path());
    accepted(&server, None, &webhook);
    let tried =
        eventually("an attempt", || deliveries(&server, &webhook).pop().filter(|delivery| delivery["attempts"].as_u64() >= Some(1)));
    assert!(tried["last_error"].as_str().is_some_and(|why| why.contains("not public")), "{tried}");
    assert_eq!(endpoint.accept().expect_err("nobody came").kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_rotated_secret_signs_beside_the_new_one_for_a_while() {
    let server = options().start();
    let endpoint = Endpoint::new(&[200]);
    let (webhook, first) = register(&server, None, &endpoint.url());
    let rotate = |overlap: u64| {
        let rotated = ask_json(&server, None, "POST", &format!("/v1/webhooks/{webhook}/rotate"), &json!({ "overlap": overlap }));
        assert_eq!((rotated.status, rotated.header("cache-control")), (200, "no-store"), "{}", rotated.text());
        rotated.json()["secret"].as_str().expect("a secret").to_owned()
    };
    let signed = |secrets: &[&String]| {
        accepted(&server, None, &webhook);
        let request = endpoint.next();
        secrets.iter().map(|secret| request.is_signed_by(secret)).collect::<Vec<_>>()
    };
    let second = rotate(3600);
    assert_eq!(signed(&[&first, &second]), [true, true]);
    let third = rotate(0);
    assert_eq!(signed(&[&first, &second, &third]), [false, false, true]);
    let listed = server.get(&format!("/v1/webhooks/{webhook}"));
    assert!(!listed.text().contains("whsec_") && !server.get("/v1/webhooks").text().contains("whsec_"), "{}", listed.text());
    assert!([&first, &second, &third].iter().all(|secret| !server.log().contains(secret.as_str())));
}

#[test]
fn a_webhook_belongs_to_its_caller() {
    let server = options().start();
    let endpoint = Endpoint::new(&[200]);
    let (_, admin) = make_key(&server, None, &["admin"], &json!({}));
    let [one, other] = [0; 2].map(|_| make_key(&server, Some(&admin), &["submit", "read"], &json!({})).1);
    let (webhook, _) = register(&server, Some(&one), &endpoint.url());
    accepted(&server, Some(&one), &webhook);
    let delivery = endpoint.next().header("webhook-id").to_owned();
    let path = format!("/v1/webhooks/{webhook}");
    let routes = |webhook: &str| {
        [
            ("GET", format!("/v1/webhooks/{webhook}")),
            ("GET", format!("/v1/webhooks/{webhook}/deliveries")),
            ("POST", format!("/v1/webhooks/{webhook}/deliveries/{delivery}/retry")),
            ("POST", format!("/v1/webhooks/{webhook}/rotate")),
            ("DELETE", format!("/v1/webhooks/{webhook}")),
        ]
    };
    const MISSING: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    for ((method, foreign), (_, missing)) in routes(&webhook).into_iter().zip(routes(MISSING)) {
        let [foreign, missing] = [foreign, missing].map(|path| ask_as(&server, Some(&other), method, &path, "application/json", b"{}"));
        assert_eq!((foreign.status, foreign.text()), (404, missing.text()), "{method}");
    }
    let listed = |key: &str| ask_as(&server, Some(key), "GET", "/v1/webhooks", "", b"").json()["webhooks"].as_array().map(Vec::len);
    assert_eq!([&one, &other, &admin].map(|key| listed(key)), [Some(1), Some(0), Some(1)]);
    // An admin sees it, but its tasks are another's.
    for key in [&other, &admin] {
        let refused = submit(&server, Some(key), &webhook);
        assert_eq!((refused.status, refused.json()["code"].as_str()), (422, Some("unknown_webhook")), "{}", refused.text());
    }
    assert_eq!(ask_as(&server, Some(&one), "DELETE", &path, "", b"").status, 204);
    assert_eq!(submit(&server, Some(&one), &webhook).status, 422);
    assert_eq!(ask_as(&server, Some(&one), "GET", &format!("{path}/deliveries"), "", b"").status, 404);
}

/// Where `scripts/verify-webhooks` has put the reference libraries.
const VERIFIERS: &str = "SAFELIGHT_WEBHOOK_VERIFIERS";

#[test]
fn the_reference_libraries_verify_what_is_sent() {
    let Some(directory) = std::env::var_os(VERIFIERS).map(PathBuf::from) else {
        println!("skipped: scripts/verify-webhooks installs the libraries and runs this test");
        return;
    };
    let server = options().start();
    let endpoint = Endpoint::new(&[200]);
    let (webhook, first) = register(&server, None, &endpoint.url());
    let sent = |secrets: &[&str]| {
        accepted(&server, None, &webhook);
        let request = endpoint.next();
        let headers: serde_json::Map<_, _> = request.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        secrets.iter().map(|secret| json!({ "secret": secret, "headers": headers, "body": request.body }).to_string()).collect::<Vec<_>>()
    };
    let mut lines = sent(&[&first]);
    let rotated = ask_json(&server, None, "POST", &format!("/v1/webhooks/{webhook}/rotate"), &json!({}));
    lines.extend(sent(&[&first, rotated.json()["secret"].as_str().expect("a secret")]));
    for (program, script) in [(PathBuf::from("node"), "verify.js"), (directory.join("venv/bin/python"), "verify.py")] {
        let mut verifier = Command::new(program).arg(directory.join(script)).stdin(Stdio::piped()).spawn().expect("it starts");
        verifier.stdin.take().expect("a pipe").write_all(lines.join("\n").as_bytes()).expect("it reads");
        assert!(verifier.wait().expect("it ends").success(), "{script}");
    }
}
