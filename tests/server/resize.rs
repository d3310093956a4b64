//! The pool of workers changes its size while it works.

use crate::harness::{Options, Server, eventually};
use crate::jobs::{self, Held, Job, finished};

/// How many workers run, and how many finish their last job.
fn pool(server: &Server) -> (usize, usize) {
    let workers = server.workers();
    let count = |state: &str| workers.iter().filter(|worker| worker["state"] == state).count();
    (count("running"), count("stopping"))
}

fn resize(server: &Server, count: usize) {
    let answer = server.put("/v1/settings/workers.count", &count.to_string());
    assert!((200..300).contains(&answer.status), "{}", answer.text());
}

#[test]
fn a_pool_grows_and_shrinks_under_load_and_loses_nothing() {
    let server = Server::new();
    let all: Vec<Job> = (0..12).map(|number| Job::upload_held(&server, number)).collect();
    jobs::wait_for_held(&server, 2);

    resize(&server, 6);
    jobs::wait_for_held(&server, 6);
    assert_eq!(pool(&server), (6, 0));

    resize(&server, 1);
    // All six are in the middle of a job: five of them may finish it and go.
    eventually("a shrinking pool", || (pool(&server) == (1, 5)).then_some(()));
    assert_eq!(jobs::held(&server).len(), 6, "no job was broken off");

    jobs::finish_all(&server, &all);
    eventually("a pool of one", || (pool(&server) == (1, 0) && server.workers().len() == 1).then_some(()));
    for job in &all {
        assert_eq!((job.attempts(&server), &server.task(&job.id)["attempts_used"]), (vec![finished()], &1.into()));
    }
}

#[test]
fn no_workers_pause_the_processing_and_lose_nothing() {
    let server = Options::new().set("workers.count", 0).start();
    let first = [Job::upload_held(&server, 0), Job::upload(&server, 1)];
    let untouched = |job: &Job| server.task(&job.id)["state"] == "not_started" && job.attempts(&server).is_empty();
    assert!(pool(&server) == (0, 0) && first.iter().all(untouched), "nobody works, uploads are taken");

    resize(&server, 1);
    jobs::wait_for_held(&server, 1);
    resize(&server, 0);
    let second = Job::upload(&server, 2);
    jobs::held(&server).iter().for_each(Held::go_on);
    eventually("an empty pool", || server.workers().is_empty().then_some(()));
    first[0].check(&server);
    assert!(untouched(&first[1]) && untouched(&second), "the job that ran is finished, and no other is begun");

    let server = server.kill_and_restart();
    assert!(server.workers().is_empty(), "a pause outlives a restart");
    resize(&server, 2);
    for job in first.iter().chain([&second]) {
        job.check(&server);
        assert_eq!(job.attempts(&server), vec![finished()]);
    }
}
