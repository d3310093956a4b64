//! Child processes that die, hang or are killed: it costs their task an attempt, and nobody else anything.

use std::collections::HashMap;

use rustix::process::Signal;

use crate::harness::{Options, Server, eventually, send_signal};
use crate::images;
use crate::jobs::{self, Job, attempts, finished, lives, released};

/// Whatever became of the children, their workers were never at fault.
fn assert_pool_is_whole(server: &Server, count: usize) {
    let workers = eventually("a full pool", || {
        let workers = server.workers();
        workers.iter().all(|worker| worker["state"] == "running" && worker["details"]["child_pid"].is_u64()).then_some(workers)
    });
    assert_eq!(workers.len(), count);
    assert!(workers.iter().all(|worker| worker["restarts"] == 0 && worker["last_failure"].is_null()), "{workers:?}");
}

#[test]
fn a_hundred_tasks_survive_two_kills_each() {
    const TASKS: u32 = 100;
    let server = Options::new().set("workers.count", 4).start();
    let all: Vec<Job> = (0..TASKS).map(|number| Job::upload_held(&server, number)).collect();
    let mut seen: HashMap<String, u32> = HashMap::new();
    eventually("the end of all tasks", || {
        for held in jobs::held(&server) {
            let times = seen.entry(held.task.clone()).or_default();
            *times += 1;
            if *times <= 2 { held.kill() } else { held.go_on() }
        }
        let page = server.get_json("/v1/tasks?state=finished&limit=500");
        (page["tasks"].as_array().map(Vec::len) == Some(all.len())).then_some(())
    });
    for job in &all {
        assert_eq!(seen[&job.id], 3, "two kills and one that went on");
        assert_eq!(job.attempts(&server), [released("worker_died", false), released("worker_died", false), finished()]);
        job.check(&server);
    }
    assert_pool_is_whole(&server, 4);
}

#[test]
fn poison_that_kills_fails_after_three_attempts_and_harms_nobody() {
    // No deadline can pass here: how fast memory is eaten is the machine's business.
    let server = Options::new().set("workers.job_memory", "128MiB").set("workers.address_space", "512MiB").start();
    assert_poison_harms_nobody(&server, &[("fault_abort", "worker_died"), ("fault_eat_memory", "worker_died")]);
}

#[test]
fn poison_that_hangs_fails_after_three_attempts_and_harms_nobody() {
    // A job of the test itself lasts milliseconds; one that hangs shall not last long.
    let server = Options::new().set("tasks.deadline", "2s").start();
    assert_poison_harms_nobody(&server, &[("fault_loop", "deadline_exceeded"), ("fault_stop", "deadline_exceeded")]);
}

fn assert_poison_harms_nobody(server: &Server, poison: &[(&str, &str)]) {
    let poisoned: Vec<_> = poison.iter().map(|(pipeline, code)| (server.upload(&images::small_png(), pipeline), code)).collect();
    let beside: Vec<Job> = (0..10).map(|number| Job::upload(server, number)).collect();
    beside.iter().for_each(|job| job.check(server));
    for (id, code) in poisoned {
        assert_eq!(server.wait(&id), format!("failed: {code}"));
        assert_eq!(attempts(server, &id), vec![released(code, false); 3], "{code}");
    }
    assert_pool_is_whole(server, 2);
    Job::upload(server, 11).check(server);
}

#[test]
fn a_panic_in_an_operation_is_the_images_fault_and_final() {
    let server = Server::new();
    let id = server.upload(&images::small_png(), "fault_panic");
    assert_eq!(server.wait(&id), "failed: corrupt_image");
    assert_eq!(attempts(&server, &id), [("failed".to_owned(), "corrupt_image".to_owned(), false)]);
    assert_pool_is_whole(&server, 2);
}

#[test]
fn children_that_wait_are_replaced() {
    let server = Options::new().set("workers.count", 1).start();
    Job::upload(&server, 0).check(&server);
    let spare = eventually("a spare child", || server.node("spare")["details"]["child_pid"].as_u64()) as u32;
    send_signal(spare, Signal::KILL);
    eventually("the spare child's death", || (!lives(spare)).then_some(()));
    let child = eventually("a child", || server.workers()[0]["details"]["child_pid"].as_u64());
    send_signal(child as u32, Signal::KILL);
    let next = eventually("another child", || server.workers()[0]["details"]["child_pid"].as_u64().filter(|pid| *pid != child));
    assert_ne!(next, u64::from(spare), "a dead child is not handed out");
    let job = Job::upload(&server, 1);
    job.check(&server);
    assert_eq!(job.attempts(&server), [finished()], "no task had anything to do with it");
    assert_pool_is_whole(&server, 1);
}

#[test]
fn a_child_is_recycled_after_its_jobs() {
    let server = Options::new().set("workers.count", 1).set("workers.recycle_after", 2).start();
    let mut pids = Vec::new();
    for number in 0..5 {
        let job = Job::upload_held(&server, number);
        pids.push(jobs::wait_for_held(&server, 1)[0].pid);
        jobs::finish_all(&server, &[job]);
    }
    pids.dedup();
    assert_eq!(pids.len(), 3, "two jobs, two jobs, and one: {pids:?}");
    assert!(!lives(pids[0]) && !lives(pids[1]), "a child that is worn out ends");
    assert_pool_is_whole(&server, 1);
}
