//! A history of several servers over one PostgreSQL that is killed again and again meanwhile: everything that anybody asked, when, and what was
//! answered. Then it is judged by what a task may live through.
//!
//! Leases are so short that they end under the hands of their workers, and claims go from hand to hand, so that many reports are late.

mod judge;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use safelight::domain::ids::TaskId;
use safelight::domain::task::{Change, Claim, EventNo, NewTask, RetryPolicy};
use safelight::stores::events::{EventFilter, EventQuery, EventStore};
use safelight::stores::postgres::PostgresDb;
use safelight::stores::tasks::{ClaimRequest, TaskStore, TaskStoreError};

use crate::cluster::Cluster;
use crate::fixtures::*;
use crate::postgres_fixtures::open;
use crate::proof::{self, Dice};

/// What every task is to become.
const VARIANTS: [&str; 2] = ["large", "thumb"];

/// Something that was asked, and what came of it.
struct Record {
    asked: Asked,
    began: Instant,
    ended: Instant,
    outcome: Outcome,
}

enum Asked {
    /// A claim that was handed out.
    Claim(Claim),
    Change(Change),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Refused,
    /// It may have happened.
    Unknown,
}

/// What all threads share.
#[derive(Default)]
struct Shared {
    records: Mutex<Vec<Record>>,
    tasks: Mutex<Vec<TaskId>>,
    /// Claims that somebody has in hand, or had.
    hands: Mutex<Vec<Claim>>,
    answered: AtomicU64,
    ended: AtomicBool,
}

/// One server, and those who ask it.
struct Node {
    db: Arc<PostgresDb>,
    shared: Arc<Shared>,
    progress: mpsc::Sender<u64>,
    rng: Rng,
}

impl Node {
    fn ask(&self, change: Change) {
        let began = Instant::now();
        let outcome = match block_on(self.db.apply(change.clone())) {
            Ok(_) => Outcome::Done,
            Err(TaskStoreError::UnknownOutcome(_)) => Outcome::Unknown,
            Err(TaskStoreError::Unavailable(_) | TaskStoreError::Rejected(_)) => Outcome::Refused,
            Err(error) => panic!("{error}"),
        };
        self.note(Asked::Change(change), began, outcome);
    }

    fn note(&self, asked: Asked, began: Instant, outcome: Outcome) {
        let record = Record { asked, began, ended: Instant::now(), outcome };
        self.shared.records.lock().unwrap().push(record);
        if outcome == Outcome::Done {
            self.progress.send(self.shared.answered.fetch_add(1, Ordering::SeqCst)).unwrap();
        }
    }

    fn pick<T: Copy>(&mut self, from: impl Fn(&Shared) -> &Mutex<Vec<T>>) -> Option<T> {
        let all = from(&self.shared).lock().unwrap();
        // The latest more often than those of before.
        let back = self.rng.usize(0..all.len().clamp(1, 12));
        all.len().checked_sub(1 + back).map(|at| all[at])
    }

    /// A client: hands in, changes its mind.
    fn client(&mut self) {
        let id = self.pick(|shared| &shared.tasks);
        let run = self.rng.u32(1..4);
        match (self.rng.u8(0..10), id) {
            (0, Some(id)) => self.ask(Change::Cancel { id }),
            (1, Some(id)) => self.ask(Change::Retry { id, run }),
            (2, Some(id)) => self.ask(Change::MarkDeleting { id }),
            (3, Some(id)) => self.ask(Change::Remove { id }),
            _ => {
                let variants = VARIANTS.map(|name| format!("{name}=png")).join(" ").parse().unwrap();
                let new = NewTask { variants, ..new_task(7) };
                self.shared.tasks.lock().unwrap().push(new.id);
                self.ask(Change::Insert(new));
            }
        }
    }

    /// A worker: takes work, or goes on with a claim that it, or another, took.
    fn worker(&mut self) {
        if self.rng.bool() {
            let lease = Duration::from_millis(self.rng.u64(1..40));
            let began = Instant::now();
            for claimed in block_on(self.db.claim(ClaimRequest { workers: vec!["worker".into()], lease })).unwrap_or_default() {
                self.note(Asked::Claim(claimed.claim), began, Outcome::Done);
                self.shared.hands.lock().unwrap().push(claimed.claim);
            }
        }
        let Some(claim) = self.pick(|shared| &shared.hands) else { return };
        let variant = VARIANTS[self.rng.usize(0..2)].parse().unwrap();
        let lease = Duration::from_millis(self.rng.u64(1..40));
        let report = match self.rng.u8(0..10) {
            0 => Change::Heartbeat { claim, lease },
            1 => Change::Fail { claim, failure: failure() },
            2 => release(claim, true, Duration::ZERO),
            _ => Change::AddResult { claim, variant, result: result_of(claim), probe: None, lease },
        };
        self.ask(report);
    }

    /// A master: takes back what has lapsed.
    fn rescuer(&mut self) {
        for claim in block_on(self.db.expired(10)).unwrap_or_default() {
            let backoff = Duration::from_millis(self.rng.u64(0..5));
            self.ask(release(claim, false, backoff));
        }
    }
}

/// Reads behind the last number that it has seen, as streams of events do, until everybody has ended; returns what it has seen.
fn listen(db: &PostgresDb, shared: &Shared) -> Vec<EventNo> {
    let mut seen = Vec::new();
    loop {
        // Asked before, so that the last look comes after the last answer.
        let is_over = shared.ended.load(Ordering::SeqCst);
        let after = seen.last().copied().unwrap_or_default();
        match block_on(db.page(EventQuery { after, filter: EventFilter::default(), limit: 100 })) {
            Ok(page) if is_over && page.events.is_empty() => return seen,
            Ok(page) => seen.extend(page.events.iter().map(|event| event.no)),
            Err(_) => {}
        }
    }
}

/// How many answers of "done" there are between two kills of the database.
const ANSWERS: u64 = 500;

#[test]
fn what_several_servers_answered_is_one_life_of_each_task() {
    let cluster = match Cluster::start("-c fsync=off") {
        Ok(cluster) => cluster,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let dice = Dice::new("history of several servers");
    let (seed, kills) = (dice.seed, proof::size(2, 60));
    let enough = ANSWERS * (kills + 1);
    let (url, shared, (progress, seen)) = (cluster.database(), Arc::new(Shared::default()), mpsc::channel());
    let policy = RetryPolicy { max_attempts: 4, max_refunds: 4 };
    let nodes: Vec<_> = (0..3).map(|node| open(&url, &format!("node-{node}"), policy)).collect();
    let roles: [fn(&mut Node); 4] = [Node::client, Node::worker, Node::worker, Node::rescuer];
    let threads: Vec<_> = nodes
        .iter()
        .flat_map(|db| roles.map(|role| (Arc::clone(db), role)))
        .enumerate()
        .map(|(number, (db, role))| {
            let (shared, progress, rng) = (Arc::clone(&shared), progress.clone(), Rng::with_seed(seed ^ number as u64));
            let mut node = Node { db, shared, progress, rng };
            thread::spawn(move || {
                while node.shared.answered.load(Ordering::SeqCst) < enough {
                    role(&mut node);
                }
            })
        })
        .collect();
    let listener = {
        let (db, shared) = (Arc::clone(&nodes[2]), Arc::clone(&shared));
        thread::spawn(move || listen(&db, &shared))
    };
    for kill in 1..=kills {
        seen.iter().find(|answers| *answers == ANSWERS * kill);
        cluster.stop();
        cluster.run().unwrap();
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    shared.ended.store(true, Ordering::SeqCst);
    let heard = listener.join().unwrap();
    let records = std::mem::take(&mut *shared.records.lock().unwrap());
    let figures = judge::judge(&nodes[0], &records, &heard);
    let size = format!("3 servers, 12 threads, {kills} kills of the database");
    proof::record(12, "history of several servers", &size, &figures, "history", Some(&dice));
}
