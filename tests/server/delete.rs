//! Running a task again, and deleting one: nothing of it is left, whatever it was doing, and whatever fails on the way.

use std::io::Read;

use image::ImageFormat;
use serde_json::json;

use crate::harness::{Answer, Options, Server, eventually};
use crate::images::{self, small_png};
use crate::jobs::{self, Job, finished, lives, released};

const UNKNOWN: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

fn post(server: &Server, id: &str, order: &str) -> Answer {
    server.post(&format!("/v1/tasks/{id}/{order}"), "text/plain", b"")
}

fn delete(server: &Server, id: &str) -> Answer {
    server.delete(&format!("/v1/tasks/{id}"))
}

/// The blobs that belong to a task.
fn blobs(server: &Server, id: &str) -> Vec<String> {
    server.blobs().into_iter().filter(|name| name.starts_with(id)).collect()
}

fn assert_gone(server: &Server, id: &str) {
    assert_eq!(server.get(&format!("/v1/tasks/{id}")).status, 404);
    assert_eq!(server.image(id).status, 404);
    assert_eq!(server.is_ready(id), "not found");
    eventually("the removal of the blobs", || blobs(server, id).is_empty().then_some(()));
    let page = server.get_json("/v1/tasks");
    assert!(page["tasks"].as_array().is_some_and(|tasks| tasks.iter().all(|task| task["id"] != id)), "{page}");
}

#[test]
fn a_failed_task_is_run_again_and_keeps_its_history() {
    let server = Options::new().set("workers.count", 1).set("tasks.max_attempts", 1).start();
    let job = Job::upload_held(&server, 1);
    jobs::wait_for_held(&server, 1)[0].kill();
    assert_eq!(server.wait(&job.id), "failed: worker_died");
    let answer = post(&server, &job.id, "retry");
    assert_eq!((answer.status, answer.header("location")), (202, format!("/v1/tasks/{}", job.id).as_str()), "{}", answer.text());
    let task = answer.json();
    assert_eq!((&task["run"], &task["attempts_used"], &task["failure"]), (&json!(2), &json!(0), &json!(null)));
    jobs::finish_all(&server, std::slice::from_ref(&job));
    assert_eq!(job.attempts(&server), [released("worker_died", false), finished()]);
    let runs = server.task(&job.id)["attempts"].as_array().map(|all| all.iter().map(|one| one["run"].clone()).collect::<Vec<_>>());
    assert_eq!(runs, Some(vec![json!(1), json!(2)]));
    let refused = post(&server, &job.id, "retry");
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("wrong_state")), "it is finished");
}

#[test]
fn a_cancelled_task_is_run_again() {
    let server = Options::new().set("workers.count", 1).start();
    let job = Job::upload_held(&server, 1);
    jobs::wait_for_held(&server, 1);
    assert_eq!(post(&server, &job.id, "cancel").status, 200);
    assert_eq!(post(&server, &job.id, "retry").status, 202);
    let again = post(&server, &job.id, "retry");
    assert_eq!((again.status, &again.json()["code"]), (409, &json!("wrong_state")), "it is on its way already");
    jobs::finish_all(&server, std::slice::from_ref(&job));
    assert_eq!(job.attempts(&server), [("cancelled".to_owned(), String::new(), false), finished()]);
    assert_eq!(post(&server, UNKNOWN, "retry").status, 404);
}

#[test]
fn a_retry_needs_a_place_in_the_queue() {
    let server = Options::new().set("workers.count", 1).set("tasks.queue_limit", 1).start();
    let broken = server.upload(&small_png()[..60], "");
    assert_eq!(server.wait(&broken), "failed: corrupt_image");
    let filler =
        eventually("the place of the failed task", || Some(server.try_upload(&small_png(), "fault_stop")).filter(|a| a.status == 202));
    let full = post(&server, &broken, "retry");
    assert_eq!((full.status, &full.json()["code"], full.headers.contains_key("retry-after")), (503, &json!("queue_full"), true));
    assert_eq!(server.task(&broken)["state"], "failed", "it is as it was");
    assert_eq!(post(&server, &filler.text(), "cancel").status, 200);
    assert_eq!(post(&server, &broken, "retry").status, 202);
}

#[test]
fn nothing_is_left_of_a_deleted_task_whatever_its_state() {
    let server =
        Options::new().set("workers.count", 1).set("tasks.heartbeat", "1h").set("tasks.lease", "2h").set("tasks.deadline", "1h").start();
    let (done, broken) = (Job::upload(&server, 1), server.upload(&small_png()[..60], ""));
    done.check(&server);
    server.wait(&broken);
    let running = Job::upload_held(&server, 2);
    let child = jobs::wait_for_held(&server, 1)[0].pid;
    let waiting = Job::upload(&server, 3);
    for id in [&done.id, &broken, &waiting.id, &running.id] {
        assert!(!blobs(&server, id).is_empty());
        for _ in 0..2 {
            let answer = delete(&server, id);
            assert_eq!((answer.status, answer.body.len()), (204, 0), "it can be repeated: {}", answer.text());
        }
        assert_gone(&server, id);
    }
    eventually("the end of the child", || (!lives(child)).then_some(()));
    Job::upload(&server, 4).check(&server);
    assert_eq!(delete(&server, UNKNOWN).status, 204, "as if it had been there");
    assert_eq!(delete(&server, "no-id").status, 404);
}

#[test]
fn a_download_goes_on_while_its_task_is_deleted() {
    let server = Server::new();
    // More than waits in the buffers of a connection.
    let image = images::encode(&images::rgb(3400, 3300), ImageFormat::Bmp);
    let id = server.upload(&image, "");
    assert_eq!(server.wait(&id), "finished");
    let url = format!("http://{}/v1/tasks/{id}/original", server.address());
    let mut body = ureq::get(url).call().expect("an answer").into_body().into_reader();
    let mut read = vec![0; 1000];
    body.read_exact(&mut read).expect("the beginning");
    assert_eq!(delete(&server, &id).status, 204);
    assert_gone(&server, &id);
    body.read_to_end(&mut read).expect("whoever has it open reads on");
    assert!(read == image, "{} of {} bytes", read.len(), image.len());
}

#[test]
fn a_deletion_that_was_cut_off_is_finished_by_the_janitor() {
    for point in ["janitor.delete_blob", "janitor.blobs_deleted"] {
        let mut server = Server::new();
        let job = Job::upload(&server, 1);
        job.check(&server);
        server.arm(point, "1*return(kill)");
        assert_eq!(
            server.try_delete(&format!("/v1/tasks/{}", job.id)).map(|answer| answer.status),
            None,
            "{point}: the server died before"
        );
        server.exit_code();
        let server = server.restart();
        assert_gone(&server, &job.id);
        // Whichever process did it, and may have ended since.
        let is_told = |line: &str| line.contains("janitor went round") && line.contains("deleted=1");
        eventually("the row's end", || server.log().lines().any(is_told).then_some(()));
    }
}

#[test]
fn a_deletion_that_fails_is_hidden_at_once_and_finished_later() {
    let server = Options::new().set("janitor.interval", "100ms").start();
    let job = Job::upload(&server, 1);
    job.check(&server);
    server.arm("blobs.before_delete", "2*return(error)");
    assert_eq!(delete(&server, &job.id).status, 204);
    assert_gone(&server, &job.id);
}
