//! Answers that never come: commits that fail before or after they happened, services that panic with a request in hand,
//! deadlines that pass. Several clients upload all the while, and children die and images are damaged, so that every kind of
//! change is on its way.

use std::thread;

use tempfile::TempDir;

use crate::campaign::ledger::{Kind, Ledger, Tally};
use crate::harness::{Options, Server, eventually};
use crate::proof::{self, Dice};

/// Clients that upload at the same time.
const CLIENTS: usize = 6;

/// Panics on one server: one more within a minute and its supervisors would rightly give up.
const PANICS: usize = 4;

/// Where a request can be lost between its asker and its commit, and back: the points of a task's life in its order.
const PANICKING: &[&str] = &[
    "frontend.new_image",
    "master.admit",
    "storage.put_blob",
    "storage.put_done",
    "frontend.before_insert",
    "task_db.set_state",
    "tasks.before_commit",
    "tasks.commit_fails",
    "tasks.after_commit",
    "task_db.answered",
    "frontend.after_insert",
    "master.task_inserted",
    "task_db.claim_tasks",
    "master.hand_out",
    "storage.get_blob",
    "worker.before_put",
    "worker.report",
    "master.heartbeat",
    "master.work_finished",
    "master.settled",
];

/// Where a commit says that it failed: before it happened, and after.
const IN_DOUBT: &[(&str, &str)] =
    &[("tasks.commit_fails", "a planted failure before the commit"), ("tasks.after_commit", "a planted failure after the commit")];

/// Longer than anybody waits for a commit.
const LATE: &str = "sleep(11000)";

/// Many commits: heartbeats every moment. What is in doubt comes back soon, and nobody runs out of attempts by it.
fn options() -> Options {
    let options = Options::new().set("tasks.heartbeat", "200ms").set("tasks.lease", "2s").set("janitor.interval", "100ms");
    options.set("tasks.max_attempts", 20).set("tasks.max_refunds", 100)
}

/// Every client uploads once: most an image, one a damaged one, one an image whose child is killed in the middle.
fn upload_all(server: &Server, ledger: &Ledger) {
    thread::scope(|threads| {
        for client in 0..CLIENTS {
            let kind = [Kind::Damaged, Kind::Held].get(client).copied().unwrap_or(Kind::Whole);
            threads.spawn(move || {
                let status = ledger.upload(server, kind);
                assert!(matches!(status, Some(202 | 503)), "{status:?}");
            });
        }
    });
    ledger.kill_held(server);
}

/// One fault: `action` at the given passage of `point`, and what is logged when it has acted.
struct Fault<'f> {
    point: &'f str,
    passage: usize,
    action: &'f str,
    word: String,
}

impl<'f> Fault<'f> {
    fn panic(point: &'f str, passage: usize) -> Self {
        Self { point, passage, action: "panic", word: format!("failpoint {point} panic") }
    }

    fn in_doubt((point, word): (&'f str, &str), passage: usize) -> Self {
        Self { point, passage, action: "return(error)", word: word.to_owned() }
    }

    /// Uploads until it has acted, and waits for the end of all that was acknowledged.
    fn act(&self, server: &Server, ledger: &Ledger) {
        let acted = || server.log().matches(&self.word).count();
        let before = acted();
        server.arm(self.point, &format!("{}*off->1*{}", self.passage, self.action));
        eventually(&format!("{} at {}, passage {}", self.action, self.point, self.passage), || {
            upload_all(server, ledger);
            (acted() > before).then_some(())
        });
        ledger.finish(server);
    }
}

/// A new server on a directory of its own, some faults one after the other, and the books closed.
fn survive<'f>(faults: impl IntoIterator<Item = Fault<'f>>) -> Tally {
    let place = TempDir::new().expect("a temporary directory");
    let server = options().start_in(place.path());
    let ledger = Ledger::new(20, 15);
    faults.into_iter().for_each(|fault| fault.act(&server, &ledger));
    ledger.close(server, place.path(), options())
}

#[test]
fn commits_in_doubt() {
    let mut dice = Dice::new("commits in doubt");
    let (passages, mixed) = proof::size((8, 0), (40, 80));
    let every = IN_DOUBT.iter().flat_map(|site| (0..passages).map(move |passage| (*site, passage)));
    let random: Vec<_> = (0..mixed).map(|_| (*dice.choose(IN_DOUBT), dice.below(40))).collect();
    let cases: Vec<_> = every.chain(random).collect();
    let mut tally = Tally::default();
    for cases in cases.chunks(40) {
        tally.add(survive(cases.iter().map(|(site, passage)| Fault::in_doubt(*site, *passage))));
    }
    let size = format!("{} commits that failed before or after they happened, {CLIENTS} clients", cases.len());
    proof::record(5, "commits in doubt", &size, &tally.to_string(), "campaign::unknown_outcomes::commits_in_doubt", Some(&dice));
}

#[test]
fn requests_lost_in_a_panic() {
    let mut dice = Dice::new("requests lost in a panic");
    let times = proof::size(1, 10);
    let mut cases: Vec<_> = PANICKING.repeat(times).into_iter().map(|point| (point, dice.below(2 * CLIENTS))).collect();
    // A heartbeat or a claim may be rarer than an upload, but none of the first few passages is.
    cases.iter_mut().filter(|(point, _)| !point.starts_with("tasks.")).for_each(|(_, passage)| *passage %= CLIENTS);
    let mut tally = Tally::default();
    for cases in cases.chunks(PANICS) {
        tally.add(survive(cases.iter().map(|(point, passage)| Fault::panic(point, *passage))));
    }
    let size = format!("{} panics at {} points, {CLIENTS} clients", cases.len(), PANICKING.len());
    proof::record(
        5,
        "requests lost in a panic",
        &size,
        &tally.to_string(),
        "campaign::unknown_outcomes::requests_lost_in_a_panic",
        Some(&dice),
    );
}

#[test]
fn answers_after_the_deadline() {
    let mut dice = Dice::new("answers after the deadline");
    let rounds = proof::size(1, 10);
    let place = TempDir::new().expect("a temporary directory");
    // Leases and heartbeats as they are by default: a database that stands still this long ends no lease.
    let slow = || Options::new().set("janitor.interval", "100ms");
    let server = slow().start_in(place.path());
    let ledger = Ledger::new(20, 15);
    for _ in 0..rounds {
        let point = *dice.choose(&["tasks.before_commit", "tasks.after_commit"]);
        server.arm(point, &format!("{}*off->1*{LATE}", dice.below(2 * CLIENTS)));
        (0..3).for_each(|_| upload_all(&server, &ledger));
        ledger.finish(&server);
    }
    let tally = ledger.close(server, place.path(), slow());
    let size = format!("{rounds} commits that took 11 s, one more than is waited for, {CLIENTS} clients");
    let test = "campaign::unknown_outcomes::answers_after_the_deadline";
    proof::record(5, "answers after the deadline", &size, &tally.to_string(), test, Some(&dice));
}
