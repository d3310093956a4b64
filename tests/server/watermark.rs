//! Watermarks on the whole path: which version of an asset a task gets, whatever becomes of the name meanwhile.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::json;

use crate::assets::{assert_refused, blobs, put};
use crate::harness::{Answer, Options, Server, eventually};
use crate::images::{decode, encode, rgb};
use crate::raw::Client;

/// A picture of one colour, and that with a square of another in its corner.
fn plain() -> Vec<u8> {
    encode(&DynamicImage::from(RgbImage::from_pixel(40, 30, Rgb([10, 20, 30]))), ImageFormat::Png)
}

fn square(color: [u8; 3]) -> Vec<u8> {
    encode(&DynamicImage::from(RgbImage::from_pixel(6, 6, Rgb(color))), ImageFormat::Png)
}

/// The pipeline that lays the asset `logo` into the corner, with whatever else.
const WATERMARK: &str = "watermark:logo,g=northwest,margin=0/png";

/// That the result of a task is the plain picture with a square of that colour in its corner.
fn assert_marked(server: &Server, id: &str, color: [u8; 3]) {
    assert_eq!(server.wait(id), "finished", "{}", server.task(id));
    let made = decode(&server.image(id).body).into_rgb8();
    let expected = RgbImage::from_fn(40, 30, |x, y| if x < 6 && y < 6 { Rgb(color) } else { Rgb([10, 20, 30]) });
    assert!(made == expected, "{:?}", made[(0, 0)]);
}

#[test]
fn a_watermark_is_laid_over_an_image() {
    let server = Server::new();
    let asset = put(&server, "logo", &square([200, 0, 0]));
    let id = server.upload(&plain(), WATERMARK);
    assert_marked(&server, &id, [200, 0, 0]);
    let step = server.task(&id)["pipeline"]["steps"][0].clone();
    assert_eq!(step["asset"], format!("logo@{}", asset["version"].as_str().expect("a version")));
    // As a preset, too; and as the version that it is.
    assert_eq!(server.put("/v1/settings/presets.marked", &format!("\"{WATERMARK}\"")).status, 200);
    assert_marked(&server, &server.upload(&plain(), "marked"), [200, 0, 0]);
    let exact = WATERMARK.replace("logo", step["asset"].as_str().expect("a text"));
    assert_marked(&server, &server.upload(&plain(), &exact), [200, 0, 0]);
    put(&server, "logo", &square([0, 0, 200]));
    assert_refused("another version", &json_upload(&server, &exact), 422, "unknown_asset");
}

/// An upload whose refusal is JSON.
fn json_upload(server: &Server, pipeline: &str) -> Answer {
    server.post_for_json(&format!("/newImage?pipeline={pipeline}"), &plain())
}

#[test]
fn a_pipeline_of_an_unknown_asset_is_refused_before_the_body_is_read() {
    let server = Server::new();
    assert_refused("a name", &json_upload(&server, WATERMARK), 422, "unknown_asset");
    assert_eq!(server.put("/v1/settings/presets.marked", &format!("\"{WATERMARK}\"")).status, 200, "it may be stored later");
    assert_refused("a preset", &json_upload(&server, "marked"), 422, "unknown_asset");
    let mut client = Client::uploading_to(&server, &format!("/newImage?pipeline={WATERMARK}"), &["content-length: 1000000"]);
    assert_eq!(client.answer().expect("an answer before the body").status, 422);
    put(&server, "logo", &square([1, 2, 3]));
    assert_marked(&server, &server.upload(&plain(), "marked"), [1, 2, 3]);
}

#[test]
fn an_asset_that_disappears_while_the_body_arrives_refuses_the_upload() {
    let server = Server::new();
    put(&server, "logo", &square([1, 2, 3]));
    let image = plain();
    let length = format!("content-length: {}", image.len());
    let mut client = Client::uploading_to(&server, &format!("/newImage?pipeline={WATERMARK}"), &[&length]);
    client.send(&image[..20]);
    eventually("the admission", || (server.node("frontend")["details"]["queue_depth"] == 1).then_some(()));
    assert_eq!(server.delete("/v1/assets/logo").status, 204);
    client.send(&image[20..]);
    let reply = client.answer().expect("an answer");
    assert_eq!(reply.status, 422, "{reply:?}");
    assert!(reply.body.starts_with("unknown_asset: "), "{reply:?}");
    assert_eq!(server.get_json("/v1/tasks")["tasks"], json!([]));
}

#[test]
fn a_task_keeps_the_version_that_it_was_accepted_with() {
    // Nobody works yet.
    let server = Options::new().set("workers.count", 0).start();
    put(&server, "logo", &square([200, 0, 0]));
    let first = server.upload(&plain(), WATERMARK);
    put(&server, "logo", &square([0, 200, 0]));
    let second = server.upload(&plain(), WATERMARK);
    assert_eq!(server.delete("/v1/assets/logo").status, 204);
    // Everything is read again from the disk, and the sweep of the start needs no grace.
    let server = server.restart_much_later();
    eventually("the first sweep", || (server.node("janitor")["details"]["rounds"].as_u64() >= Some(1)).then_some(()));
    assert_eq!(blobs(&server), 2, "two tasks need them");
    assert_eq!(server.put("/v1/settings/workers.count", "2").status, 200);
    assert_marked(&server, &first, [200, 0, 0]);
    assert_marked(&server, &second, [0, 200, 0]);
    let server = server.restart_much_later();
    eventually("no asset any more", || (blobs(&server) == 0).then_some(()));
}

#[test]
fn a_kill_between_the_upload_and_the_watermark_loses_nothing() {
    for point in ["frontend.after_insert", "worker.attempt", "worker.before_run", "worker.before_put", "worker.after_put"] {
        let mut server = Server::new();
        put(&server, "logo", &square([200, 0, 0]));
        server.arm(point, "1*return(kill)");
        drop(server.upload_to_ending(&plain(), WATERMARK));
        assert_eq!(server.exit_code(), None, "{point}: killed, not ended");
        let server = server.restart();
        put(&server, "logo", &square([0, 0, 200]));
        let page = server.get_json("/v1/tasks");
        let id = page["tasks"][0]["id"].as_str().unwrap_or_else(|| panic!("{point}: {page}"));
        assert_marked(&server, id, [200, 0, 0]);
    }
}

#[test]
fn an_asset_that_cannot_be_used_any_more_fails_the_task_and_is_named() {
    let server = Options::new().set("workers.count", 0).start();
    put(&server, "logo", &square([200, 0, 0]));
    put(&server, "large", &encode(&rgb(400, 300), ImageFormat::Png));
    let damaged = server.upload(&plain(), WATERMARK);
    let beyond = server.upload(&plain(), "watermark:large/png");
    assert_eq!(server.put("/v1/settings/limits.max_width", "100").status, 200);
    let logo = square([200, 0, 0]);
    server.damage_blob(&logo, &logo[..50]);
    assert_eq!(server.put("/v1/settings/workers.count", "1").status, 200);
    for (id, why) in [(damaged, "the asset logo@"), (beyond, "max_width is 100, found 400")] {
        assert_eq!(server.wait(&id), "failed: asset_failed");
        let task = server.task(&id);
        assert!(task["failure"]["detail"].as_str().is_some_and(|detail| detail.contains(why)), "{task}");
        assert_eq!(task["attempts"].as_array().map(Vec::len), Some(1), "no second attempt could help: {task}");
    }
    assert_eq!(server.process(&plain(), "invert").status, 200, "others go on");
}
