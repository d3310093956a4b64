//! An upload that its client sends again and again under one `Idempotency-Key`, over a server that is killed in between.

use std::collections::HashSet;
use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;
use ureq::Agent;

use crate::campaign::leftovers::assert_tidy;
use crate::harness::{Options, PATIENCE, Server, eventually};
use crate::images;
use crate::proof::{self, Dice};

/// The latest kill after the beginning of a try: what a try takes, and a little more.
const LATEST: Duration = Duration::from_millis(60);

/// What came of one try.
enum Answered {
    /// The id, and whether the server said that it had been sent before.
    With(String, bool),
    /// The connection broke, or the server asked to try again.
    Not,
}

fn upload(server: &Server, key: &str, image: &[u8]) -> Answered {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().into();
    let sent = agent.post(format!("http://{}/v1/tasks?pipeline=invert/png", server.address())).header("idempotency-key", key).send(image);
    let Ok(mut answer) = sent else { return Answered::Not };
    let replayed = answer.headers().get("idempotent-replayed").is_some();
    match (answer.status().as_u16(), answer.body_mut().read_json::<serde_json::Value>()) {
        (202, Ok(task)) => Answered::With(task["id"].as_str().expect("an id").to_owned(), replayed),
        (409 | 503, _) | (_, Err(_)) => Answered::Not,
        (status, Ok(problem)) => panic!("{status}: {problem}"),
    }
}

/// Tries once while the server is killed at a moment nobody chose; returns the server that was started after it.
fn try_and_kill(mut server: Server, key: &str, image: &[u8], dice: &mut Dice) -> (Answered, Server) {
    let delay = dice.time(LATEST);
    let answered = thread::scope(|scope| {
        let trying = scope.spawn(|| upload(&server, key, image));
        let moment = Instant::now() + delay;
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        server.signal(Signal::KILL);
        trying.join().expect("an end of the try")
    });
    assert_eq!(server.exit_code(), None, "killed, not ended");
    wait_for_lock(&server);
    (answered, server.restart())
}

/// A child process that the kill met before it was this program still holds the lock of the data directory, for a moment.
fn wait_for_lock(server: &Server) {
    let lock = File::open(server.data().join("lock")).expect("the lock file");
    eventually("the end of all processes", || flock(&lock, FlockOperation::NonBlockingLockExclusive).ok());
}

/// What came of all tries under one key.
#[derive(Default)]
struct Tried {
    ids: HashSet<String>,
    unanswered: usize,
    /// Whether the task was there before anybody had been told.
    unheard: bool,
}

impl Tried {
    fn note(&mut self, answered: Answered) {
        match answered {
            Answered::With(id, again) => {
                self.unheard |= again && self.ids.is_empty();
                self.ids.insert(id);
            }
            Answered::Not => self.unanswered += 1,
        }
    }
}

#[test]
fn one_task_comes_of_many_tries() {
    let mut dice = Dice::new("idempotent retries");
    let image = images::encode(&images::rgb(500, 400), image::ImageFormat::Png);
    // Each kill may hit a task in a worker's hands, too; that must not be what ends it.
    let options = Options::new().set("tasks.max_refunds", 1000).set("janitor.interval", "100ms").set("log.level", "warn");
    let mut server = options.start();
    // Many tries under one key, and few under many, so that many kills meet the very first one.
    let keys: Vec<usize> = [proof::size(10, 100)].into_iter().chain(vec![4; proof::size(5, 50)]).collect();
    let mut all = Vec::new();
    for (number, tries) in keys.iter().enumerate() {
        let (key, mut tried) = (format!("order-{number}"), Tried::default());
        for _ in 0..*tries {
            let (answered, next) = try_and_kill(server, &key, &image, &mut dice);
            server = next;
            tried.note(answered);
        }
        // The last one is let through.
        tried.note(upload(&server, &key, &image));
        assert_eq!(tried.ids.len(), 1, "every answer names the same task: {:?}", tried.ids);
        all.push(tried);
    }
    let ids: HashSet<_> = all.iter().flat_map(|tried| &tried.ids).collect();
    assert_eq!(ids.len(), keys.len(), "each key has a task of its own");
    ids.iter().for_each(|id| assert_eq!(server.wait(id), "finished"));
    let listed = server.get_json("/v1/tasks?limit=500")["tasks"].clone();
    assert_eq!(listed.as_array().map(Vec::len), Some(keys.len()), "{listed}");
    assert_tidy(&server);
    report(&all, &keys, &dice);
}

fn report(all: &[Tried], keys: &[usize], dice: &Dice) {
    let figures = format!(
        "{} tasks for {} keys; {} tries were not answered, {} tasks were there before any answer had arrived",
        all.iter().map(|tried| tried.ids.len()).sum::<usize>(),
        keys.len(),
        all.iter().map(|tried| tried.unanswered).sum::<usize>(),
        all.iter().filter(|tried| tried.unheard).count(),
    );
    let size = format!("{} tries under one key and 4 under each of {} others, a kill in each", keys[0], keys.len() - 1);
    proof::record(5, "idempotent retries", &size, &figures, "campaign::idempotent_retries", Some(dice));
}
