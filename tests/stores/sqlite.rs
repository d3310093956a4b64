//! What is particular to tasks and key-values in SQLite.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use futures::future::join_all;
use safelight::domain::task::{Change, TaskState};
use safelight::stores::Clock;
use safelight::stores::key_values::{KeyValueStore, KeyValueStoreError};
use safelight::stores::sqlite::{FILE_NAME, SqliteDb, SqliteOptions};
use safelight::stores::tasks::{Backlog, TaskQuery, TaskStore, TaskStoreError};
use serde_json::json;

use crate::fixtures::*;

/// A clock that holds up the thread that reads it: the store asks it once per request, on its own threads.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<()>>, Arc<(Mutex<u64>, Condvar)>);

impl Gate {
    fn clock(&self) -> Clock {
        let Self(gate, reached) = self.clone();
        Arc::new(move || {
            *reached.0.lock().unwrap() += 1;
            reached.1.notify_all();
            drop(gate.lock().unwrap());
            Duration::ZERO
        })
    }

    /// Does something, and waits until a thread has come to the gate because of it.
    fn brings<T>(&self, action: impl FnOnce() -> T) -> T {
        let before = *self.1.0.lock().unwrap();
        let done = action();
        let reached = self.1.0.lock().unwrap();
        drop(self.1.1.wait_while(reached, |reached| *reached == before).unwrap());
        done
    }

    fn shut(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap()
    }
}

fn open(dir: &tempfile::TempDir, options: SqliteOptions) -> SqliteDb {
    SqliteDb::open(dir.path(), options).unwrap()
}

#[test]
fn waiting_writes_share_a_commit() {
    let (dir, gate) = (scratch(), Gate::default());
    let db = open(&dir, SqliteOptions { clock: gate.clock(), ..SqliteOptions::default() });
    let shut = gate.shut();
    let writes: Vec<_> = (0..100).map(|n| db.apply(Change::Insert(new_task(n)))).collect();
    drop(shut);
    assert!(block_on(join_all(writes)).iter().all(Result::is_ok));
    // One for what was in hand when the gate shut, one for all that waited, and never more than that.
    assert!(db.stats().commits <= 2, "{:?}", db.stats());
}

#[test]
fn a_full_queue_refuses_and_counts() {
    let (dir, gate) = (scratch(), Gate::default());
    let db = open(&dir, SqliteOptions { clock: gate.clock(), write_queue: 2, read_queue: 2, readers: 1, ..SqliteOptions::default() });
    let shut = gate.shut();
    // The writer has one request in hand, and nothing waits.
    let in_hand = gate.brings(|| db.apply(Change::Insert(new_task(100))));
    let writes: Vec<_> = (0..100).map(|n| db.apply(Change::Insert(new_task(n)))).collect();
    let reads: Vec<_> = (0..100).map(|_| db.backlog()).collect();
    let refused = db.stats();
    drop(shut);
    let mut writes = block_on(join_all(writes));
    writes.push(block_on(in_hand));
    let taken = writes.iter().filter(|result| result.is_ok()).count();
    assert_eq!((taken, refused.writes.refused), (1 + 2, 98));
    assert!(refused.reads.refused >= 97);
    assert!(writes.iter().all(|result| matches!(result, Ok(_) | Err(TaskStoreError::Unavailable(_)))));
    drop(block_on(join_all(reads)));
    assert_eq!(block_on(db.backlog()).unwrap().tasks, taken as u64, "what was refused did not happen");
    assert_eq!(db.stats().writes.depth, 0);
}

#[test]
fn a_panic_is_an_unknown_outcome_and_is_survived() {
    let dir = scratch();
    let explode = Arc::new(AtomicBool::new(false));
    let armed = Arc::clone(&explode);
    let clock: Clock = Arc::new(move || {
        assert!(!armed.swap(false, Ordering::SeqCst), "planted");
        Duration::ZERO
    });
    let db = open(&dir, SqliteOptions { clock, readers: 1, ..SqliteOptions::default() });
    let before = insert(&db, 1);
    explode.store(true, Ordering::SeqCst);
    assert!(matches!(apply(&db, Change::Cancel { id: before.id }), Err(TaskStoreError::UnknownOutcome(_))));
    assert_eq!(get(&db, before.id), before);
    explode.store(true, Ordering::SeqCst);
    assert!(matches!(block_on(db.set("key".into(), json!(1))), Err(KeyValueStoreError::UnknownOutcome(_))));
    explode.store(true, Ordering::SeqCst);
    assert!(matches!(block_on(TaskStore::get(&db, before.id)), Err(TaskStoreError::Unavailable(_))));
    assert_eq!(apply(&db, Change::Cancel { id: before.id }).unwrap().state, TaskState::Cancelled);
    assert_eq!(get(&db, before.id).state, TaskState::Cancelled);
}

#[test]
fn closing_answers_what_is_queued() {
    let (dir, gate) = (scratch(), Gate::default());
    let db = open(&dir, SqliteOptions { clock: gate.clock(), ..SqliteOptions::default() });
    let shut = gate.shut();
    let writes: Vec<_> = (0..10).map(|n| db.apply(Change::Insert(new_task(n)))).collect();
    drop(shut);
    drop(db);
    assert!(block_on(join_all(writes)).iter().all(Result::is_ok));
    assert!(!dir.path().join(format!("{FILE_NAME}-wal")).exists(), "the last connection empties the log");
    assert_eq!(block_on(open(&dir, SqliteOptions::default()).backlog()).unwrap().tasks, 10);
}

#[test]
fn a_row_that_cannot_be_read_holds_up_no_other() {
    let mut engine = Sqlite::default();
    let [broken, held, good] = [1, 2, 3].map(|len| insert(&*engine.tasks(), len).id);
    let held_claim = {
        apply(&*engine.tasks(), Change::Cancel { id: broken }).unwrap();
        let claimed = claim_one(&*engine.tasks());
        apply(&*engine.tasks(), Change::Retry { id: broken, run: 1 }).unwrap();
        claimed
    };
    assert_eq!(held_claim.task.id, held);
    let hand = rusqlite::Connection::open(engine.dir.path().join(FILE_NAME)).unwrap();
    hand.execute("UPDATE tasks SET variants = 'result=melt' WHERE original_len IN (1, 2)", []).unwrap();
    drop(hand);

    assert!(matches!(block_on(engine.tasks().get(broken)), Err(TaskStoreError::Corrupt(text)) if text.contains("melt")));
    assert_eq!(claim(&*engine.tasks(), &["a", "b"]).iter().map(|c| c.task.id).collect::<Vec<_>>(), [good]);
    assert_eq!(block_on(engine.tasks().next_runnable()), Ok(None));
    let page = block_on(engine.tasks().list(TaskQuery { limit: 10, ..TaskQuery::default() })).unwrap();
    assert_eq!(page.tasks.iter().map(|task| task.id).collect::<Vec<_>>(), [good]);
    engine.reopen();
    block_on(engine.tasks().recover()).unwrap();
    assert_eq!(claim(&*engine.tasks(), &["a", "b"]).iter().map(|c| c.task.id).collect::<Vec<_>>(), [good]);
}

#[test]
fn a_full_disk_is_told_and_recovered_from() {
    on_a_small_disk("sqlite::small_disk");
}

#[test]
fn small_disk() {
    let Some(dir) = std::env::var_os(SMALL_DISK) else { return };
    let db = SqliteDb::open(dir.as_ref(), SqliteOptions::default()).unwrap();
    let filler = std::path::Path::new(&dir).join("filler");
    std::fs::write(&filler, vec![0; 1 << 20]).unwrap();
    let mut accepted = 0;
    let refusal = loop {
        match apply(&db, Change::Insert(new_task(1))) {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refusal, TaskStoreError::Full);
    assert_eq!(block_on(db.backlog()), Ok(Backlog { tasks: accepted, bytes: accepted }), "a refusal left something");
    std::fs::remove_file(filler).unwrap();
    insert(&db, 1);
    assert_eq!(block_on(db.backlog()).unwrap().tasks, accepted + 1);
}
