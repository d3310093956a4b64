//! Every status that the description of the interface has for an operation is one that a server really answers, and no operation was seen to
//! answer with another.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | what was seen, and the comparison |
//! | `refusals` | what every route has in common: keys, pace, defects, silence, full disks, bodies that stall or do not end |
//! | `tasks`, `files`, `others` | what is particular to single routes |

mod files;
mod others;
mod refusals;
mod tasks;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::thread;

use safelight::http::openapi_json;
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

use crate::harness::{Answer, PATIENCE, Server};
use crate::images::small_png;

/// An id that nothing has.
const MISSING: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

/// An operation: method and path, as the description writes them.
type Operation = &'static str;

/// The statuses that were seen, by operation.
#[derive(Default)]
struct Seen(Mutex<BTreeMap<String, BTreeSet<u16>>>);

impl Seen {
    fn note(&self, operation: Operation, status: u16) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry(operation.to_owned()).or_default().insert(status);
    }
}

/// A client that notes what it is answered. Of a cluster it stays with one node, and faults are armed at the same one.
struct Walk<'s> {
    server: &'s Server,
    key: Option<String>,
    seen: &'s Seen,
}

impl<'s> Walk<'s> {
    fn new(server: &'s Server, seen: &'s Seen) -> Self {
        Self { server, key: None, seen }
    }

    fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..*self }
    }

    /// Asks, and wants this status.
    fn want(&self, status: u16, operation: Operation, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let answer = self.ask(operation, path, headers, body);
        assert_eq!(answer.status, status, "{operation} at {path} with {headers:?}: {}", answer.text());
        answer
    }

    /// Asks without a body and without further headers, and wants this status.
    fn get(&self, status: u16, operation: Operation, path: &str) -> Answer {
        self.want(status, operation, path, &[], b"")
    }

    /// Sends JSON, and wants this status.
    fn json(&self, status: u16, operation: Operation, path: &str, body: &Value) -> Answer {
        self.want(status, operation, path, &[JSON], body.to_string().as_bytes())
    }

    fn ask(&self, operation: Operation, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let (method, _) = operation.split_once(' ').expect("a method and a path");
        let config = Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true).timeout_global(Some(PATIENCE));
        let agent: Agent = config.build().into();
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.server.address()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let (parts, mut answer) = match method {
            "GET" | "DELETE" => agent.run(request.body(()).expect("a request")),
            _ => agent.run(request.body(body).expect("a request")),
        }
        .unwrap_or_else(|error| panic!("{operation} at {path} is not answered: {error}"))
        .into_parts();
        self.seen.note(operation, parts.status.as_u16());
        // A stream of all events has no end.
        let is_endless = operation == "GET /v1/events" && parts.status == 200;
        let body = if is_endless { Vec::new() } else { answer.read_to_vec().expect("a whole body") };
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Hands in an image; the task's id.
    fn task(&self, query: &str, image: &[u8]) -> String {
        let accepted = self.want(202, "POST /v1/tasks", &format!("/v1/tasks{query}"), &[], image);
        accepted.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Hands in an image and waits for the task's end; its id.
    fn ended(&self, query: &str, image: &[u8]) -> String {
        let id = self.task(query, image);
        self.want(200, "GET /v1/tasks/{id}", &format!("/v1/tasks/{id}"), &[("prefer", "wait=60")], b"");
        id
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");

/// A PNG that ends too early: its task fails.
fn damaged() -> Vec<u8> {
    let image = small_png();
    image[..image.len() / 2].to_vec()
}

/// The statuses that are described, by operation.
fn described() -> BTreeMap<String, BTreeSet<u16>> {
    let document: Value = serde_json::from_str(&openapi_json()).expect("JSON");
    let mut described = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let statuses = operation["responses"].as_object().expect("responses").keys();
            let statuses = statuses.map(|status| status.parse().expect("a status")).collect();
            described.insert(format!("{} {path}", method.to_uppercase()), statuses);
        }
    }
    described
}

#[test]
fn every_status_that_is_described_is_answered_and_no_other() {
    let seen = Seen::default();
    thread::scope(|scope| {
        let parts = [refusals::silence, refusals::keys, refusals::full, refusals::bodies, tasks::walk, files::walk, others::walk];
        let seen = &seen;
        parts.map(|part| scope.spawn(move || part(seen))).into_iter().for_each(|part| {
            part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    });
    let (seen, described) = (seen.0.into_inner().expect("nobody panicked with it"), described());
    let mut wrong = Vec::new();
    for (operation, statuses) in &described {
        let seen = seen.get(operation).cloned().unwrap_or_default();
        wrong.extend(statuses.difference(&seen).map(|status| format!("{operation}: {status} is described, but was not seen")));
        wrong.extend(seen.difference(statuses).map(|status| format!("{operation}: {status} was seen, but is not described")));
    }
    wrong.extend(
        seen.keys().filter(|operation| !described.contains_key(*operation)).map(|operation| format!("{operation} is not described")),
    );
    assert!(
        wrong.is_empty(),
        "{} of {} are wrong:\n{}",
        wrong.len(),
        described.values().map(BTreeSet::len).sum::<usize>(),
        wrong.join("\n")
    );
}
