//! The server is told to stop, or killed, and started again: what was acknowledged is kept, and nothing else is left.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Options, Server, eventually, files, send_signal};
use crate::images;
use crate::jobs::{self, Held, Job, children, finished, lives, released};

/// Tells the server to stop while a job runs: it finishes the job, answers questions and takes nothing new.
fn drains(signal: Signal) {
    let mut server = Server::new();
    let job = Job::upload_held(&server, 0);
    let held = jobs::wait_for_held(&server, 1);
    let waiting: Vec<Job> = (1..3).map(|number| Job::upload_held(&server, number)).collect();
    let second = jobs::wait_for_held(&server, 2);
    let processes = children(&server);

    server.signal(signal);
    let refusal = eventually("the drain", || Some(server.get("/readyz")).filter(|answer| answer.status == 503));
    assert_eq!(refusal.json()["code"], "draining");
    let upload = server.try_upload(&images::small_png(), "");
    assert_eq!((upload.status, upload.header("retry-after").is_empty()), (503, false), "{}", upload.text());
    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(server.is_ready(&job.id), "in progress");
    held.iter().chain(&second).for_each(Held::go_on);
    assert_eq!(server.exit_code(), Some(0));
    eventually("the end of the child processes", || (!processes.iter().any(|pid| lives(*pid))).then_some(()));

    let server = server.restart();
    // Finished before the stop: no child works on it again.
    assert_eq!(server.wait(&job.id), "finished");
    assert_eq!(job.attempts(&server), [finished()]);
    job.check(&server);
    jobs::finish_all(&server, &waiting);
    assert!(waiting.iter().all(|job| job.attempts(&server) == [finished()]));
}

#[test]
fn sigterm_drains() {
    drains(Signal::TERM);
}

#[test]
fn sigint_drains() {
    drains(Signal::INT);
}

#[test]
fn a_job_that_outlasts_the_drain_runs_again_and_costs_no_attempt() {
    let mut server = Options::new().set("server.drain", "300ms").start();
    let job = Job::upload_held(&server, 0);
    let held = jobs::wait_for_held(&server, 1);
    let told = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code(), Some(0));
    assert!(told.elapsed() < Duration::from_secs(20), "{:?}", told.elapsed());
    // The kernel kills it when its parent is gone, which a loaded machine takes a moment for.
    eventually("the end of the job's process", || (!lives(held[0].pid)).then_some(()));

    let server = server.restart();
    jobs::finish_all(&server, std::slice::from_ref(&job));
    assert_eq!(job.attempts(&server), [released("unavailable", true), finished()]);
    assert_eq!(server.task(&job.id)["attempts_used"], 1);
}

/// A server that ended on its own is started again: everything acknowledged ends well, and nothing else lies around.
fn assert_nothing_is_lost(server: Server, jobs: &[Job]) -> Server {
    let server = server.restart();
    jobs::finish_all(&server, jobs);
    // Rows whose acknowledgement did not get out are tasks like any other.
    let tasks = eventually("the end of every task", || {
        let page = server.get_json("/v1/tasks?limit=500");
        let tasks = page["tasks"].as_array().cloned().unwrap_or_default();
        tasks.iter().all(|task| task["state"] == "finished").then_some(tasks)
    });
    let blobs = server.data().join("blobs");
    eventually("one original and one result of each task, and nothing else", || {
        let left = files(&blobs).iter().filter(|path| path.parent() == Some(&blobs.join("tmp"))).count();
        (left == 0 && files(&blobs).len() == tasks.len() * 2).then_some(())
    });
    server
}

/// Kills the server when it passes `point` for the given time, with tasks in flight.
fn killed_at(point: &str, passage: u32) {
    let mut server = Options::new().set("janitor.interval", "100ms").start();
    let mut jobs: Vec<Job> = vec![Job::upload_held(&server, 100)];
    jobs::wait_for_held(&server, 1);
    let processes = children(&server);
    let before = if passage == 1 { String::new() } else { format!("{}*off->", passage - 1) };
    server.arm(point, &format!("{before}1*return(kill)"));
    for number in 0.. {
        let Some(_) = server.try_get("/livez") else { break };
        jobs.extend(Job::try_upload(&server, number % 50));
    }
    assert_eq!(server.exit_code(), None, "{point}: killed, not ended");
    eventually("the end of the child processes", || (!processes.iter().any(|pid| lives(*pid))).then_some(()));
    assert_nothing_is_lost(server, &jobs);
}

#[test]
fn sweeps_spare_what_a_task_refers_to() {
    let server = Options::new().set("janitor.interval", "100ms").start();
    let job = Job::upload(&server, 0);
    job.check(&server);
    let sweeps = || server.node("janitor")["details"]["rounds"].as_u64().unwrap_or_default();
    let before = sweeps();
    eventually("two whole sweeps", || (sweeps() >= before + 3).then_some(()));
    job.check(&server);
}

#[test]
fn killed_while_an_upload_is_written() {
    for point in ["temp_created", "write", "before_fsync", "before_rename", "before_dir_fsync", "after_dir_fsync"] {
        killed_at(&format!("blobs.{point}"), 1);
    }
}

#[test]
fn killed_while_a_task_is_inserted() {
    for point in ["storage.put_done", "frontend.before_insert", "task_db.set_state", "frontend.after_insert", "master.task_inserted"] {
        killed_at(point, 1);
    }
}

#[test]
fn killed_while_a_commit_is_made() {
    // The first commit is an insert; a claim and the end of an attempt follow.
    for passage in 1..=3 {
        killed_at("tasks.before_commit", passage);
        killed_at("tasks.after_commit", passage);
    }
}

#[test]
fn killed_while_a_task_is_worked_on() {
    for point in ["task_db.claim_tasks", "master.hand_out", "worker.attempt", "worker.before_run", "worker.before_put"] {
        killed_at(point, 1);
    }
}

#[test]
fn killed_while_a_result_is_kept() {
    for point in ["worker.after_put", "worker.report", "master.work_finished", "master.settled"] {
        killed_at(point, 1);
    }
    // The first blob is an original.
    for point in ["blobs.write", "blobs.before_rename"] {
        killed_at(point, 2);
    }
}

#[test]
fn killed_again_and_again_with_uploads_and_jobs_in_flight() {
    let mut server = Options::new().set("janitor.interval", "100ms").start();
    for round in 0..10 {
        let mut jobs: Vec<Job> = (0..2).map(|number| Job::upload_held(&server, number)).collect();
        jobs::wait_for_held(&server, 2);
        let processes = children(&server);
        let acknowledged = AtomicUsize::new(0);
        thread::scope(|threads| {
            let upload = |number| {
                let job = Job::try_upload(&server, number);
                acknowledged.fetch_add(1, Ordering::SeqCst);
                job
            };
            let uploads: Vec<_> = (10..18).map(|number| threads.spawn(move || upload(number))).collect();
            // Another moment in every round: before the first acknowledgement, after the first, and so on.
            eventually("an acknowledgement", || (acknowledged.load(Ordering::SeqCst) >= round % 8).then_some(()));
            send_signal(server.pid(), Signal::KILL);
            jobs.extend(uploads.into_iter().filter_map(|upload| upload.join().expect("an upload does not panic")));
        });
        assert_eq!(server.exit_code(), None);
        eventually("the end of the child processes", || (!processes.iter().any(|pid| lives(*pid))).then_some(()));
        server = assert_nothing_is_lost(server, &jobs);
    }
}
