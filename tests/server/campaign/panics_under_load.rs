//! Panics at random in every service while clients upload without a pause: no acknowledged task is lost, every restart is
//! explained by a panic that was planted, and questions are answered again soon.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::probers::{Answers, Probers};
use super::supervision_log::{Failure, SupervisionLog};
use crate::harness::{Options, Server, eventually};
use crate::jobs::{Ending, Job, keep_uploading};
use crate::proof::{self, Dice};

/// A service, its supervisor, and where it can be made to panic under this load. `master.heartbeat` is not among them, since
/// no job lasts that long, nor what is reached only in another failure's wake (`storage.delete_blob`, `task_db.recover`).
struct Victim {
    supervisor: &'static str,
    service: &'static str,
    points: &'static [&'static str],
    /// Whose failures take it along (`rest_for_one`).
    taken_along_by: &'static [&'static str],
}

const VICTIMS: [Victim; 8] = [
    Victim {
        supervisor: "root",
        service: "key_values",
        points: &["key_values.get_value", "key_values.set_value", "key_values.delete_value", "key_values.reloaded"],
        taken_along_by: &[],
    },
    Victim {
        supervisor: "root",
        service: "storage",
        points: &["storage.put_blob", "storage.put_done", "storage.get_blob"],
        taken_along_by: &[],
    },
    Victim {
        supervisor: "root",
        service: "task_db",
        points: &["task_db.set_state", "task_db.answered", "task_db.claim_tasks", "task_db.get_state"],
        taken_along_by: &[],
    },
    Victim { supervisor: "root", service: "janitor", points: &["janitor.round", "janitor.ended"], taken_along_by: &[] },
    Victim {
        supervisor: "root",
        service: "frontend",
        points: &["frontend.new_image", "frontend.look_up", "frontend.get_image", "frontend.before_insert", "frontend.after_insert"],
        taken_along_by: &[],
    },
    Victim {
        supervisor: "engine",
        service: "master",
        points: &[
            "master.admit",
            "master.task_inserted",
            "master.get_work",
            "master.hand_out",
            "master.work_finished",
            "master.settled",
            "master.tick",
        ],
        taken_along_by: &[],
    },
    Victim { supervisor: "engine", service: "spare", points: &["spare.take_child", "spare.refilled"], taken_along_by: &["master"] },
    Victim {
        supervisor: "workers",
        service: "worker",
        points: &["worker.attempt", "worker.before_run", "worker.before_put", "worker.after_put", "worker.report"],
        taken_along_by: &["master", "spare"],
    },
];

/// Panics planted per supervisor and minute. Five failures are answered by restarts; one is left for a neighbour that fails
/// because it was just asking the one that panicked.
const BUDGET: usize = 4;

/// The supervisors' period, and a second for the clocks.
const PERIOD: SignedDuration = SignedDuration::from_secs(61);

/// A neighbour's failure belongs to a planted panic that was no longer ago than this.
const WAKE: SignedDuration = SignedDuration::from_secs(2);

/// A panic that happened where it was planted.
struct Planted {
    service: &'static str,
    point: &'static str,
    at: Timestamp,
}

/// Whether every service of the tree runs.
fn is_whole(node: &Value) -> bool {
    node["state"] == "running" && node["children"].as_array().is_none_or(|children| children.iter().all(is_whole))
}

fn wait_until_whole(server: &Server) {
    eventually("a whole tree", || is_whole(&server.get_json("/v1/tree")).then_some(()));
}

/// Plants a panic in a service whose supervisor can still answer it, one of those that had the fewest, and waits for it to happen.
fn plant(server: &Server, log: &mut SupervisionLog, dice: &mut Dice, planted: &[Planted]) -> Option<Planted> {
    log.read();
    let left = |victim: &&Victim| log.counted_since(victim.supervisor, Timestamp::now() - PERIOD) < BUDGET;
    let had = |victim: &&Victim| planted.iter().filter(|panic| panic.service == victim.service).count();
    let open: Vec<&Victim> = VICTIMS.iter().filter(left).collect();
    let fewest = open.iter().map(had).min()?;
    let open: Vec<&Victim> = open.into_iter().filter(|victim| had(victim) == fewest).collect();
    let victim = *dice.choose(&open);
    let point = *dice.choose(victim.points);
    let seen = log.failures.len();
    server.arm(point, "1*panic");
    let at = eventually(&format!("the panic at {point}"), || {
        log.read().failures[seen..].iter().find(|failure| failure.is_of(point)).map(|failure| failure.at)
    });
    Some(Planted { service: victim.service, point, at })
}

/// Plants panics at random moments; about every second one while the one before is still being answered.
fn plant_all(server: &Server, log: &mut SupervisionLog, dice: &mut Dice, length: Duration) -> Vec<Planted> {
    let start = Instant::now();
    let mut planted = Vec::new();
    while start.elapsed() < length {
        let soon = planted.len() % 2 == 1 && dice.below(2) == 0;
        let moment = Instant::now() + dice.time(if soon { Duration::from_millis(200) } else { Duration::from_secs(8) });
        if !soon {
            wait_until_whole(server);
        }
        eventually("the moment of a panic", || (Instant::now() >= moment).then_some(()));
        let next = plant(server, log, dice, &planted);
        planted.extend(next);
    }
    wait_until_whole(server);
    planted
}

/// Checks jobs as they come until nobody sends any more; returns their ids.
fn check_all(server: &Server, jobs: Receiver<Job>) -> Vec<String> {
    let checked = jobs.into_iter().map(|job| {
        job.check(server);
        job.check_original(server);
        job.id
    });
    checked.collect()
}

/// Every task that the server has, by its id; all of them have finished.
fn assert_all_finished(server: &Server, acknowledged: &[String]) -> usize {
    let (mut found, mut cursor) = (std::collections::HashSet::new(), String::new());
    loop {
        let page = server.get_json(&format!("/v1/tasks?limit=500{cursor}"));
        for task in page["tasks"].as_array().expect("a page of tasks") {
            let id = task["id"].as_str().expect("an id").to_owned();
            // Uploads that were not acknowledged may have been inserted all the same, and are done like all others.
            assert!(task["state"] == "finished" || server.wait(&id) == "finished", "{task}");
            found.insert(id);
        }
        if page["next"].is_null() {
            break;
        }
        cursor = format!("&cursor={}", page["next"]);
    }
    let lost: Vec<&String> = acknowledged.iter().filter(|id| !found.contains(*id)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    found.len()
}

/// How many restarts of a child its failures, and those that took it along, explain.
#[derive(Debug)]
struct Explained {
    least: u64,
    most: u64,
}

impl Explained {
    /// One restart for each failure; but a failure right after another may be answered by the same one.
    fn new(own: Vec<Timestamp>, along: Vec<Timestamp>) -> Self {
        let mut all = [own, along].concat();
        all.sort_unstable();
        let together = all.windows(2).filter(|pair| pair[1].duration_since(pair[0]) <= WAKE).count();
        Self { least: (all.len() - together) as u64, most: all.len() as u64 }
    }
}

/// Every restart has its reason: an own failure, or one that took the service along. Returns the failures that were not planted.
fn assert_no_storm(server: &Server, log: &mut SupervisionLog, planted: &[Planted]) -> Vec<Failure> {
    log.read();
    assert_eq!(log.given_up, Vec::<String>::new(), "no supervisor gave up");
    let by_plan = |failure: &&Failure| planted.iter().any(|panic| failure.is_of(panic.point) && failure.at == panic.at);
    let followed: Vec<Failure> = log.failures.iter().filter(|failure| !by_plan(failure)).cloned().collect();
    for failure in &followed {
        let cause = planted.iter().any(|panic| panic.at <= failure.at && failure.at.duration_since(panic.at) <= WAKE);
        assert!(cause, "nothing was planted that explains {failure:?}");
    }
    assert!(followed.len() <= planted.len() / 4, "panics spread: {followed:?}");
    for (child, starts) in &log.starts {
        let restarts = starts - 1;
        let kind = if child.starts_with("worker") { "worker" } else { child };
        let along = VICTIMS.iter().find(|victim| victim.service == kind).map_or(&[][..], |victim| victim.taken_along_by);
        let explained = Explained::new(log.failures_of(&[child]), log.failures_of(along));
        println!("{child}: {restarts} restarts, {explained:?}");
        assert!((explained.least..=explained.most).contains(&restarts), "{child}: {restarts} restarts, {explained:?}");
        if kind != "worker" {
            assert_eq!(server.node(child)["restarts"], restarts, "what the tree tells about {child}");
        }
    }
    followed
}

/// One row per service: how long after its panics each kind of question was answered again.
fn record_gaps(planted: &[Planted], answers: &[Answers], size: &str, dice: &Dice) {
    for victim in &VICTIMS {
        let panics: Vec<&Planted> = planted.iter().filter(|panic| panic.service == victim.service).collect();
        if panics.is_empty() {
            // A short run does not reach all of them.
            continue;
        }
        let gap = |panic: &&Planted, of: &Answers| of.first_after(panic.at).expect("every kind is answered again after the last panic");
        let all = panics.iter().map(|panic| answers.iter().map(|of| gap(panic, of)).max().unwrap_or_default()).collect();
        let mut kinds = String::new();
        for of in answers {
            let gaps = panics.iter().map(|panic| gap(panic, of)).collect();
            let _ = write!(kinds, "; {} {}", of.kind, proof::spread(gaps));
        }
        println!("{}{kinds}", victim.service);
        let figures = format!("until every kind of question is answered again: {}", proof::spread(all));
        let name = format!("a panic of {} under load", victim.service);
        proof::record(6, &name, &format!("{} panics, {size}", panics.len()), &figures, TEST, Some(dice));
    }
}

const TEST: &str = "campaign::panics_under_load::no_task_is_lost_and_no_storm_breaks_out";

#[test]
fn no_task_is_lost_and_no_storm_breaks_out() {
    let mut dice = Dice::new("panics under load");
    let length = proof::size(Duration::from_secs(60), Duration::from_secs(600));
    // Children are replaced often, so that the spare has work; sweeps are frequent, so that the janitor is met.
    let options = Options::new().set("log.format", "json").set("workers.recycle_after", 20).set("server.http_workers", 2);
    let options = options.logging("warn,safelight::actors::supervision=info");
    let server = options.set("janitor.interval", proof::size("1s", "5s")).start();
    assert!(server.put("/v1/settings/read.key", "1").status < 300);
    let known = Job::upload(&server, 212);
    known.check(&server);
    let mut log = SupervisionLog::of(&server);
    let over = AtomicBool::new(false);
    let acknowledged = Mutex::new(Vec::new());
    let keep = |ids: Vec<String>| acknowledged.lock().expect("nobody panicked with it").extend(ids);
    let (planted, answers) = thread::scope(|threads| {
        let ending = Ending(&over);
        let checked = [(); 2].map(|()| {
            let (jobs, to_check) = channel();
            threads.spawn(|| keep(check_all(&server, to_check)));
            jobs
        });
        (0..4).for_each(|_| drop(threads.spawn(|| keep(keep_uploading(&server, &over)))));
        let probers = Probers::start(threads, &server, &known, checked);
        let planted = plant_all(&server, &mut log, &mut dice, length);
        drop(ending);
        (planted, probers.end())
    });
    let acknowledged = acknowledged.into_inner().expect("nobody panicked with it");
    let tasks = assert_all_finished(&server, &acknowledged);
    let followed = assert_no_storm(&server, &mut log, &planted);
    followed.iter().for_each(|failure| println!("in the wake of a panic: {failure:?}"));
    assert_eq!(server.get("/readyz").status, 200);
    let size = format!("{} s, 4 clients", length.as_secs());
    record_gaps(&planted, &answers, &size, &dice);
    let figures = format!(
        "{} panics, {} failures in their wake; {} tasks acknowledged, none lost, {tasks} in the store",
        planted.len(),
        followed.len(),
        acknowledged.len()
    );
    proof::record(6, "panics under load", &size, &figures, TEST, Some(&dice));
}
