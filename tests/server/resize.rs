//! The pool of workers changes its size while it works.

use crate::harness::{Server, eventually};
use crate::jobs::{self, Job, finished};

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
