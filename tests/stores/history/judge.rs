//! What must hold of a history, whatever was asked: each task had one life, and everything that was acknowledged is in it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use safelight::domain::ids::TaskId;
use safelight::domain::task::{Change, Claim, EventNo, News, Task, TaskState};
use safelight::stores::events::EventFilter;
use safelight::stores::postgres::PostgresDb;
use safelight::stores::tasks::{Backlog, TaskStore};

use crate::conformance::events::read_events;
use crate::fixtures::block_on;
use crate::history::{Asked, Outcome, Record};

/// Judges it, and tells how much there was of it.
pub(super) fn judge(db: &PostgresDb, records: &[Record], heard: &[EventNo]) -> String {
    let written: Vec<_> = read_events(db, EventFilter::default(), 1000).iter().map(|event| event.no).collect();
    assert_eq!(heard, written, "whoever read behind the last number has missed something");
    let claims = claims(records);
    let lives = lives(db);
    let rows: HashMap<TaskId, Task> = lives.keys().filter_map(|id| block_on(db.get(*id)).unwrap()).map(|task| (task.id, task)).collect();
    lives.iter().for_each(|(id, life)| check_life(*id, life, rows.get(id)));
    check_reports(records, &claims);
    check_results(records, &rows);
    check_acknowledged(records, &lives, &rows);
    rows.values().for_each(|task| check_attempts(db, task));
    let open: Vec<_> = rows.values().filter(|task| task.state.is_open()).collect();
    let backlog = Backlog { tasks: open.len() as u64, bytes: open.iter().map(|task| task.original.len).sum() };
    assert_eq!(block_on(db.backlog()), Ok(backlog));
    let late = records.iter().filter(|record| report_of(record).is_some() && record.outcome == Outcome::Refused).count();
    format!("{} questions about {} tasks, {} claims, {late} reports refused", records.len(), lives.len(), claims.len())
}

/// When each claim was in its worker's hands; no claim is handed out twice.
fn claims(records: &[Record]) -> HashMap<Claim, Instant> {
    let mut claims = HashMap::new();
    for record in records {
        if let Asked::Claim(claim) = record.asked {
            assert!(claims.insert(claim, record.ended).is_none(), "{claim} was handed out twice");
        }
    }
    claims
}

/// The states that each task entered, in their order, each with its run.
fn lives(db: &PostgresDb) -> BTreeMap<TaskId, Vec<(TaskState, u32)>> {
    let events = read_events(db, EventFilter::default(), 1000);
    assert!(events.is_sorted_by(|one, next| one.no < next.no), "a number appeared twice or late");
    let mut lives: BTreeMap<TaskId, Vec<(TaskState, u32)>> = BTreeMap::new();
    for event in events {
        if let News::State { state, run, .. } = event.news {
            lives.entry(event.task).or_default().push((state, run));
        }
    }
    lives
}

fn check_life(id: TaskId, life: &[(TaskState, u32)], row: Option<&Task>) {
    use TaskState::{Cancelled, Deleting, Failed, Finished, InProgress, NotStarted};
    assert_eq!(life[0], (NotStarted, 1), "task {id}");
    for step in life.windows(2) {
        let [(from, run), (to, next)] = step else { unreachable!("windows of two") };
        let allowed = match (from, to) {
            (NotStarted, InProgress | Cancelled) | (InProgress, NotStarted | Finished | Failed | Cancelled) => run == next,
            (Failed | Cancelled, NotStarted) => run + 1 == *next,
            (Finished | Failed | Cancelled, Deleting) => run == next,
            _ => false,
        };
        assert!(allowed, "task {id} went from {from} (run {run}) to {to} (run {next}): {life:?}");
    }
    let last = life[life.len() - 1];
    assert!(row.is_none_or(|task| (task.state, task.run) == last), "task {id} is not what its life came to");
    assert!(row.is_some() || last.0 == Deleting, "task {id} is gone, although it was {}", last.0);
}

/// The claim of a worker's report.
fn report_of(record: &Record) -> Option<Claim> {
    match &record.asked {
        Asked::Change(
            Change::Heartbeat { claim, .. } | Change::AddResult { claim, .. } | Change::Fail { claim, .. } | Change::Release { claim, .. },
        ) => Some(*claim),
        _ => None,
    }
}

/// The fence: once a later claim of a task was in somebody's hands, or this one was given back, no report of it is heard.
fn check_reports(records: &[Record], claims: &HashMap<Claim, Instant>) {
    let mut in_hand: HashMap<TaskId, Vec<(u64, Instant)>> = HashMap::new();
    claims.iter().for_each(|(claim, since)| in_hand.entry(claim.task).or_default().push((claim.claim_no.0, *since)));
    let mut given_back: HashMap<Claim, Instant> = HashMap::new();
    for record in records.iter().filter(|record| record.outcome == Outcome::Done) {
        if let Asked::Change(Change::Fail { claim, .. } | Change::Release { claim, .. }) = &record.asked {
            assert!(given_back.insert(*claim, record.ended).is_none(), "{claim} was given back twice");
        }
    }
    for record in records.iter().filter(|record| record.outcome == Outcome::Done) {
        let Some(claim) = report_of(record) else { continue };
        let later = in_hand.get(&claim.task).into_iter().flatten().find(|(no, since)| *no > claim.claim_no.0 && *since < record.began);
        assert!(later.is_none(), "{claim} was heard after claim {later:?} was handed out");
        assert!(given_back.get(&claim).is_none_or(|ended| *ended >= record.began), "{claim} was heard after it was given back");
    }
}

/// Each result was taken once, and the one that was acknowledged is the one that is shown.
fn check_results(records: &[Record], rows: &HashMap<TaskId, Task>) {
    let mut taken = HashSet::new();
    for record in records.iter().filter(|record| record.outcome == Outcome::Done) {
        let Asked::Change(Change::AddResult { claim, variant, .. }) = &record.asked else { continue };
        assert!(taken.insert((claim.task, *variant)), "{variant} of task {} was taken twice", claim.task);
        let Some(task) = rows.get(&claim.task) else { continue };
        assert_eq!(task.results.get(variant).map(|result| result.claim_no), Some(claim.claim_no), "{variant} of {}", task.id);
    }
}

/// What was acknowledged has happened.
fn check_acknowledged(records: &[Record], lives: &BTreeMap<TaskId, Vec<(TaskState, u32)>>, rows: &HashMap<TaskId, Task>) {
    let mut done: HashMap<(TaskId, TaskState), usize> = HashMap::new();
    for record in records.iter().filter(|record| record.outcome == Outcome::Done) {
        let entered = match &record.asked {
            Asked::Claim(claim) => (claim.task, TaskState::InProgress),
            Asked::Change(Change::Insert(new)) => {
                assert!(lives.contains_key(&new.id), "task {} was acknowledged and is lost", new.id);
                continue;
            }
            Asked::Change(Change::Cancel { id }) => (*id, TaskState::Cancelled),
            Asked::Change(Change::MarkDeleting { id }) => (*id, TaskState::Deleting),
            Asked::Change(Change::Remove { id }) => {
                assert!(!rows.contains_key(id), "task {id} was removed and is there");
                continue;
            }
            Asked::Change(_) => continue,
        };
        *done.entry(entered).or_default() += 1;
    }
    for ((id, state), acknowledged) in done {
        let entered = lives.get(&id).map_or(0, |life| life.iter().filter(|(entered, _)| *entered == state).count());
        assert!(entered >= acknowledged, "task {id} was told to be {state} {acknowledged} times, and was {entered} times");
    }
}

/// One attempt for each claim, and all but that of a claim in progress have ended.
fn check_attempts(db: &PostgresDb, task: &Task) {
    let attempts = block_on(db.view(task.id)).unwrap().unwrap().attempts;
    let claims: Vec<_> = attempts.iter().map(|attempt| attempt.claim_no.0).collect();
    assert_eq!(claims, (1..=task.claim_no.0).collect::<Vec<_>>(), "task {}", task.id);
    let going_on = attempts.iter().filter(|attempt| attempt.ended.is_none()).count();
    assert_eq!(going_on, usize::from(task.state == TaskState::InProgress), "task {}", task.id);
}
