//! A panic in each service, in each kind of its code: a handler, a handler's future, a future of its own. The service is
//! restarted, its address works, and no acknowledged task is lost.

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Options, Server, eventually, send_signal};
use crate::images::small_png;
use crate::jobs::{self, Held, Job, finished, released};

/// Does a little of everything that the server does, and keeps what was acknowledged. Any of it may be answered with 503.
fn use_everything(server: &Server, jobs: &mut Vec<Job>) {
    jobs.extend(Job::try_upload(server, jobs.len() as u32));
    server.put("/v1/settings/my.key", "1");
    server.get("/v1/settings/my.key");
    server.get("/v1/keys");
    server.get("/v1/nodes");
    server.is_ready(&jobs[0].id);
    server.image(&jobs[0].id);
    server.put_bytes("/v1/assets/logo", &small_png());
    server.get("/v1/assets/logo");
    if let Some(job) = Job::try_upload(server, 103) {
        server.post(&format!("/v1/tasks/{}/cancel", job.id), "text/plain", b"");
        server.post(&format!("/v1/tasks/{}/retry", job.id), "text/plain", b"");
        server.delete(&format!("/v1/tasks/{}", job.id));
    }
    jobs::held(server).iter().for_each(Held::go_on);
    // The notifier reads nothing for nobody.
    if let Some(job) = Job::try_upload(server, 104) {
        server.get_with(&format!("/v1/tasks/{}", job.id), "prefer", "wait=1");
    }
    // Not the child of a job: the worker then takes the spare one.
    let workers = server.workers();
    let idle = workers.iter().find(|worker| worker["details"]["task"].is_null());
    if let Some(pid) = idle.and_then(|worker| worker["details"]["child_pid"].as_u64()) {
        send_signal(pid as u32, Signal::KILL);
    }
}

/// The services called so: one, or all workers.
fn nodes(server: &Server, service: &str) -> Vec<Value> {
    if service == "worker" { server.workers() } else { vec![server.node(service)] }
}

/// The failure with which a service was restarted from a panic at `point`.
fn failure(server: &Server, service: &str, point: &str) -> Option<Value> {
    let failed = |node: &Value| node["last_failure"]["reason"].as_str().is_some_and(|reason| reason.contains(point));
    nodes(server, service).into_iter().find(|node| failed(node) && node["state"] == "running")
}

/// Panics at each point, one after the other, with tasks in flight.
fn survive(service: &str, points: &[&str]) {
    let options = Options::new().set("janitor.interval", "100ms").set("nodes.heartbeat", "100ms");
    let server = options.set("server.http_workers", 2).start();
    for point in points {
        let mut jobs = vec![Job::upload_held(&server, 100), Job::upload_held(&server, 101)];
        jobs::wait_for_held(&server, 2);
        jobs.extend((0..4).map(|number| Job::upload(&server, number)));
        server.arm(point, "1*panic");
        let node = eventually(&format!("the restart after {point}"), || {
            use_everything(&server, &mut jobs);
            failure(&server, service, point)
        });
        assert!(node["restarts"].as_u64() >= Some(1), "{node}");
        let location = node["last_failure"]["location"].as_str().unwrap_or_default();
        assert!(location.contains(".rs:"), "where it began: {node}");
        jobs::finish_all(&server, &jobs);
        Job::upload(&server, 102).check(&server);
        assert_eq!(server.get("/readyz").status, 200);
    }
}

#[test]
fn key_values() {
    survive("key_values", &["key_values.get_value", "key_values.reloaded"]);
}

#[test]
fn keys() {
    survive("keys", &["keys.all_keys"]);
}

#[test]
fn storage() {
    survive("storage", &["storage.put_blob", "storage.put_done"]);
}

#[test]
fn task_db() {
    survive("task_db", &["task_db.set_state", "task_db.answered"]);
}

#[test]
fn assets() {
    survive("assets", &["assets.find_asset", "assets.keep_asset", "assets.answered"]);
}

#[test]
fn master() {
    survive("master", &["master.admit", "master.settled", "master.hand_out", "master.tick"]);
}

#[test]
fn a_job_in_hand_is_dropped_with_its_master() {
    // Nothing else would end the job: its child stands still, and has ten minutes.
    let server = Options::new().set("tasks.deadline", "10m").start();
    let job = Job::upload_held(&server, 0);
    let before = jobs::wait_for_held(&server, 1)[0].pid;
    server.arm("master.tick", "1*panic");
    eventually("another child in the middle of the same job", || {
        jobs::held(&server).iter().any(|held| held.task == job.id && held.pid != before).then_some(())
    });
    jobs::finish_all(&server, std::slice::from_ref(&job));
    assert_eq!(job.attempts(&server), [released("unavailable", true), finished()]);
}

#[test]
fn a_claim_whose_answer_was_lost_is_given_back_at_once() {
    // Nobody waits for its lease: that is an hour long.
    let server = Options::new().set("tasks.lease", "1h").start();
    // The first commit after it is armed is the insert, unless the master's tick is just between; the next is the claim.
    for number in 0..3 {
        server.arm("tasks.after_commit", "1*off->1*return(error)");
        Job::upload(&server, number).check(&server);
    }
}

#[test]
fn spare() {
    survive("spare", &["spare.take_child", "spare.refilled"]);
}

#[test]
fn worker() {
    survive("worker", &["worker.attempt", "worker.before_run", "worker.before_put"]);
}

#[test]
fn janitor() {
    survive("janitor", &["janitor.round", "janitor.ended", "janitor.finish_deletion", "janitor.blobs_deleted"]);
}

#[test]
fn notifier() {
    survive("notifier", &["notifier.tasks_changed", "notifier.looked", "notifier.tick"]);
}

#[test]
fn webhooks() {
    survive("webhooks", &["webhooks.tasks_changed", "webhooks.looked", "webhooks.tick"]);
}

#[test]
fn server_nodes() {
    survive("nodes", &["nodes.asked", "nodes.all_nodes"]);
}

#[test]
fn frontend() {
    survive("frontend", &["frontend.look_up", "frontend.before_insert", "frontend.after_insert"]);
}

#[test]
fn frontend_while_tasks_are_cancelled_run_again_and_deleted() {
    survive("frontend", &["frontend.cancel", "frontend.retry", "frontend.delete"]);
}

#[test]
fn a_service_that_cannot_be_mended_ends_the_server() {
    let mut server = Server::new();
    let jobs: Vec<Job> = (0..2).map(|number| Job::upload_held(&server, number)).collect();
    jobs::wait_for_held(&server, 2);
    server.arm("frontend.look_up", "panic");
    let path = format!("/image/get?id={}", jobs[0].id);
    eventually("the server's giving up", || server.try_get(&path).is_none().then_some(()));
    assert_eq!(server.exit_code(), Some(1));
    assert!(server.log().contains("the services failed for good"), "{}", server.log());
    jobs::finish_all(&server.restart(), &jobs);
}
