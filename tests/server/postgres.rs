//! A server whose tasks, settings, keys and webhooks are in PostgreSQL.

use futures::executor::block_on;
use safelight::domain::access::{ApiKey, Key, KeyChange, KeyId, NewKey, Quota};
use safelight::domain::timestamp::Timestamp;
use safelight::stores::key_values::KeyValueStore;
use safelight::stores::keys::KeyStore;
use safelight::stores::postgres::{PostgresDb, PostgresOptions};
use serde_json::json;

use crate::cluster::{Cluster, Sql};
use crate::harness::{Options, eventually};
use crate::images::small_png;

/// Starts a server on a new directory that is refused, and returns what it says.
fn serve(tasks: &str) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_safelight"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(directory.path().join("data"))
        .env("SAFELIGHT__DATA__TASKS", tasks)
        .env("SAFELIGHT__DATA__START_DEADLINE", "0s")
        .output()
        .expect("the server's binary starts");
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_image_takes_its_whole_path_through_postgres() {
    let url = match Cluster::shared() {
        Ok(cluster) => cluster.database(),
        Err(reason) => return println!("skipped: {reason}"),
    };
    let server = Options::new().set("data.tasks", &url).start();
    let done = server.upload(&small_png(), "swap_channels");
    assert_eq!(server.wait(&done), "finished");
    let result = server.image(&done);
    assert_eq!(result.status, 200);
    let lost = server.upload(b"\x89PNG\r\n\x1a\n and nothing behind it", "invert");
    assert!(server.wait(&lost).starts_with("failed: "), "{}", server.is_ready(&lost));
    assert_eq!(server.put("/v1/settings/note", "\"darkroom\"").status, 200);

    let server = server.kill_and_restart();
    assert_eq!(server.is_ready(&done), "finished");
    assert_eq!(server.image(&done).body, result.body);
    assert_eq!(server.get_json("/v1/settings/note")["value"], json!("darkroom"));
    let listed = server.get_json("/v1/tasks?limit=10");
    assert_eq!(listed["tasks"].as_array().map(Vec::len), Some(2), "{listed}");
    assert_eq!(server.delete(&format!("/v1/tasks/{done}")).status, 204);
    assert_eq!(server.is_ready(&done), "not found");
    assert!(!server.data().join("safelight.sqlite3").exists(), "nothing is kept in two places");

    let second = serve(&url);
    assert!(second.contains("images that are kept elsewhere"), "a second server with a disk of its own: {second}");
}

#[test]
fn a_database_that_is_away_refuses_uploads_and_is_used_again_when_it_is_back() {
    let cluster = match Cluster::start("-c fsync=off") {
        Ok(cluster) => cluster,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let server = Options::new().set("data.tasks", cluster.database()).start();
    let before = server.upload(&small_png(), "invert");
    assert_eq!(server.wait(&before), "finished");
    let restarts = server.node("root")["restarts"].clone();

    cluster.stop();
    let told = eventually("readyz to tell that the database is away", || {
        Some(server.get("/readyz")).filter(|answer| answer.status == 503 && answer.text().contains("database"))
    });
    assert!(!told.header("retry-after").is_empty(), "{}", told.text());
    let refused = server.try_upload(&small_png(), "invert");
    assert_eq!((refused.status, refused.header("retry-after").is_empty()), (503, false), "{}", refused.text());
    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(server.get(&format!("/image/isReady?id={before}")).status, 503, "what cannot be read is not guessed");

    cluster.run().unwrap();
    eventually("readyz to be well again", || Some(server.get("/readyz")).filter(|answer| answer.status == 200));
    assert_eq!(server.is_ready(&before), "finished", "nothing that was acknowledged is lost");
    assert_eq!(server.process(&small_png(), "invert").status, 200);
    assert_eq!(server.node("root")["restarts"], restarts);
}

/// The database of a server, opened by another one.
fn beside(url: &str) -> PostgresDb {
    let blobs = Sql::connect(url).text("SELECT blobs FROM safelight.identity");
    PostgresDb::open(url, PostgresOptions { node: "another".to_owned(), blobs, ..PostgresOptions::default() }).expect("it is open to both")
}

#[test]
fn what_another_server_sets_and_whom_it_lets_in_is_followed() {
    let url = match Cluster::shared() {
        Ok(cluster) => cluster.database(),
        Err(reason) => return println!("skipped: {reason}"),
    };
    let server = Options::new().set("data.tasks", &url).start();
    let other = beside(&url);
    block_on(other.set("workers.count".to_owned(), json!(3))).expect("it is written");
    eventually("a third worker", || (server.workers().len() == 3).then_some(()));

    let secret = ApiKey::random(KeyId([7; 8])).expect("randomness");
    let new =
        NewKey { name: "other".parse().expect("a name"), scopes: "read".parse().expect("a scope"), quota: Quota::NONE, expires_in: None };
    let key = Key::create(new, &secret, Timestamp::now());
    block_on(other.save(key.clone())).expect("it is kept");
    let bearer = format!("Bearer {}", secret.reveal());
    let status =
        |expected| eventually("the key", || (server.get_with("/v1/tasks", "authorization", &bearer).status == expected).then_some(()));
    eventually("the door to be shut", || (server.get("/v1/tasks").status == 401).then_some(()));
    status(200);
    block_on(other.save(key.changed(KeyChange::Revoke, Timestamp::now()).expect("it is good"))).expect("it is kept");
    status(401);
}

#[test]
fn a_wrong_place_is_told_before_anything_starts() {
    let away = serve("postgres://u:sesame@127.0.0.1:9/safelight?connect_timeout=1");
    assert!(away.contains("the database cannot be opened") && !away.contains("sesame"), "{away}");
    let wrong = serve("mysql://u:sesame@h/db");
    assert!(wrong.contains("postgres://user:password@host/safelight") && !wrong.contains("sesame"), "{wrong}");
}
