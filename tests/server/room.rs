//! Room on the disk: uploads are refused before there is none, so that what was accepted can be finished, and deleted.

use std::os::unix::fs::symlink;

use image::ImageFormat;
use serde_json::json;
use tempfile::TempDir;

use crate::disk::{Disk, free_bytes};
use crate::harness::{Options, eventually};
use crate::images::{self, small_png};
use crate::raw::Client;

#[test]
fn an_upload_for_which_there_is_no_room_is_refused_before_its_body() {
    let server = Options::new().set("data.min_free", "1024TiB").start();
    eventually("the first measurement", || server.node("storage")["details"]["free_bytes"].as_u64());
    let refused = server.try_upload(&small_png(), "");
    assert_eq!((refused.status, refused.header("retry-after")), (507, "30"), "{}", refused.text());
    assert!(refused.text().starts_with("storage_full: "), "{}", refused.text());
    let mut client = Client::uploading(&server, &["content-length: 1000000"]);
    assert_eq!(client.answer().map(|reply| reply.status), Some(507), "no byte of the body was sent");
    let answer = server.post("/v1/tasks", "image/png", &small_png());
    assert_eq!((answer.status, &answer.json()["code"]), (507, &json!("storage_full")));
    assert_eq!(server.put_bytes("/v1/assets/logo", &small_png()).status, 507);
    assert_eq!((server.get("/readyz").status, server.get("/livez").status), (507, 200));
    assert_eq!(server.node("storage")["details"]["refused_for_room"], 4);
    assert_eq!(server.get_json("/v1/tasks")["tasks"], json!([]));
}

#[test]
fn uploads_stop_before_the_disk_is_full_and_what_was_accepted_is_finished() {
    const MIN_FREE: u64 = 12 << 20;
    let disk = match Disk::ext4(32) {
        Ok(disk) => disk,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let directory = TempDir::new().expect("a temporary directory");
    std::fs::create_dir(disk.path().join("data")).expect("a directory on the disk");
    symlink(disk.path().join("data"), directory.path().join("data")).expect("a place for the data");
    let server = Options::new().set("data.min_free", MIN_FREE).start_in(directory.path());
    eventually("the first measurement", || server.node("storage")["details"]["free_bytes"].as_u64());
    // A BMP of a million bytes, of which the result leaves nothing.
    let image = images::encode(&images::rgb(600, 560), ImageFormat::Bmp);
    let mut accepted = Vec::new();
    let refused = loop {
        let answer = server.try_upload(&image, "resize:10x10/png");
        if answer.status != 202 {
            break answer;
        }
        accepted.push(answer.text());
        assert!(accepted.len() < 32, "the disk has 32 MiB");
    };
    assert_eq!(refused.status, 507, "{}", refused.text());
    assert!(accepted.len() > 5, "there was room for some");
    // What the database and the results take is not the uploads'.
    let free = free_bytes(&disk.path());
    assert!(free + (2 << 20) > MIN_FREE, "{free} bytes are free");
    for id in &accepted {
        assert_eq!(server.wait(id), "finished");
    }
    for id in &accepted[..3] {
        assert_eq!(server.delete(&format!("/v1/tasks/{id}")).status, 204);
    }
    let again =
        eventually("room for another one", || Some(server.try_upload(&image, "resize:10x10/png")).filter(|answer| answer.status == 202));
    assert_eq!(server.wait(&again.text()), "finished");
    drop(server);
}
