//! Cancelling: whoever works on the task is stopped at once, whatever it does just then, and the answer says who was faster.

use std::fs;
use std::time::Instant;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::fleet;
use crate::harness::{Answer, Options, Server, eventually};
use crate::images::{self, small_png};
use crate::jobs::{self, Job, attempts, lives};

const UNKNOWN: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

/// Processor time of a child in hundredths of a second from which on it is certainly at work.
const AT_WORK: u64 = 3;

fn cancel(server: &Server, id: &str) -> Answer {
    server.post(&format!("/v1/tasks/{id}/cancel"), "text/plain", b"")
}

/// The state of a process, and the processor time that it has used, in hundredths of a second.
fn used(pid: u32) -> (char, u64) {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the child lives");
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("the name is in brackets").1.split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<u64>().expect("a number");
    (fields[0].chars().next().expect("a letter"), ticks(11) + ticks(12))
}

/// A server of one worker that nothing but a cancellation stops: no heartbeat, no lease and no deadline passes in this test's time.
fn unhurried() -> (Server, u32) {
    let times = [("tasks.deadline", "1h"), ("tasks.heartbeat", "1h"), ("tasks.lease", "2h")];
    let server = times.into_iter().fold(Options::new(), |options, (key, value)| options.set(key, value)).set("workers.count", 1).start();
    let pid = eventually("the worker's child", || server.workers()[0]["details"]["child_pid"].as_u64());
    (server, u32::try_from(pid).expect("a process id"))
}

/// Cancels a task whose child is running, and returns once the child is gone and its worker does other work.
fn assert_is_stopped(server: &Server, id: &str, pid: u32, phase: &str) {
    let (state, before) = used(pid);
    assert!(state != 'T', "the child was caught beyond {phase}, after {before} hundredths of a second");
    let start = Instant::now();
    let answer = cancel(server, id);
    assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("cancelled")), "{phase}: {}", answer.text());
    eventually(&format!("the end of a child in {phase}"), || (!lives(pid)).then_some(()));
    println!("cancelled in {phase}: the child was gone after {:?}", start.elapsed());
    assert_eq!(attempts(server, id), [("cancelled".to_owned(), String::new(), false)]);
    Job::upload(server, 1).check(server);
    assert_eq!(server.workers()[0]["restarts"], 0, "the worker had nothing to do with it");
}

fn wait_for_work(pid: u32, beyond: u64) {
    eventually("a child at work", || (used(pid).1 >= beyond + AT_WORK).then_some(()));
}

#[test]
fn a_child_is_stopped_in_the_middle_of_decoding() {
    let image = images::encode(&images::rgb(5000, 5000), ImageFormat::Png);
    let (server, pid) = unhurried();
    let idle = used(pid).1;
    // Had it decoded the image it would stand still.
    let id = server.upload(&image, "fault_stop");
    wait_for_work(pid, idle);
    assert_is_stopped(&server, &id, pid, "decoding");
}

#[test]
fn a_child_is_stopped_in_the_middle_of_an_operation() {
    let (server, pid) = unhurried();
    let id = server.upload(&small_png(), "fault_stop/fault_loop");
    jobs::wait_for_held(&server, 1)[0].go_on();
    wait_for_work(pid, used(pid).1);
    assert_is_stopped(&server, &id, pid, "an operation");
}

#[test]
fn a_child_is_stopped_in_the_middle_of_encoding() {
    let image = images::encode(&images::rgb(2000, 2000), ImageFormat::Png);
    let (server, pid) = unhurried();
    let id = server.upload(&image, "fault_stop/webp:lossless=true,effort=6");
    let held = jobs::wait_for_held(&server, 1).remove(0);
    let decoded = used(pid).1;
    held.go_on();
    wait_for_work(pid, decoded);
    assert_is_stopped(&server, &id, pid, "encoding");
}

/// Checks how many tasks the server holds. Of a cluster each node counts those of the others once a second.
fn unfinished(server: &Server, tasks: u64) {
    let counted = || server.node("master")["details"]["unfinished_tasks"].as_u64();
    if fleet::size() == 1 {
        assert_eq!(counted(), Some(tasks));
    }
    eventually("all nodes to have counted", || match counted() {
        Some(found) if found == tasks => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

#[test]
fn a_task_that_waits_is_cancelled_and_never_runs() {
    let (server, _) = unhurried();
    let first = Job::upload_held(&server, 1);
    jobs::wait_for_held(&server, 1);
    let waiting = Job::upload(&server, 2);
    unfinished(&server, 2);
    for _ in 0..2 {
        let answer = cancel(&server, &waiting.id);
        assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("cancelled")), "it can be repeated");
    }
    // Its place in the queue is free.
    unfinished(&server, 1);
    jobs::finish_all(&server, &[first]);
    let task = server.task(&waiting.id);
    assert_eq!((&task["state"], &task["attempts"], &task["started_at"]), (&json!("cancelled"), &json!([]), &Value::Null));
}

#[test]
fn a_task_that_has_ended_cannot_be_cancelled() {
    let server = Server::new();
    let (done, broken) = (Job::upload(&server, 1), server.upload(&small_png()[..60], ""));
    done.check(&server);
    server.wait(&broken);
    for (id, state) in [(&done.id, "finished"), (&broken, "failed")] {
        let answer = cancel(&server, id);
        assert_eq!((answer.status, &answer.json()["code"]), (409, &json!("wrong_state")));
        assert!(answer.json()["detail"].as_str().is_some_and(|detail| detail.contains(state)), "{}", answer.text());
        assert_eq!(server.task(id)["state"], state, "it is as it was");
    }
    done.check(&server);
    for id in [UNKNOWN, "no-id"] {
        assert_eq!((cancel(&server, id).status, cancel(&server, id).json()["code"].as_str()), (404, Some("not_found")));
    }
}

#[test]
fn a_cancelled_task_says_so_everywhere() {
    let (server, _) = unhurried();
    let id = server.upload(&small_png(), "fault_stop");
    jobs::wait_for_held(&server, 1);
    cancel(&server, &id);
    let answer = server.get(&format!("/v1/tasks/{id}/variants/result"));
    assert_eq!((answer.status, &answer.json()["code"]), (409, &json!("cancelled")));
    assert_eq!(server.is_ready(&id), "failed: cancelled");
    let answer = server.image(&id);
    assert_eq!((answer.status, answer.text().as_str()), (422, "failed: cancelled"));
    let page = server.get_json("/v1/tasks?state=cancelled");
    assert_eq!(page["tasks"][0]["id"], id.as_str());
}

#[test]
fn tasks_cancelled_while_they_are_handed_out_keep_no_worker() {
    let (server, _) = unhurried();
    let rounds = || (0..25).map(|_| server.upload(&small_png(), "fault_loop")).for_each(|id| assert_eq!(cancel(&server, &id).status, 200));
    std::thread::scope(|clients| (0..4).for_each(|_| drop(clients.spawn(rounds))));
    // A job that had reached a worker would never end.
    Job::upload(&server, 1).check(&server);
    // The row shows the end a moment before the master has heard of it.
    eventually("empty hands", || {
        let master = server.node("master")["details"].clone();
        if (&master["in_hand"], &master["unfinished_tasks"]) == (&json!(0), &json!(0)) { Ok(()) } else { Err(master.to_string()) }
    });
}
