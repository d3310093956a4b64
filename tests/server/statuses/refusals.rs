//! What routes have in common: each kind of refusal, of every route that knows it, from one table.

use std::thread;

use serde_json::json;

use super::{JSON, MISSING, Operation, Seen, Walk};
use crate::access::{ask_as, make_key};
use crate::harness::{Options, Server, eventually};
use crate::images::small_png;
use crate::raw::Client;

/// What a route takes for a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Image,
    /// JSON like this.
    Json(&'static str),
    /// Any small body.
    Small,
}

use Takes::{Image, Json, Nothing, Small};

/// Whether a key of no scope in particular is enough, or one of read or submit may be the wrong one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Anybody,
    AnyKey,
    /// A key that lacks this scope is refused.
    Scope,
}

/// An operation, a path that it could be asked at, who may ask, and what it takes.
struct Row(Operation, &'static str, For, Takes);

const KEY: &str = "/v1/keys/0011223344556677";

fn table() -> Vec<Row> {
    use For::{AnyKey, Anybody, Scope};
    vec![
        Row("POST /newImage", "/newImage", Scope, Image),
        Row("GET /image/isReady", "/image/isReady?id=MISSING", Scope, Nothing),
        Row("GET /image/get", "/image/get?id=MISSING", Scope, Nothing),
        Row("GET /livez", "/livez", Anybody, Nothing),
        Row("GET /readyz", "/readyz", Anybody, Nothing),
        Row("GET /openapi.json", "/openapi.json", AnyKey, Nothing),
        Row("GET /v1/tree", "/v1/tree", Scope, Nothing),
        Row("GET /v1/nodes", "/v1/nodes", Scope, Nothing),
        Row("GET /v1/nodes/{id}/tree", "/v1/nodes/none/tree", Scope, Nothing),
        Row("GET /v1/tasks", "/v1/tasks", Scope, Nothing),
        Row("POST /v1/tasks", "/v1/tasks", Scope, Image),
        Row("GET /v1/tasks/{id}", "/v1/tasks/MISSING", Scope, Nothing),
        Row("DELETE /v1/tasks/{id}", "/v1/tasks/MISSING", Scope, Nothing),
        Row("POST /v1/tasks/{id}/cancel", "/v1/tasks/MISSING/cancel", Scope, Small),
        Row("POST /v1/tasks/{id}/retry", "/v1/tasks/MISSING/retry", Scope, Small),
        Row("GET /v1/tasks/{id}/result", "/v1/tasks/MISSING/result", Scope, Nothing),
        Row("GET /v1/tasks/{id}/original", "/v1/tasks/MISSING/original", Scope, Nothing),
        Row("GET /v1/tasks/{id}/variants/{name}", "/v1/tasks/MISSING/variants/result", Scope, Nothing),
        Row("GET /v1/tasks/{id}/events", "/v1/tasks/MISSING/events", Scope, Nothing),
        Row("GET /v1/events", "/v1/events", Scope, Nothing),
        Row("GET /v1/assets", "/v1/assets", Scope, Nothing),
        Row("GET /v1/assets/{name}", "/v1/assets/logo", Scope, Nothing),
        Row("PUT /v1/assets/{name}", "/v1/assets/logo", Scope, Image),
        Row("DELETE /v1/assets/{name}", "/v1/assets/logo", Scope, Nothing),
        Row("POST /v1/pipelines/explain", "/v1/pipelines/explain", Scope, Small),
        Row("GET /v1/keys", "/v1/keys", Scope, Nothing),
        Row("POST /v1/keys", "/v1/keys", Scope, Json(r#"{"name":"another","scopes":["read"]}"#)),
        Row("GET /v1/keys/{id}", KEY, Scope, Nothing),
        Row("DELETE /v1/keys/{id}", KEY, Scope, Nothing),
        Row("POST /v1/keys/{id}/rotate", "/v1/keys/0011223344556677/rotate", Scope, Json("{}")),
        Row("GET /v1/webhooks", "/v1/webhooks", Scope, Nothing),
        Row("POST /v1/webhooks", "/v1/webhooks", Scope, Json(r#"{"url":"https://example.com/"}"#)),
        Row("GET /v1/webhooks/{id}", "/v1/webhooks/MISSING", Scope, Nothing),
        Row("DELETE /v1/webhooks/{id}", "/v1/webhooks/MISSING", Scope, Nothing),
        Row("POST /v1/webhooks/{id}/rotate", "/v1/webhooks/MISSING/rotate", Scope, Json("{}")),
        Row("GET /v1/webhooks/{id}/deliveries", "/v1/webhooks/MISSING/deliveries", Scope, Nothing),
        Row("POST /v1/webhooks/{id}/deliveries/{delivery}/retry", "/v1/webhooks/MISSING/deliveries/MISSING/retry", Scope, Nothing),
        Row("GET /v1/settings", "/v1/settings", Scope, Nothing),
        Row("GET /v1/settings/{key}", "/v1/settings/my.key", Scope, Nothing),
        Row("PUT /v1/settings/{key}", "/v1/settings/my.key", Scope, Json("1")),
        Row("DELETE /v1/settings/{key}", "/v1/settings/my.key", Scope, Nothing),
    ]
}

impl Row {
    fn path(&self) -> String {
        self.1.replace("MISSING", MISSING)
    }

    fn body(&self) -> Vec<u8> {
        match self.3 {
            Nothing => Vec::new(),
            Image => small_png(),
            Json(text) => text.into(),
            Small => b"invert".to_vec(),
        }
    }

    fn ask(&self, walk: &Walk<'_>) -> u16 {
        let headers = if matches!(self.3, Json(_)) { &[JSON][..] } else { &[] };
        walk.ask(self.0, &self.path(), headers, &self.body()).status
    }

    /// Asks with a body that has yet to come.
    fn begin(&self, server: &Server, headers: &str) -> Client {
        let (method, _) = self.0.split_once(' ').expect("a method and a path");
        let mut client = Client::connect(server);
        let media_type = if matches!(self.3, Json(_)) { "content-type: application/json\r\n" } else { "" };
        client.send(format!("{method} {} HTTP/1.1\r\nhost: test\r\n{media_type}{headers}\r\n\r\n", self.path()).as_bytes());
        client
    }
}

impl Row {
    /// Reads the answer and wants this status.
    fn want(&self, status: u16, client: &mut Client, seen: &Seen) {
        let reply = client.answer().unwrap_or_else(|| panic!("{} is not answered with {status}", self.0));
        seen.note(self.0, reply.status);
        assert_eq!(reply.status, status, "{}: {reply:?}", self.0);
    }
}

/// No actor answers, and no reading thread does: after its deadline everything that asks one of them says so.
pub(super) fn silence(seen: &Seen) {
    let server = Server::new();
    server.arm("frontend.new_image", "pause");
    server.arm("tasks.read", "pause");
    let walk = Walk::new(&server, seen);
    let rows = table();
    let silent = |row: &&Row| row.0 != "GET /openapi.json";
    let first = rows.iter().find(|row| row.0 == "POST /newImage").expect("an upload");
    thread::scope(|scope| {
        // The thread of the actors stands still from here on.
        let stopping = scope.spawn(|| first.ask(&walk));
        for row in rows.iter().filter(silent) {
            let walk = &walk;
            // Until it does, whoever is early is answered.
            scope.spawn(move || eventually(row.0, || (row.ask(walk) == 503).then_some(())));
        }
        assert_eq!(stopping.join().expect("an answer"), 503);
    });
}

/// Who has no key, the wrong one, or one that is used too often; and a defect in the handler.
pub(super) fn keys(seen: &Seen) {
    let server = Server::new();
    let (_, key) = make_key(&server, None, &["admin"], &json!({}));
    let nobody = Walk::new(&server, seen);
    let holder = |scope: &str, quota| nobody.with_key(&make_key(&server, Some(&key), &[scope], &quota).1);
    let (submit, read, often) =
        (holder("submit", json!({})), holder("read", json!({})), holder("admin", json!({ "requests_per_minute": 1 })));
    let admin = nobody.with_key(&key);
    often.get(200, "GET /v1/tree", "/v1/tree");
    for row in table() {
        if row.2 != For::Anybody {
            assert_eq!((row.ask(&nobody), row.ask(&often)), (401, 429), "{}", row.0);
        }
        if row.2 == For::Scope {
            assert!(row.ask(&submit) == 403 || row.ask(&read) == 403, "{}", row.0);
        }
        let armed = ask_as(&server, Some(&key), "PUT", "/v1/faults/http.handler", "text/plain", b"1*panic");
        assert_eq!((armed.status, row.ask(&admin)), (204, 500), "{}", row.0);
    }
}

/// No room on the disk, for uploads and for what the database is to write.
pub(super) fn full(seen: &Seen) {
    let server = Options::new().set("data.min_free", "1024TiB").start();
    let (walk, table) = (Walk::new(&server, seen), table());
    let ready = table.iter().find(|row| row.0 == "GET /readyz").expect("a probe");
    // Each node of a cluster measures its own disk; the one that is asked has done so when it says this.
    eventually("the first measurement", || (ready.ask(&walk) == 507).then_some(()));
    for row in table.iter().filter(|row| row.3 == Image || row.0 == "GET /readyz") {
        assert_eq!(row.ask(&walk), 507, "{}", row.0);
    }
}

/// Bodies that do not arrive, do not end, or cannot be read.
pub(super) fn bodies(seen: &Seen) {
    let server = Options::new().set("uploads.idle_timeout", "300ms").set("uploads.max_bytes", "100KiB").start();
    let table = table();
    let with_body = || table.iter().filter(|row| !matches!(row.3, Nothing));
    let stalled: Vec<_> = with_body().map(|row| (row, row.begin(&server, "content-length: 10"))).collect();
    for (row, mut client) in stalled {
        row.want(408, &mut client, seen);
    }
    for row in with_body() {
        let mut client = row.begin(&server, "content-length: 200000");
        // It may be refused before its end.
        client.try_send(&[b' '; 70_000]);
        row.want(413, &mut client, seen);
    }
    // Of the others, much else is answered so.
    for row in table.iter().filter(|row| row.3 == Small || row.0 == "PUT /v1/settings/{key}") {
        let mut client = row.begin(&server, "transfer-encoding: chunked");
        client.try_send(b"no length\r\n");
        row.want(400, &mut client, seen);
    }
}
