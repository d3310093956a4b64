//! Keys, webhooks, settings, and the server itself.

use std::path::Path;

use rusqlite::Connection;
use safelight::actors::keys::MAX_KEYS;
use safelight::domain::webhook::Webhook;
use safelight::stores::sqlite::FILE_NAME;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{MISSING, Seen, Walk};
use crate::access::ask_as;
use crate::cluster::Sql;
use crate::fleet;
use crate::harness::{Options, eventually};
use crate::images::small_png;

pub(super) fn walk(seen: &Seen) {
    // Nobody listens there, so deliveries wait for another attempt.
    let server = Options::new().set("webhooks.allow_private", true).set("webhooks.allow_http", true).start();
    let walk = Walk::new(&server, seen);
    itself(&walk);
    settings(&walk);
    webhooks(&walk);
    keys(&walk);
    as_many_keys_as_may_be(seen);
}

fn itself(walk: &Walk<'_>) {
    const EXPLAIN: &str = "POST /v1/pipelines/explain";
    const TREE: &str = "GET /v1/nodes/{id}/tree";
    for (operation, path) in [
        ("GET /livez", "/livez"),
        ("GET /readyz", "/readyz"),
        ("GET /openapi.json", "/openapi.json"),
        ("GET /v1/tree", "/v1/tree"),
        ("GET /v1/nodes", "/v1/nodes"),
        ("GET /v1/settings", "/v1/settings"),
        ("GET /v1/keys", "/v1/keys"),
        ("GET /v1/webhooks", "/v1/webhooks"),
    ] {
        walk.get(200, operation, path);
    }
    let node = eventually("the first heartbeat", || walk.get(200, "GET /v1/nodes", "/v1/nodes").json()["nodes"].get(0).map(id));
    walk.get(200, TREE, &format!("/v1/nodes/{node}/tree"));
    walk.get(404, TREE, "/v1/nodes/none/tree");
    walk.want(200, EXPLAIN, "/v1/pipelines/explain", &[], b"invert");
    walk.want(400, EXPLAIN, "/v1/pipelines/explain?width=0", &[], b"invert");
}

fn settings(walk: &Walk<'_>) {
    const GET: &str = "GET /v1/settings/{key}";
    const PUT: &str = "PUT /v1/settings/{key}";
    const DELETE: &str = "DELETE /v1/settings/{key}";
    const MINE: &str = "/v1/settings/my.key";
    walk.get(404, GET, MINE);
    walk.get(404, DELETE, MINE);
    walk.json(200, PUT, MINE, &json!(7));
    walk.json(422, PUT, "/v1/settings/workers.count", &json!("many"));
    walk.get(200, GET, MINE);
    walk.server.arm("tasks.full", "return(error)");
    walk.json(507, PUT, MINE, &json!(8));
    walk.get(507, DELETE, MINE);
    walk.server.arm("tasks.full", "off");
    walk.get(204, DELETE, MINE);
}

fn id(made: &Value) -> String {
    made["id"].as_str().expect("an id").to_owned()
}

fn webhooks(walk: &Walk<'_>) {
    const CREATE: &str = "POST /v1/webhooks";
    let url = json!({ "url": "http://127.0.0.1:9/" });
    let webhook = id(&walk.json(201, CREATE, "/v1/webhooks", &url).json());
    let at = |rest: &str| format!("/v1/webhooks/{webhook}{rest}");
    walk.json(400, CREATE, "/v1/webhooks", &json!({ "address": 7 }));
    walk.want(415, CREATE, "/v1/webhooks", &[("content-type", "text/plain")], url.to_string().as_bytes());
    walk.json(422, CREATE, "/v1/webhooks", &json!({ "url": "ftp://127.0.0.1/" }));
    walk.get(200, "GET /v1/webhooks/{id}", &at(""));
    walk.get(404, "GET /v1/webhooks/{id}", &format!("/v1/webhooks/{MISSING}"));

    const ROTATE: &str = "POST /v1/webhooks/{id}/rotate";
    walk.json(200, ROTATE, &at("/rotate"), &json!({}));
    walk.json(400, ROTATE, &at("/rotate"), &json!({ "overlap": "soon" }));
    walk.json(404, ROTATE, &format!("/v1/webhooks/{MISSING}/rotate"), &json!({}));
    walk.want(415, ROTATE, &at("/rotate"), &[("content-type", "text/plain")], b"{}");

    const DELIVERIES: &str = "GET /v1/webhooks/{id}/deliveries";
    const RETRY: &str = "POST /v1/webhooks/{id}/deliveries/{delivery}/retry";
    walk.ended(&format!("?webhook={webhook}"), &small_png());
    let delivery = eventually("a delivery", || {
        let page = walk.get(200, DELIVERIES, &at("/deliveries")).json();
        page["deliveries"].get(0).map(id)
    });
    walk.get(400, DELIVERIES, &at("/deliveries?limit=0"));
    walk.get(404, DELIVERIES, &format!("/v1/webhooks/{MISSING}/deliveries"));
    walk.get(202, RETRY, &at(&format!("/deliveries/{delivery}/retry")));
    walk.get(404, RETRY, &at(&format!("/deliveries/{MISSING}/retry")));

    walk.server.arm("tasks.full", "return(error)");
    walk.json(507, CREATE, "/v1/webhooks", &url);
    walk.json(507, ROTATE, &at("/rotate"), &json!({}));
    walk.get(507, RETRY, &at(&format!("/deliveries/{delivery}/retry")));
    walk.get(507, "DELETE /v1/webhooks/{id}", &at(""));
    walk.server.arm("tasks.full", "off");
    for _ in 1..Webhook::MAX {
        walk.json(201, CREATE, "/v1/webhooks", &url);
    }
    walk.json(409, CREATE, "/v1/webhooks", &url);
    walk.get(204, "DELETE /v1/webhooks/{id}", &at(""));
    walk.get(404, "DELETE /v1/webhooks/{id}", &at(""));
}

/// Makes the first key: from here on the walk has one.
fn keys(walk: &Walk<'_>) {
    const CREATE: &str = "POST /v1/keys";
    const ROTATE: &str = "POST /v1/keys/{id}/rotate";
    const NOBODY: &str = "/v1/keys/0011223344556677";
    let new = json!({ "name": "admin", "scopes": ["admin"] });
    walk.server.arm("tasks.full", "return(error)");
    walk.json(507, CREATE, "/v1/keys", &new);
    walk.server.arm("tasks.full", "off");
    walk.json(400, CREATE, "/v1/keys", &json!({ "name": 7 }));
    walk.want(415, CREATE, "/v1/keys", &[("content-type", "text/plain")], new.to_string().as_bytes());
    let made = walk.json(201, CREATE, "/v1/keys", &new).json();
    let walk = walk.with_key(made["key"].as_str().expect("a key"));
    let other = id(&walk.json(201, CREATE, "/v1/keys", &new).json());
    let at = |rest: &str| format!("/v1/keys/{other}{rest}");
    walk.get(200, "GET /v1/keys/{id}", &at(""));
    walk.get(404, "GET /v1/keys/{id}", NOBODY);
    walk.json(200, ROTATE, &at("/rotate"), &json!({}));
    walk.json(400, ROTATE, &at("/rotate"), &json!({ "overlap": "soon" }));
    walk.json(404, ROTATE, &format!("{NOBODY}/rotate"), &json!({}));
    walk.want(415, ROTATE, &at("/rotate"), &[("content-type", "text/plain")], b"{}");
    let arm = |action: &[u8]| ask_as(walk.server, walk.key.as_deref(), "PUT", "/v1/faults/tasks.full", "text/plain", action).status;
    assert_eq!(arm(b"return(error)"), 204);
    walk.json(507, ROTATE, &at("/rotate"), &json!({}));
    walk.get(507, "DELETE /v1/keys/{id}", &at(""));
    assert_eq!(arm(b"off"), 204);
    walk.get(204, "DELETE /v1/keys/{id}", &at(""));
    walk.get(404, "DELETE /v1/keys/{id}", NOBODY);
    walk.json(409, ROTATE, &at("/rotate"), &json!({}));
}

/// One more than the server keeps; all but the first are written into its database while it is down.
fn as_many_keys_as_may_be(seen: &Seen) {
    let directory = TempDir::new().expect("a temporary directory");
    let server = Options::new().start_in(directory.path());
    let new = json!({ "name": "admin", "scopes": ["admin"] });
    let key = Walk::new(&server, seen).json(201, "POST /v1/keys", "/v1/keys", &new).json()["key"].as_str().expect("a key").to_owned();
    drop(server);
    add_keys(directory.path());
    let server = Options::new().start_in(directory.path());
    Walk::new(&server, seen).with_key(&key).json(409, "POST /v1/keys", "/v1/keys", &new);
}

/// Writes keys into the database of a server that is down, whichever engine it has: with the one that is there, as many as may be.
fn add_keys(directory: &Path) {
    if let Some(url) = fleet::database(directory) {
        Sql::connect(&url).run(&format!(
            "INSERT INTO safelight.keys (id, name, scopes, quota, secret, created_at)
             SELECT int8send(number), 'many', 'read', '{{}}', sha256(int8send(number)), 0
             FROM generate_series(2::bigint, {MAX_KEYS}) AS numbers (number)"
        ));
    } else {
        let connection = Connection::open(directory.join("data").join(FILE_NAME)).expect("the database");
        let statement = "WITH RECURSIVE numbers (number) AS (SELECT 2 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?1)
             INSERT INTO keys (id, name, scopes, quota, secret, created_at)
             SELECT randomblob(8), 'many', 'read', '{}', randomblob(32), 0 FROM numbers";
        connection.execute(statement, [MAX_KEYS as i64]).expect("keys");
    }
}
