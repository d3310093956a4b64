//! Requests that wait for the end of a task: `Prefer: wait`, its bounds, and what a stop or a failure makes of them.

use std::thread;

use rustix::process::Signal;
use serde_json::json;
use ureq::Agent;

use crate::harness::{Answer, Options, PATIENCE, Server, eventually};
use crate::images::small_png;
use crate::jobs::{self, Held, Job};

/// Uploads with `Prefer`.
fn submit(server: &Server, query: &str, image: &[u8], prefer: &str) -> Answer {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().into();
    let request = agent.post(format!("http://{}/v1/tasks{query}", server.address())).header("prefer", prefer);
    let (parts, mut body) = request.send(image).expect("an answer").into_parts();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.read_to_vec().expect("a whole body") }
}

/// A request with `Prefer` on a thread of its own.
fn ask<'s>(scope: &'s thread::Scope<'s, '_>, server: &'s Server, id: &str, prefer: &'static str) -> thread::ScopedJoinHandle<'s, Answer> {
    let path = format!("/v1/tasks/{id}");
    scope.spawn(move || server.get_with(&path, "prefer", prefer))
}

fn until_waiting(server: &Server, count: u64) {
    eventually("waiting requests", || (server.node("notifier")["details"]["waiters"] == count).then_some(()));
}

/// The state of the task in an answer, and what was applied.
fn told(answer: &Answer) -> (u16, String, String) {
    (answer.status, answer.json()["state"].as_str().unwrap_or_default().to_owned(), answer.header("preference-applied").to_owned())
}

#[test]
fn an_upload_that_waits_is_answered_with_the_ended_task() {
    let server = Server::new();
    for (image, state) in [(&small_png()[..], "finished"), (&small_png()[..60], "failed")] {
        let answer = submit(&server, "?metadata=x", image, "wait=600");
        assert_eq!(told(&answer), (200, state.into(), "wait=60".into()), "{}", answer.text());
        let task = answer.json();
        assert_eq!((&task["metadata"], task["attempts"].as_array().map(Vec::len)), (&json!("x"), Some(1)), "{task}");
        assert_eq!(answer.header("location"), format!("/v1/tasks/{}", task["id"].as_str().unwrap_or_default()));
    }
    let count = |name: &str| server.node("notifier")["details"][name].as_u64().expect("a count");
    assert!(count("found_late") < count("events"), "nobody waits for the tick where news come");
}

#[test]
fn a_wait_in_vain_is_answered_with_the_task_as_it_is() {
    let server = Options::new().set("workers.count", 0).start();
    let posted = submit(&server, "", &small_png(), "wait=1");
    assert_eq!(told(&posted), (202, "not_started".into(), "wait=1".into()));
    assert!(!posted.header("retry-after").is_empty());
    let path = posted.header("location").to_owned();
    assert_eq!(
        told(&server.get_with(&path, "prefer", "wait=1, respond-async")),
        (200, "not_started".into(), "respond-async, wait=1".into())
    );
    // At once, also where nothing ever happens.
    assert_eq!(told(&submit(&server, "", &small_png(), "respond-async")), (202, "not_started".into(), "respond-async".into()));
    assert_eq!(told(&server.get(&path)), (200, "not_started".into(), String::new()));
}

#[test]
fn who_waits_is_told_by_the_end_of_the_task() {
    let server = Server::new();
    let job = Job::upload_held(&server, 0);
    jobs::wait_for_held(&server, 1);
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..3).map(|_| ask(scope, &server, &job.id, "wait=60")).collect();
        until_waiting(&server, 3);
        jobs::held(&server).iter().for_each(Held::go_on);
        for answer in waiting {
            assert_eq!(told(&answer.join().expect("an answer")), (200, "finished".into(), "wait=60".into()));
        }
    });
    until_waiting(&server, 0);
    // Who comes late does not wait at all.
    assert_eq!(told(&server.get_with(&format!("/v1/tasks/{}", job.id), "prefer", "wait=60")).1, "finished");
    let unknown = server.get_with("/v1/tasks/67e55044-10b1-426f-9247-bb680e5fe0c8", "prefer", "wait=60");
    assert_eq!((unknown.status, unknown.json()["code"].clone()), (404, json!("not_found")));
}

#[test]
fn more_than_may_wait_are_refused_and_uploads_are_taken() {
    let server = Options::new().set("watch.max_waiters", 1).start();
    let job = Job::upload_held(&server, 0);
    jobs::wait_for_held(&server, 1);
    thread::scope(|scope| {
        let first = ask(scope, &server, &job.id, "wait=60");
        until_waiting(&server, 1);
        let refused = server.get_with(&format!("/v1/tasks/{}", job.id), "prefer", "wait=60");
        assert_eq!((refused.status, refused.json()["code"].clone()), (503, json!("too_many_watchers")), "{}", refused.text());
        assert_eq!(refused.header("retry-after"), "1");
        let taken = submit(&server, "?pipeline=fault_stop", &small_png(), "wait=60");
        assert_eq!((taken.status, taken.header("preference-applied")), (202, ""), "{}", taken.text());
        assert_eq!(server.node("notifier")["details"]["refused"], 2);
        eventually("the end of all jobs", || {
            jobs::held(&server).iter().for_each(Held::go_on);
            first.is_finished().then_some(())
        });
        assert_eq!(told(&first.join().expect("an answer")).1, "finished");
    });
    let waits = submit(&server, "", &small_png(), "wait=60");
    assert_eq!(told(&waits), (200, "finished".into(), "wait=60".into()), "there is room again");
}

#[test]
fn news_that_are_lost_are_found_by_the_tick() {
    let server = Server::new();
    server.arm("task_db.news_lost", "return(error)");
    let answer = submit(&server, "?pipeline=resize:4000x4000,fit=fill/png", &small_png(), "wait=60");
    assert_eq!(told(&answer).1, "finished");
    eventually("events without news", || server.node("notifier")["details"]["found_late"].as_u64().filter(|late| *late > 0));
    assert_eq!(server.node("notifier")["details"]["events"], server.node("notifier")["details"]["found_late"]);
}

#[test]
fn events_that_nobody_waits_for_are_not_read() {
    let server = Server::new();
    for number in 0..3 {
        Job::upload(&server, number).check(&server);
    }
    let count = |name: &str| server.node("notifier")["details"][name].as_u64().expect("a count");
    assert_eq!((count("events"), count("found_late")), (0, 0));
    assert_eq!(told(&submit(&server, "", &small_png(), "wait=60")).1, "finished");
    assert!(count("events") > 0);
    eventually("the notifier to see that nobody is there", || {
        let before = count("events");
        Job::upload(&server, 3).check(&server);
        (count("events") == before).then_some(())
    });
}

#[test]
fn a_wait_outlives_the_notifier() {
    let server = Server::new();
    let job = Job::upload_held(&server, 0);
    jobs::wait_for_held(&server, 1);
    thread::scope(|scope| {
        let waits = ask(scope, &server, &job.id, "wait=60");
        until_waiting(&server, 1);
        server.arm("notifier.tick", "1*panic");
        eventually("the restart", || (server.node("notifier")["restarts"] == 1).then_some(()));
        until_waiting(&server, 1);
        jobs::held(&server).iter().for_each(Held::go_on);
        assert_eq!(told(&waits.join().expect("an answer")).1, "finished");
    });
}

#[test]
fn a_stop_answers_who_waits_while_jobs_still_run() {
    let mut server = Server::new();
    server.stay_with_worker();
    let job = Job::upload_held(&server, 0);
    jobs::wait_for_held(&server, 1);
    thread::scope(|scope| {
        let waits: Vec<_> = (0..20).map(|_| ask(scope, &server, &job.id, "wait=60")).collect();
        until_waiting(&server, 20);
        server.signal(Signal::TERM);
        for answer in waits {
            assert_eq!(told(&answer.join().expect("an answer")), (200, "in_progress".into(), "wait=60".into()));
        }
        assert_eq!(jobs::held(&server).len(), 1, "nobody has waited for the job");
        let late = server.get_with(&format!("/v1/tasks/{}", job.id), "prefer", "wait=60");
        assert_eq!(told(&late).1, "in_progress", "nobody is let wait any more");
        jobs::held(&server).iter().for_each(Held::go_on);
    });
    server.exit_code();
    jobs::finish_all(&server.restart(), &[job]);
}
