//! New tasks over `POST /v1/tasks`: a raw body or a form with its parts in any order, and what is refused.

use serde_json::{Value, json};

use crate::fleet;
use crate::harness::{Answer, Options, Server, eventually};
use crate::images::{self, small_png};
use crate::raw::{Client, assert_nothing_left};

const FORM: &str = "multipart/form-data; boundary=b";

/// A form of these parts. Only an image has a filename, as browsers send it.
fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in parts {
        let file = if *name == "image" { "; filename=\"photo.png\"\r\ncontent-type: image/png" } else { "" };
        body.extend_from_slice(format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b--\r\n");
    body
}

/// A task that was taken: its id, once what every such answer promises was checked.
fn taken(answer: &Answer) -> String {
    assert_eq!(answer.status, 202, "{}", answer.text());
    let task = answer.json();
    let id = task["id"].as_str().expect("an id").to_owned();
    assert_eq!(answer.header("location"), format!("/v1/tasks/{id}"));
    assert_eq!((&task["state"], &task["attempts"], &task["run"]), (&json!("not_started"), &json!([]), &json!(1)), "{task}");
    assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1), "{:?}", answer.headers);
    id
}

#[test]
fn a_raw_body_is_done_as_its_query_says() {
    let server = Server::new();
    let metadata = "metadata=%7B%22order%22%3A7%7D";
    let first = taken(&server.post(&format!("/v1/tasks?pipeline=rotate:90/png&{metadata}"), "image/png", &small_png()));
    assert_eq!(server.wait(&first), "finished");
    let original = images::decode(&small_png()).into_rgba8();
    assert_eq!(images::decode(&server.image(&first).body).into_rgba8(), image::imageops::rotate90(&original));
    assert_eq!(server.task(&first)["metadata"], json!({ "order": 7 }));

    // By now it was measured how long a task takes; the other nodes of a cluster know it from their next heartbeat on.
    let path = "/v1/tasks?variants=a=invert+b=flip:horizontal&metadata=order+7&priority=high";
    let mut tries = 0;
    let (id, task) = eventually("an estimate", || {
        tries += 1;
        let second = server.post(path, "application/octet-stream", &small_png());
        let (id, task) = (taken(&second), second.json());
        if task["estimated_ready_at"].is_string() {
            return Ok((id, task));
        }
        assert_eq!(server.wait(&id), "finished");
        Err(task.to_string())
    });
    assert!(tries == 1 || fleet::size() > 1, "{tries} tries");
    let estimate = task["estimated_ready_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok()).expect("a moment");
    let accepted = task["created_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok()).expect("a moment");
    assert!(estimate >= accepted, "{task}");
    assert_eq!((&task["priority"], &server.task(&first)["priority"]), (&json!("high"), &json!("normal")));
    assert_eq!((&task["metadata"], task["variants"].as_object().map(serde_json::Map::len)), (&json!("order 7"), Some(2)), "{task}");
    assert_eq!(server.wait(&id), "finished");
}

#[test]
fn the_parts_of_a_form_come_in_any_order() {
    let server = Options::new().set("presets.turned", "rotate:90/png").start();
    let image = small_png();
    let (pipeline, metadata) = (("pipeline", &b"rotate:90/png"[..]), ("metadata", &b"{\"order\":7}"[..]));
    let (preset, image) = (("preset", &b"turned\n"[..]), ("image", image.as_slice()));
    let json_form = ("pipeline", &br#"{"steps":[{"op":"rotate","degrees":90}],"output":{"format":"png"}}"#[..]);
    let mut shown: Vec<Value> = Vec::new();
    for parts in [[pipeline, metadata, image], [metadata, image, json_form], [image, preset, metadata]] {
        let id = taken(&server.post("/v1/tasks", FORM, &form(&parts)));
        assert_eq!(server.wait(&id), "finished");
        let task = server.task(&id);
        shown.push(json!([task["pipeline"], task["metadata"], task["result"]["sha256"]]));
    }
    assert_eq!(shown[0][1], json!({ "order": 7 }));
    assert!(shown.iter().all(|task| *task == shown[0]), "{shown:#?}");

    // What the query says counts for a form, too.
    let id = taken(&server.post("/v1/tasks?preset=turned", FORM, &form(&[image])));
    assert_eq!(server.task(&id)["pipeline"], shown[0][0]);
}

#[test]
fn what_cannot_become_a_task_is_refused_with_a_problem() {
    let server = Server::new();
    let image = small_png();
    let (png, text) = (("image", image.as_slice()), ("image", &b"I am a text, not an image."[..]));
    let long = vec![b'x'; 8193];
    let endless = vec![b'x'; 65 * 1024];
    for (what, query, body, status, code, hint) in [
        ("no image", "", form(&[("pipeline", b"invert")]), 400, "invalid_request", "as a part called image"),
        ("two images", "", form(&[png, png]), 400, "invalid_request", "a form for each"),
        ("an unknown part", "", form(&[("pipelin", b"invert"), png]), 400, "invalid_request", "\"pipelin\""),
        ("a late unknown part", "", form(&[png, ("pipelin", b"invert")]), 400, "invalid_request", "\"pipelin\""),
        ("a pipeline twice", "?pipeline=invert", form(&[("pipeline", b"invert"), png]), 400, "invalid_request", "given twice"),
        ("a pipeline and a preset", "", form(&[("pipeline", b"invert"), ("preset", b"default"), png]), 400, "invalid_request", "give one"),
        ("no such preset", "", form(&[("preset", b"defualt"), png]), 400, "invalid_pipeline", "did you mean \"default\"?"),
        ("no such preset in the query", "?preset=x", form(&[png]), 400, "invalid_pipeline", "expected one of default"),
        ("a slip", "", form(&[("pipeline", b"rotat:90"), png]), 400, "invalid_pipeline", "did you mean \"rotate\"?"),
        ("a late slip", "", form(&[png, ("variants", b"a=rotat:90")]), 400, "invalid_pipeline", "did you mean \"rotate\"?"),
        ("an unknown asset", "", form(&[("pipeline", b"watermark:logo"), png]), 422, "unknown_asset", "logo"),
        ("a late unknown asset", "", form(&[png, ("pipeline", b"watermark:logo")]), 422, "unknown_asset", "logo"),
        ("metadata that is no object", "", form(&[("metadata", b"{\"a\":"), png]), 400, "invalid_request", "must be a JSON object"),
        ("no such priority", "", form(&[("priority", b"urgent"), png]), 400, "invalid_request", "expected low, normal or high"),
        ("long metadata", "", form(&[png, ("metadata", &long)]), 400, "invalid_request", "at most 8192 bytes"),
        ("an endless part", "", form(&[("metadata", &endless), png]), 413, "payload_too_large", "65536"),
        ("metadata that is no text", "", form(&[("metadata", b"\xff\xfe"), png]), 400, "invalid_request", "metadata is not UTF-8"),
        ("an unknown parameter", "?pipelin=invert", form(&[png]), 400, "invalid_request", "pipelin"),
        ("no image in the image", "", form(&[text]), 415, "unsupported_format", "PNG"),
        ("an empty image", "", form(&[("image", b"")]), 400, "empty_body", "empty"),
        ("half a form", "", form(&[png])[..120].to_vec(), 400, "invalid_request", "could not be read"),
        ("an empty body", "", Vec::new(), 400, "empty_body", "empty"),
    ] {
        let answer = server.post(&format!("/v1/tasks{query}"), FORM, &body);
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
        let problem = answer.json();
        assert_eq!(problem["code"], code, "{what}: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(hint)), "{what}: {problem}");
    }
    assert_nothing_left(&server, &[]);
}

#[test]
fn a_full_server_refuses_before_a_form_is_read() {
    let server = Options::new().set("workers.count", 0).set("tasks.queue_limit", 1).start();
    taken(&server.post("/v1/tasks", "image/png", &small_png()));
    let mut client = Client::uploading_to(&server, "/v1/tasks", &["content-type: multipart/form-data; boundary=b", "content-length: 1000"]);
    let reply = client.answer().expect("an answer without a byte of the body");
    assert_eq!(reply.status, 503, "{reply:?}");
    assert!(reply.head.contains("\r\nretry-after: ") && reply.body.contains("\"queue_full\""), "{reply:?}");
}
