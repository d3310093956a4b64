//! Several servers over one database and one store of images: what one of them takes, another may work on, and none of them is missed.

use rustix::process::Signal;

use crate::cluster::Cluster;
use crate::harness::{Options, Server, eventually};
use crate::jobs::{self, Held, Job, finished, lives, released};
use crate::seaweedfs::{ACCESS_KEY, BUCKET, SECRET_KEY, Seaweed};

/// Where the servers of one test keep everything.
pub struct Place {
    pub tasks: String,
    endpoint: String,
    prefix: String,
}

impl Place {
    /// Nothing where one of the two is missing.
    pub fn new() -> Option<Self> {
        let cluster = Cluster::shared().inspect_err(|why| println!("skipped: {why}")).ok()?;
        let store = Seaweed::shared().inspect_err(|why| println!("skipped: {why}")).ok()?;
        let prefix = store.options(&store.endpoint()).prefix;
        Some(Self { tasks: cluster.database(), endpoint: store.endpoint(), prefix })
    }

    /// A server of it with so many workers, whose claims lapse after two seconds of silence.
    fn server(&self, workers: u32) -> Server {
        self.options(workers).set("tasks.lease", "2s").set("tasks.heartbeat", "500ms").start()
    }

    /// A server of it with so many workers.
    pub fn options(&self, workers: u32) -> Options {
        let options = Options::new().set("data.tasks", &self.tasks).set("data.blobs", format!("s3://{BUCKET}/{}", self.prefix));
        let options = options.set("s3.endpoint", &self.endpoint).set("s3.access_key", ACCESS_KEY).set("s3.secret_key", SECRET_KEY);
        options.set("workers.count", workers)
    }
}

#[test]
fn one_server_takes_images_and_another_works_on_them() {
    let Some(place) = Place::new() else { return };
    let (front, back) = (place.server(0), place.server(2));
    let jobs: Vec<Job> = (0..6).map(|number| Job::upload(&front, number)).collect();
    let waited = front.get_with_all(&format!("/v1/tasks/{}", jobs[5].id), &[("prefer", "wait=30"), ("accept", "application/json")]);
    assert_eq!(waited.json()["state"], "finished", "whoever waits is told, wherever it was done: {}", waited.text());
    for job in &jobs {
        job.check(&front);
        job.check(&back);
    }
    assert_eq!(front.delete(&format!("/v1/tasks/{}", jobs[0].id)).status, 204);
    assert_eq!(back.is_ready(&jobs[0].id), "not found");

    let held = Job::upload_held(&front, 7);
    let child = jobs::wait_for_held(&back, 1)[0].pid;
    assert_eq!(front.post(&format!("/v1/tasks/{}/cancel", held.id), "application/json", b"").status, 200);
    eventually("the end of the process that works for nobody", || (!lives(child)).then_some(()));
}

#[test]
fn what_a_server_had_in_hand_when_it_was_killed_is_done_by_another() {
    let Some(place) = Place::new() else { return };
    let (front, first) = (place.server(0), place.server(2));
    let jobs: Vec<Job> = (0..4).map(|number| Job::upload_held(&front, number)).collect();
    let in_hand: Vec<String> = jobs::wait_for_held(&first, 2).into_iter().map(|held| held.task).collect();
    // As `kill -9` does.
    drop(first);
    let second = place.server(2);
    jobs::finish_all(&second, &jobs);
    for job in &jobs {
        let lost = in_hand.contains(&job.id).then(|| released("unavailable", true));
        let expected: Vec<_> = lost.into_iter().chain([finished()]).collect();
        assert_eq!(job.attempts(&front), expected, "the server ended the attempt, not the image");
    }
}

#[test]
fn a_server_that_stood_still_beyond_its_lease_is_heard_no_more() {
    let Some(place) = Place::new() else { return };
    let (front, first) = (place.server(0), place.server(1));
    let job = Job::upload_held(&front, 1);
    let late = jobs::wait_for_held(&first, 1);
    first.signal(Signal::STOP);
    let second = place.server(1);
    jobs::finish_all(&second, std::slice::from_ref(&job));
    let task = front.task(&job.id);
    // It believes to hold the task, and its child ends the work now.
    first.signal(Signal::CONT);
    late.iter().for_each(Held::go_on);
    eventually("the late child to be dropped", || jobs::held(&first).is_empty().then_some(()));
    Job::upload(&first, 2).check(&front);
    assert_eq!(front.task(&job.id), task, "one result, and one history");
    assert_eq!(job.attempts(&front), [released("unavailable", true), finished()]);
    job.check(&first);
}
