//! Several results of one upload: each can be had when it is there, none is made twice, and one that cannot be made harms no other.

use image::{DynamicImage, ImageFormat};

use crate::harness::{Answer, Options, Server, eventually};
use crate::images;
use crate::jobs::{self, Held, attempts, finished, released};

/// Two results: the first is made at once, the second holds its child in the middle. They are made in the order of their names.
const FIRST_THEN_HELD: &str = "first=swap_channels/png+held=fault_stop/resize:5x/png";

fn picture() -> DynamicImage {
    images::rgb(64, 48)
}

fn upload(server: &Server, variants: &str) -> String {
    let file = images::encode(&picture(), ImageFormat::Png);
    let answer = server.post(&format!("/newImage?variants={variants}"), "application/octet-stream", &file);
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.text()
}

fn variant(server: &Server, id: &str, name: &str) -> Answer {
    server.get(&format!("/v1/tasks/{id}/variants/{name}"))
}

/// The result is right.
fn check_first(server: &Server, id: &str) {
    let answer = variant(server, id, "first");
    assert_eq!((answer.status, answer.header("content-type")), (200, "image/png"), "{}", answer.text());
    let mut expected = picture().into_rgb8();
    expected.pixels_mut().for_each(|pixel| pixel.0.reverse());
    assert_eq!(images::decode(&answer.body).into_rgb8(), expected);
}

fn check_held(server: &Server, id: &str) {
    let answer = variant(server, id, "held");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let made = images::decode(&answer.body);
    assert_eq!((made.width(), made.height()), (5, 4));
}

/// Waits until the first result can be had, and the child is held in the middle of the second.
fn first_is_there(server: &Server, id: &str) -> Vec<Held> {
    eventually("the first result", || (variant(server, id, "first").status == 200).then_some(()));
    jobs::wait_for_held(server, 1)
}

/// The names of the results that are kept, without the task's id.
fn stored(server: &Server, id: &str) -> Vec<String> {
    let mut results: Vec<String> =
        server.blobs().iter().filter_map(|name| Some(name.strip_prefix(&format!("{id}.processed."))?.to_owned())).collect();
    results.sort();
    results
}

#[test]
fn a_result_can_be_had_while_others_are_made() {
    let server = Server::new();
    let id = upload(&server, FIRST_THEN_HELD);
    let held = first_is_there(&server, &id);
    check_first(&server, &id);
    assert_eq!(server.is_ready(&id), "in progress");
    assert_eq!(server.get(&format!("/image/isReady?id={id}&variant=first")).text(), "finished");
    assert_eq!(server.get(&format!("/image/isReady?id={id}&variant=held")).text(), "in progress");
    assert_eq!((variant(&server, &id, "held").status, variant(&server, &id, "held").json()["code"].clone()), (409, "in_progress".into()));
    let task = server.task(&id);
    assert_eq!((&task["state"], &task["variants"]["first"]["result"]["width"]), (&"in_progress".into(), &64.into()), "{task}");
    assert!(task["variants"]["held"]["result"].is_null() && task["variants"]["held"]["pipeline"]["steps"].is_array(), "{task}");
    held.iter().for_each(Held::go_on);
    assert_eq!(server.wait(&id), "finished");
    check_held(&server, &id);
    assert_eq!(server.get(&format!("/image/get?id={id}&variant=held")).body, variant(&server, &id, "held").body);
    assert_eq!(attempts(&server, &id), [finished()]);
}

#[test]
fn a_later_attempt_makes_only_what_is_missing() {
    let server = Server::new();
    let id = upload(&server, FIRST_THEN_HELD);
    first_is_there(&server, &id).iter().for_each(Held::kill);
    let again = eventually("the second attempt", || Some(jobs::held(&server)).filter(|held| held.len() == 1));
    check_first(&server, &id);
    again.iter().for_each(Held::go_on);
    assert_eq!(server.wait(&id), "finished");
    check_first(&server, &id);
    check_held(&server, &id);
    assert_eq!(stored(&server, &id), ["1.first", "2.held"], "the first was made by the first claim only");
    assert_eq!(attempts(&server, &id), [released("worker_died", false), finished()]);
}

#[test]
fn results_survive_the_death_of_the_server() {
    let server = Server::new();
    let id = upload(&server, FIRST_THEN_HELD);
    first_is_there(&server, &id);
    let server = server.kill_and_restart();
    check_first(&server, &id);
    jobs::wait_for_held(&server, 1).iter().for_each(Held::go_on);
    assert_eq!(server.wait(&id), "finished");
    check_held(&server, &id);
    assert_eq!(stored(&server, &id), ["1.first", "2.held"]);
}

#[test]
fn what_cannot_be_made_fails_the_task_and_leaves_the_others() {
    let server = Server::new();
    let id = upload(&server, "bad=crop:5x5,x=999/png+first=swap_channels/png+small=resize:5x/jpeg");
    assert_eq!(server.wait(&id), "failed: operation_failed");
    check_first(&server, &id);
    assert_eq!(variant(&server, &id, "small").header("content-type"), "image/jpeg");
    let bad = variant(&server, &id, "bad");
    assert_eq!(bad.status, 422);
    assert!(bad.json()["detail"].as_str().is_some_and(|detail| detail.starts_with("bad: crop: the part begins beyond")), "{}", bad.text());
    assert_eq!(stored(&server, &id), ["1.first", "1.small"]);
}

#[test]
fn a_full_house_of_variants_comes_out() {
    let server = Server::new();
    let variants: Vec<String> = (1..=16).map(|width| format!("w{width}=resize:{width}x/png")).collect();
    let id = upload(&server, &variants.join("+"));
    assert_eq!(server.wait(&id), "finished", "{}", server.task(&id));
    for width in 1..=16 {
        assert_eq!(images::decode(&variant(&server, &id, &format!("w{width}")).body).width(), width);
    }
}

#[test]
fn slips_are_pointed_at() {
    let server = Options::new().set("workers.count", 1).start();
    let file = images::small_png();
    let refused = |query: &str| {
        let answer = server.post(&format!("/newImage?{query}"), "application/octet-stream", &file);
        (answer.status, answer.text())
    };
    assert_eq!(refused("variants=a=png+b=rotat:90").0, 400);
    assert!(refused("variants=a=png+b=rotat:90").1.ends_with("(at byte 8)"), "{:?}", refused("variants=a=png+b=rotat:90"));
    assert!(refused("variants=").1.starts_with("invalid_pipeline: expected variants"));
    assert!(refused("variants=a=png&pipeline=png").1.starts_with("invalid_request: give a pipeline or variants, not both"));
    let id = upload(&server, "a=png+b=bmp");
    assert_eq!(server.wait(&id), "finished");
    for path in [format!("/v1/tasks/{id}/variants/c"), format!("/v1/tasks/{id}/variants/result"), format!("/v1/tasks/{id}/variants/A")] {
        let answer = server.get(&path);
        assert_eq!((answer.status, answer.json()["code"].clone()), (404, "not_found".into()), "{path}");
    }
    let unnamed = server.get_json(&format!("/v1/tasks/{id}/variants/c"));
    assert_eq!(unnamed["detail"], "the task has no variant called c; it has a, b");
    assert_eq!(server.image(&id).status, 404, "there is no result without a name");
    let plain = server.upload(&file, "bmp");
    assert_eq!(server.wait(&plain), "finished");
    assert_eq!(variant(&server, &plain, "result").body, server.image(&plain).body);
}
