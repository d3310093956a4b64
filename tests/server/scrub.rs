//! The scrub: bytes that a disk has changed or lost are found, told, and given to nobody.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{Options, Server, eventually, files};
use crate::images::small_png;
use crate::jobs::Job;

/// A server that reads everything ten times a second.
fn thorough() -> Server {
    Options::new().set("janitor.scrub_interval", "100ms").set("janitor.scrub_rate", "1GiB").start()
}

fn report(server: &Server) -> Value {
    server.node("janitor")["details"]["scrub"].clone()
}

/// Waits for a pass that began after this call.
fn wait_for_pass(server: &Server) {
    let passes = || report(server)["passes"].as_u64().expect("a number");
    let before = passes();
    eventually("a whole scrub", || (passes() >= before + 2).then_some(()));
}

fn wait_for_damage(server: &Server, blobs: u64) -> Value {
    eventually("the discovery", || Some(report(server)).filter(|report| report["damaged"] == blobs))
}

/// The file of a blob whose name has both.
fn blob(server: &Server, id: &str, end: &str) -> PathBuf {
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let found = files(&server.data().join("blobs")).into_iter().find(|path| name(path).starts_with(id) && name(path).contains(end));
    found.unwrap_or_else(|| panic!("no {end} of {id}"))
}

/// Changes one bit, as a disk does that says nothing.
fn rot(path: &PathBuf) {
    let mut bytes = fs::read(path).expect("a blob");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).expect("a blob");
}

#[test]
fn a_result_that_has_changed_is_given_to_nobody() {
    let server = thorough();
    let (good, bad) = (Job::upload(&server, 1), Job::upload(&server, 2));
    good.check(&server);
    bad.check(&server);
    wait_for_pass(&server);
    assert_eq!(report(&server)["damaged"], 0);
    let path = blob(&server, &bad.id, "result");
    let rotten = {
        rot(&path);
        fs::read(&path).expect("a blob")
    };
    let told = wait_for_damage(&server, 1);
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    assert_eq!(told["latest_damaged"], json!([name]));
    for address in [format!("/v1/tasks/{}/result", bad.id), format!("/image/get?id={}", bad.id)] {
        let answer = server.get_with(&address, "accept", "application/json");
        assert_eq!((answer.status, &answer.json()["code"]), (500, &json!("corrupt_blob")), "{address}");
    }
    assert_eq!(server.task(&bad.id)["state"], "finished", "its life is as it was");
    assert_eq!(server.get(&format!("/v1/tasks/{}/original", bad.id)).status, 200);
    assert_eq!(fs::read(server.data().join("blobs/damaged").join(&name)).expect("what is left of it"), rotten);
    assert!(server.log().contains("a blob is missing or damaged"), "the operator is told");
    wait_for_pass(&server);
    assert_eq!(report(&server)["damaged"], 1, "it is counted once");
    good.check(&server);
}

#[test]
fn an_original_that_is_lost_ends_a_retry_with_the_reason() {
    let server = thorough();
    let id = server.upload(&small_png()[..60], "");
    assert_eq!(server.wait(&id), "failed: corrupt_image");
    fs::remove_file(blob(&server, &id, "original")).expect("a blob");
    wait_for_damage(&server, 1);
    assert_eq!(server.post(&format!("/v1/tasks/{id}/retry"), "text/plain", b"").status, 202);
    assert_eq!(server.wait(&id), "failed: corrupt_blob");
    assert_eq!(server.delete(&format!("/v1/tasks/{id}")).status, 204);
}

#[test]
fn an_asset_that_has_changed_is_not_laid_over_anything() {
    let server = thorough();
    let stored = server.put_bytes("/v1/assets/logo", &small_png()).json();
    let version = stored["version"].as_str().expect("a version");
    rot(&blob(&server, version, ""));
    wait_for_damage(&server, 1);
    assert_eq!(server.get("/v1/assets/logo").status, 500);
    let id = server.upload(&small_png(), "watermark:logo");
    assert_eq!(server.wait(&id), "failed: asset_failed");
}

#[test]
fn nothing_is_read_when_it_is_turned_off() {
    let server =
        Options::new().set("janitor.interval", "100ms").set("janitor.scrub_interval", "100ms").set("janitor.scrub_rate", 0).start();
    let job = Job::upload(&server, 1);
    job.check(&server);
    let rounds = || server.node("janitor")["details"]["rounds"].as_u64().expect("a number");
    let before = rounds();
    eventually("some rounds", || (rounds() > before + 5).then_some(()));
    assert_eq!((&report(&server)["passes"], &report(&server)["blobs"]), (&json!(0), &json!(0)));
}
