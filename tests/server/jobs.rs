//! Jobs whose right result is known, and child processes that stand still in the middle of one.
//!
//! The operation `fault_stop` stops its process with SIGSTOP. From then on the child is in the middle of its work for as long
//! as the test likes: until it is killed, or continued.

use std::fs;
use std::path::Path;

use image::{DynamicImage, ImageFormat};
use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Server, eventually, send_signal};
use crate::images;

/// The default pipeline.
const PLAIN: &str = "swap_channels";

/// The same, holding its child process in the middle.
const HELD: &str = "swap_channels/fault_stop";

/// A task that the server has acknowledged, and its original.
pub struct Job {
    pub id: String,
    picture: DynamicImage,
}

impl Job {
    /// Uploads the picture of that number; no two numbers have the same.
    pub fn upload(server: &Server, number: u32) -> Self {
        let picture = picture(number);
        Self { id: server.upload(&file(&picture), PLAIN), picture }
    }

    /// Uploads a job that holds its child process until that is killed or continued.
    pub fn upload_held(server: &Server, number: u32) -> Self {
        let picture = picture(number);
        Self { id: server.upload(&file(&picture), HELD), picture }
    }

    /// Uploads to a server that may refuse it, or end meanwhile; `None` if it was not acknowledged.
    pub fn try_upload(server: &Server, number: u32) -> Option<Self> {
        let picture = picture(number);
        let answer = server.upload_to_ending(&file(&picture), PLAIN).filter(|answer| answer.status == 202)?;
        Some(Self { id: answer.text(), picture })
    }

    /// Waits for the job's end, which must be its right result.
    pub fn check(&self, server: &Server) {
        assert_eq!(server.wait(&self.id), "finished", "{}", server.task(&self.id));
        let image = eventually("the result", || Some(server.image(&self.id)).filter(|answer| answer.status == 200));
        let mut expected = self.picture.to_rgb8();
        expected.pixels_mut().for_each(|pixel| pixel.0.reverse());
        assert_eq!(images::decode(&image.body).into_rgb8(), expected, "the pixels of {}", self.id);
    }

    /// The ends of its attempts, oldest first: how, why, and whether the attempt was refunded.
    pub fn attempts(&self, server: &Server) -> Vec<(String, String, bool)> {
        attempts(server, &self.id)
    }
}

/// The ends of a task's attempts, as [`Job::attempts`].
pub fn attempts(server: &Server, id: &str) -> Vec<(String, String, bool)> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let task = server.task(id);
    let attempts = task["attempts"].as_array().unwrap_or_else(|| panic!("no attempts in {task}"));
    attempts.iter().map(|one| (word(&one["end"]), word(&one["reason"]["code"]), one["refunded"] == true)).collect()
}

/// How an attempt ends that finishes its task.
pub fn finished() -> (String, String, bool) {
    ("finished".into(), String::new(), false)
}

/// How an attempt ends that is tried again.
pub fn released(code: &str, refunded: bool) -> (String, String, bool) {
    ("released".into(), code.into(), refunded)
}

/// Numbers differ in the width, so that a result of another task shows.
fn picture(number: u32) -> DynamicImage {
    images::rgb(20 + number, 15)
}

fn file(picture: &DynamicImage) -> Vec<u8> {
    images::encode(picture, ImageFormat::Png)
}

/// A child process that stands still in the middle of a task.
#[derive(Debug, Clone)]
pub struct Held {
    pub task: String,
    pub pid: u32,
}

impl Held {
    /// Lets it go on.
    pub fn go_on(&self) {
        send_signal(self.pid, Signal::CONT);
    }

    /// Ends it; returns when it is dead.
    pub fn kill(&self) {
        send_signal(self.pid, Signal::KILL);
        eventually("the child's death", || (!lives(self.pid)).then_some(()));
    }
}

/// The children that are held now.
pub fn held(server: &Server) -> Vec<Held> {
    let still: Vec<u64> = server.workers().iter().filter_map(child_pid).filter(|pid| is_stopped(*pid)).collect();
    if still.is_empty() {
        return Vec::new();
    }
    // Asked only now: what a child that stands still works on does not change until it is continued.
    let workers = server.workers();
    let of_task = |worker: &Value| {
        let pid = child_pid(worker).filter(|pid| still.contains(pid))?;
        Some(Held { task: worker["details"]["task"]["id"].as_str()?.to_owned(), pid: u32::try_from(pid).ok()? })
    };
    workers.iter().filter_map(of_task).collect()
}

/// Waits until so many children are held.
pub fn wait_for_held(server: &Server, count: usize) -> Vec<Held> {
    eventually("children in the middle of their work", || Some(held(server)).filter(|held| held.len() == count))
}

/// Lets held children go on until the jobs are over, and checks their results.
pub fn finish_all(server: &Server, jobs: &[Job]) {
    for job in jobs {
        eventually("the end of a job", || {
            held(server).iter().for_each(Held::go_on);
            (server.is_ready(&job.id) == "finished").then_some(())
        });
        job.check(server);
    }
}

/// The child processes of all workers and of the spare.
pub fn children(server: &Server) -> Vec<u32> {
    let nodes = server.workers().into_iter().chain([server.node("spare")]);
    nodes.filter_map(|node| child_pid(&node)).filter_map(|pid| u32::try_from(pid).ok()).collect()
}

fn child_pid(worker: &Value) -> Option<u64> {
    worker["details"]["child_pid"].as_u64()
}

/// Whether a process exists and is more than an entry nobody has collected yet.
pub fn lives(pid: u32) -> bool {
    !matches!(state(pid.into()), None | Some('Z' | 'X'))
}

fn is_stopped(pid: u64) -> bool {
    state(pid) == Some('T')
}

/// The state of a process: the first field behind its name, which may contain anything.
fn state(pid: u64) -> Option<char> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
