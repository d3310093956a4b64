//! Jobs whose right result is known, and child processes that stand still in the middle of one.
//!
//! The operation `fault_stop` stops its process with SIGSTOP. From then on the child is in the middle of its work for as long
//! as the test likes: until it is killed, or continued.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use image::{DynamicImage, ImageFormat};
use rustix::process::Signal;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::harness::{Server, eventually, send_signal};
use crate::images;

/// The default pipeline.
const PLAIN: &str = "swap_channels";

/// The same, holding its child process in the middle.
const HELD: &str = "swap_channels/fault_stop";

/// A task that the server has acknowledged, and its original.
pub struct Job {
    pub id: String,
    /// That of its picture.
    number: u32,
}

impl Job {
    /// Uploads the picture of that number; no two numbers have the same.
    pub fn upload(server: &Server, number: u32) -> Self {
        Self { id: server.upload(&file(number), PLAIN), number }
    }

    /// Uploads a job that holds its child process until that is killed or continued.
    pub fn upload_held(server: &Server, number: u32) -> Self {
        Self { id: server.upload(&file(number), HELD), number }
    }

    /// Uploads to a server that may refuse it, or end meanwhile; `None` if it was not acknowledged.
    pub fn try_upload(server: &Server, number: u32) -> Option<Self> {
        let answer = server.upload_to_ending(&file(number), PLAIN).filter(|answer| answer.status == 202)?;
        Some(Self { id: answer.text(), number })
    }

    /// Waits for the job's end, which must be its right result.
    pub fn check(&self, server: &Server) {
        assert_eq!(server.wait(&self.id), "finished", "{}", server.task(&self.id));
        let image = eventually("the result", || Some(server.image(&self.id)).filter(|answer| answer.status == 200));
        let mut expected = picture(self.number).to_rgb8();
        expected.pixels_mut().for_each(|pixel| pixel.0.reverse());
        assert_eq!(images::decode(&image.body).into_rgb8(), expected, "the pixels of {}", self.id);
    }

    /// The original in the data directory must be what was uploaded, by its digest.
    pub fn check_original(&self, server: &Server) {
        let shard = &self.id[self.id.len() - 2..];
        let path = server.data().join("blobs").join(shard).join(format!("{}.original", self.id));
        let kept = fs::read(&path).unwrap_or_else(|error| panic!("no original at {}: {error}", path.display()));
        assert_eq!(Sha256::digest(kept), Sha256::digest(file(self.number)), "the original of {}", self.id);
    }

    /// The ends of its attempts, oldest first: how, why, and whether the attempt was refunded.
    pub fn attempts(&self, server: &Server) -> Vec<(String, String, bool)> {
        attempts(server, &self.id)
    }
}

/// How many jobs a client has under way at the most before it waits for its oldest.
const WINDOW: usize = 3;

/// Tells clients that it is over when it is dropped, also by a failing test that would else wait for them for ever.
pub struct Ending<'o>(pub &'o AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Uploads without a pause until it is `over`, several jobs at a time, and checks every one that was acknowledged: its result,
/// and its original in the data directory. Returns the ids of all of them.
pub fn keep_uploading(server: &Server, over: &AtomicBool) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let mut under_way: VecDeque<Job> = VecDeque::new();
    let check = |job: Job| {
        job.check(server);
        job.check_original(server);
    };
    for number in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let Some(job) = Job::try_upload(server, number % 200) else { continue };
        acknowledged.push(job.id.clone());
        under_way.push_back(job);
        if under_way.len() > WINDOW {
            under_way.pop_front().map(check);
        }
    }
    under_way.into_iter().for_each(check);
    acknowledged
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

fn file(number: u32) -> Vec<u8> {
    images::encode(&picture(number), ImageFormat::Png)
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
