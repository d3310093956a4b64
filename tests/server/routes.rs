//! The routes: words and statuses in text and in JSON, tasks and their pages, the tree, and what every answer carries.

use std::collections::BTreeSet;
use std::str::FromStr;

use image::ImageFormat;
use serde_json::{Value, json};
use ureq::Agent;

use crate::harness::{Answer, Options, Server, eventually};
use crate::images::{self, small_png};
use crate::raw::Client;

const UNKNOWN: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

/// Asks with a method and an `Accept` of the test's own.
fn ask(server: &Server, method: &str, path: &str, accept: &str) -> Answer {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let request = ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", server.address()));
    let request = request.header("accept", accept).body(()).expect("a request");
    let (parts, mut body) = agent.run(request).expect("an answer").into_parts();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.read_to_vec().expect("a whole body") }
}

fn ask_json(server: &Server, path: &str) -> (u16, Value) {
    let answer = ask(server, "GET", path, "application/json");
    (answer.status, answer.json())
}

/// A problem as RFC 9457 wants it.
fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)), "{problem}");
    assert_eq!(problem["type"], format!("urn:safelight:error:{code}"));
    assert!(problem["title"].is_string() && problem["detail"].is_string() && problem["retryable"].is_boolean(), "{problem}");
}

#[test]
fn the_classic_words_in_text_and_in_json() {
    // The first task keeps its worker busy until the server is gone.
    let server = Options::new().set("tasks.deadline", "10m").start();
    let running = server.upload(&small_png(), "fault_loop");
    let finished = server.upload(&small_png(), "");
    let failed = server.upload(&small_png()[..60], "");
    for (id, word, get) in [
        (&finished, "finished", 200),
        (&failed, "failed: corrupt_image", 422),
        (&running, "in progress", 409),
        (&UNKNOWN.to_owned(), "not found", 404),
    ] {
        if id != &running {
            server.wait(id);
        }
        let (ready, image) = (format!("/image/isReady?id={id}"), format!("/image/get?id={id}"));
        let known = if word == "not found" { 404 } else { 200 };
        let answer = server.get(&ready);
        assert_eq!((answer.status, answer.text().as_str(), answer.header("content-type")), (known, word, "text/plain; charset=utf-8"));
        let answer = server.image(id);
        assert_eq!(answer.status, get, "{word}");
        if get == 200 {
            assert_eq!(answer.header("content-type"), "image/png");
        } else {
            assert_eq!(answer.text(), word);
        }
        if known == 404 {
            assert_problem(&ask(&server, "GET", &ready, "application/json"), 404, "not_found");
        } else {
            assert_eq!(ask_json(&server, &ready), (200, json!({ "id": id, "state": word })));
        }
        match get {
            409 => assert_problem(&ask(&server, "GET", &image, "application/json"), 409, "in_progress"),
            422 => assert_problem(&ask(&server, "GET", &image, "application/json"), 422, "corrupt_image"),
            404 => assert_problem(&ask(&server, "GET", &image, "application/json"), 404, "not_found"),
            _ => assert_eq!(ask(&server, "GET", &image, "application/json").header("content-type"), "image/png"),
        }
    }
    assert_eq!(server.get("/image/isReady").status, 400, "no id at all");
    assert_eq!(server.get("/image/isReady?id=not-an-id").text(), "not found");
}

#[test]
fn an_upload_answers_json_where_it_is_asked_to() {
    let server = Server::new();
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let url = format!("http://{}/newImage", server.address());
    let post = |body: &[u8]| agent.post(&url).header("accept", "application/json").send(body).expect("an answer");
    let mut accepted = post(&small_png());
    assert_eq!(accepted.status(), 202);
    let body: Value = accepted.body_mut().read_json().expect("JSON");
    let id = body["id"].as_str().expect("an id");
    assert_eq!(body, json!({ "id": id, "is_ready": format!("/image/isReady?id={id}"), "image": format!("/image/get?id={id}") }));
    let mut refused = post(b"");
    assert_eq!((refused.status().as_u16(), refused.headers()["content-type"].to_str().ok()), (400, Some("application/problem+json")));
    assert_eq!(refused.body_mut().read_json::<Value>().expect("JSON")["code"], "empty_body");
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let server = Server::new();
    for (method, path, allow) in [
        ("GET", "/newImage", "POST"),
        ("DELETE", "/image/isReady", "GET, HEAD"),
        ("POST", "/image/get", "GET, HEAD"),
        ("POST", "/livez", "GET, HEAD"),
        ("DELETE", "/v1/tree", "GET, HEAD"),
        ("POST", "/v1/settings/workers.count", "GET, HEAD, PUT, DELETE"),
    ] {
        let answer = ask(&server, method, path, "*/*");
        assert_problem(&answer, 405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    for path in ["/", "/newimage", "/v1", "/image"] {
        assert_problem(&server.get(path), 404, "not_found");
    }
    let id = server.upload(&small_png(), "");
    server.wait(&id);
    let (head, get) = (ask(&server, "HEAD", &format!("/image/get?id={id}"), "*/*"), server.image(&id));
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, get.body.len().to_string().as_str(), 0));
}

#[test]
fn every_answer_has_a_request_id_that_the_log_has_too() {
    // Questions that are answered are logged at this level only.
    let server = Options::new().logging("debug").start();
    let answers = [
        server.get("/livez"),
        server.get("/nowhere"),
        server.get("/image/isReady"),
        server.get("/v1/tasks?limit=0"),
        server.try_upload(b"text", ""),
        server.put("/v1/settings/workers.count", "257"),
        ask(&server, "PUT", "/livez", "*/*"),
    ];
    let ids: BTreeSet<&str> = answers.iter().map(|answer| answer.header("x-request-id")).collect();
    assert_eq!(ids.len(), answers.len(), "{ids:?}");
    for id in ids {
        assert_eq!(id.len(), 32);
        eventually("the line in the log", || server.log().contains(id).then_some(()));
    }
    assert_eq!(
        Client::uploading(&server, &["content-length: 99999999999"]).answer().map(|reply| reply.head.contains("x-request-id: ")),
        Some(true)
    );
}

#[test]
fn health_says_alive_and_ready() {
    let server = Server::new();
    assert_eq!(server.get("/livez").json(), json!({ "status": "alive" }));
    assert_eq!(server.get("/readyz").json(), json!({ "status": "ready" }));
}

#[test]
fn the_tree_shows_who_runs_and_what_they_do() {
    let server = Options::new().set("tasks.deadline", "10m").start();
    let id = server.upload(&small_png(), "fault_loop");
    // A ping that was not answered in time on a busy machine is asked for again.
    let worker =
        eventually("a worker with the task", || server.workers().into_iter().find(|worker| worker["details"]["task"]["id"] == id.as_str()));
    let pid = worker["details"]["child_pid"].as_u64().expect("the pid of its child");
    let parent = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the child runs");
    let parent = parent.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)).map(str::to_owned);
    assert_eq!(parent, Some(server.pid().to_string()), "it is the server's");

    let tree = eventually("a tree in which all answered", || {
        let tree = server.get_json("/v1/tree");
        nodes(&tree).iter().all(|node| node["id"] == tree["id"] || node["ping_us"].is_u64()).then_some(tree)
    });
    let children = |node: &Value| -> Vec<String> {
        nodes_below(node).iter().map(|child| child["id"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(
        children(&tree),
        ["key_values", "keys", "storage", "task_db", "assets", "engine", "notifier", "webhooks", "janitor", "nodes", "frontend"]
    );
    assert_eq!(children(&server.node("engine")), ["master", "spare", "workers"]);
    assert_eq!(server.node("engine")["strategy"], "rest_for_one");
    assert_eq!(server.workers().len(), 2);
    for node in nodes(&tree) {
        assert_eq!((&node["state"], &node["restarts"], &node["last_failure"]), (&json!("running"), &json!(0), &Value::Null), "{node}");
        assert!(node["uptime_ms"].is_u64(), "{node}");
    }
    for queue in ["frontend", "master", "storage", "task_db"] {
        let details = server.node(queue)["details"].clone();
        assert!(details["queue_depth"].is_u64(), "{queue}: {details}");
    }
}

fn nodes_below(node: &Value) -> &[Value] {
    node["children"].as_array().map_or(&[], Vec::as_slice)
}

fn nodes(node: &Value) -> Vec<&Value> {
    std::iter::once(node).chain(nodes_below(node).iter().flat_map(nodes)).collect()
}

#[test]
fn a_task_tells_its_whole_history() {
    let server = Server::new();
    let file = images::encode(&images::rgb(64, 48), ImageFormat::Png);
    let id = server.upload(&file, "resize:32x32/jpeg:q=80");
    assert_eq!(server.wait(&id), "finished");
    let (task, result) = (server.task(&id), server.image(&id));
    assert_eq!((&task["id"], &task["state"], &task["run"]), (&json!(id), &json!("finished"), &json!(1)));
    assert_eq!((&task["original"]["format"], &task["original"]["bytes"]), (&json!("png"), &json!(file.len())));
    assert_eq!((&task["result"]["format"], &task["result"]["bytes"]), (&json!("jpeg"), &json!(result.body.len())));
    assert_eq!((&task["result"]["width"], &task["result"]["height"]), (&json!(32), &json!(24)));
    assert_eq!(result.header("etag"), format!("\"{}\"", task["result"]["sha256"].as_str().expect("a digest")));
    let moments: Vec<&str> = ["created_at", "started_at", "ended_at"].iter().filter_map(|name| task[name].as_str()).collect();
    assert_eq!(moments.len(), 3, "{task}");
    assert!(
        moments.iter().all(|moment| moment.len() >= 20 && moment.as_bytes()[10] == b'T' && moment.ends_with('Z')),
        "RFC 3339: {moments:?}"
    );

    let died = server.upload(&small_png(), "fault_abort");
    assert_eq!(server.wait(&died), "failed: worker_died");
    let task = server.task(&died);
    let attempts = task["attempts"].as_array().expect("a history");
    assert_eq!((attempts.len(), &task["attempts_used"]), (3, &json!(3)), "{task}");
    for (attempt, claim_no) in attempts.iter().zip(1..) {
        assert_eq!((&attempt["claim_no"], &attempt["reason"]["code"]), (&json!(claim_no), &json!("worker_died")), "{attempt}");
        assert!(attempt["reason"]["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{attempt}");
        assert!(attempt["worker"].is_string() && attempt["started_at"].is_string() && attempt["ended_at"].is_string(), "{attempt}");
    }
    assert_problem(&server.get(&format!("/v1/tasks/{UNKNOWN}")), 404, "not_found");
    assert_problem(&server.get("/v1/tasks/not-an-id"), 404, "not_found");
}

#[test]
fn an_attempt_tells_its_time_and_its_memory() {
    let server = Options::new().set("workers.count", 1).start();
    let peaks = [(1500, "rotate:90/png"), (20, "rotate:90/png"), (1500, "rotate:90/fault_abort")].map(|(edge, pipeline)| {
        let id = server.upload(&images::encode(&images::rgb(edge, edge), ImageFormat::Png), pipeline);
        server.wait(&id);
        let attempt = server.task(&id)["attempts"][0].clone();
        assert!(attempt["duration_ms"].is_u64(), "{attempt}");
        attempt["peak_memory_bytes"].as_u64()
    });
    let [large, small, died] = peaks;
    // Both pictures of a quarter turn are in memory at once: 13.5 MB.
    assert!(large.is_some_and(|large| (13_500_000..500_000_000).contains(&large)), "{large:?}");
    assert!(small.is_some(), "{small:?}");
    assert!(died.is_none_or(|died| died < 500_000_000), "as it was last seen, if it was: {died:?}");
    println!("peaks: {peaks:?}");
}

#[test]
fn pages_are_linked() {
    let server = Server::new();
    let before = server.upload(&small_png(), "");
    server.wait(&before);
    let since = eventually("another millisecond", || {
        let now = jiff::Timestamp::now();
        (now.as_millisecond() > jiff::Timestamp::from_str(server.task(&before)["created_at"].as_str()?).ok()?.as_millisecond())
            .then_some(now)
    });
    let failed: Vec<String> = (0..5).map(|_| server.upload(&small_png()[..60], "")).collect();
    failed.iter().for_each(|id| drop(server.wait(id)));
    let (mut address, mut listed) = (format!("/v1/tasks?state=failed&limit=2&since={since}"), Vec::new());
    loop {
        let page = server.get(&address);
        for task in page.json()["tasks"].as_array().expect("a page") {
            assert_eq!(
                (&task["state"], &task["run"], &task["failure"]["code"]),
                (&json!("failed"), &json!(1), &json!("corrupt_image")),
                "{task}"
            );
            assert!(task["created_at"].is_string() && task["ended_at"].is_string(), "{task}");
            listed.push(task["id"].as_str().expect("an id").to_owned());
        }
        let Some(next) = page.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")) else { break };
        address = next.to_owned();
    }
    assert_eq!(listed, failed);
    assert_eq!(
        server.get_json(&format!("/v1/tasks?since={since}"))["tasks"].as_array().map(Vec::len),
        Some(5),
        "but not what was there before"
    );
}

#[test]
fn tasks_are_listed_by_state_in_pages() {
    let server = Server::new();
    let finished: Vec<String> = (0..5).map(|_| server.upload(&small_png(), "")).collect();
    let failed = server.upload(&small_png()[..60], "");
    finished.iter().chain([&failed]).for_each(|id| drop(server.wait(id)));
    let ids = |page: &Value| -> Vec<String> {
        let tasks = page["tasks"].as_array().expect("a page");
        tasks.iter().filter_map(|task| task["id"].as_str().map(str::to_owned)).collect()
    };
    let (mut listed, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = server.get_json(&format!("/v1/tasks?state=finished&limit=2{cursor}"));
        assert!(ids(&page).len() <= 2, "{page}");
        listed.extend(ids(&page));
        pages += 1;
        let Some(next) = page["next"].as_u64() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(listed, finished, "every one once, oldest first");
    assert!(pages >= 3);
    assert_eq!(ids(&server.get_json("/v1/tasks?state=failed")), [failed]);
    assert_eq!(ids(&server.get_json("/v1/tasks")).len(), 6);
    for state in ["not_started", "in_progress"] {
        assert_eq!(server.get_json(&format!("/v1/tasks?state={state}")), json!({ "tasks": [], "next": null }));
    }
    for query in ["state=done", "state=deleting", "limit=0", "limit=501", "cursor=x", "sort=asc", "since=yesterday", "since=12"] {
        assert_eq!(server.get(&format!("/v1/tasks?{query}")).status, 400, "{query}");
        assert_problem(&ask(&server, "GET", &format!("/v1/tasks?{query}"), "application/json"), 400, "invalid_request");
    }
}
