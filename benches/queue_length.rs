//! What the length of the queue costs: a page of the list, the hand-out of the next task and the answer about one, among a thousand tasks
//! and among a million. The database lies in memory where there is a file system in it, so that the disk's own times hide nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use rusqlite::Connection;
use safelight::domain::blob::{BlobMeta, Sha256};
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;
use safelight::domain::ids::TaskId;
use safelight::domain::pipeline::Variants;
use safelight::domain::task::{Change, Failure, NewTask, RetryPolicy, TaskState};
use safelight::domain::timestamp::Timestamp;
use safelight::stores::sqlite::{FILE_NAME, SqliteDb, SqliteOptions};
use safelight::stores::tasks::{ClaimRequest, Cursor, TaskQuery, TaskStore};
use tempfile::TempDir;

/// How many tasks there are.
const LENGTHS: [u64; 2] = [1_000, 1_000_000];

/// How often each is measured; the median counts.
const ROUNDS: usize = 301;

/// Tasks on a page.
const PAGE: usize = 50;

/// One row of the table.
struct Operation {
    name: &'static str,
    run: fn(&Filled) -> Duration,
}

const OPERATIONS: [Operation; 7] = [
    Operation { name: "a page of 50, from the start", run: |filled| filled.page(TaskQuery::default()) },
    Operation { name: "a page of 50, in the middle (cursor)", run: |filled| filled.page(filled.behind_the_middle()) },
    Operation { name: "a page of 50 by state, in the middle", run: |filled| filled.page(filled.waiting_behind_the_middle()) },
    Operation { name: "a page of 50 by time of acceptance (since)", run: |filled| filled.page(filled.since_the_middle()) },
    Operation { name: "one task by its id", run: Filled::get },
    Operation { name: "claiming the next task, committed", run: Filled::claim },
    Operation { name: "the length of the queue", run: Filled::backlog },
];

/// A database with so many tasks that wait.
struct Filled {
    _directory: TempDir,
    db: SqliteDb,
    length: u64,
    some: TaskId,
}

impl Filled {
    fn new(length: u64) -> Self {
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.expect("a directory");
        // A task that was given back is as good as new, however often.
        let policy = RetryPolicy { max_refunds: u32::MAX, ..RetryPolicy::default() };
        let open = || SqliteDb::open(directory.path(), SqliteOptions { policy, ..Default::default() }).expect("a database");
        let some = TaskId::random();
        block_on(open().apply(Change::Insert(new_task(some)))).expect("a new task");
        multiply(&directory.path().join(FILE_NAME), length);
        let db = open();
        Self { db, length, some, _directory: directory }
    }

    fn behind_the_middle(&self) -> TaskQuery {
        TaskQuery { after: Some(Cursor(self.length / 2)), ..TaskQuery::default() }
    }

    fn waiting_behind_the_middle(&self) -> TaskQuery {
        TaskQuery { state: Some(TaskState::NotStarted), ..self.behind_the_middle() }
    }

    fn since_the_middle(&self) -> TaskQuery {
        TaskQuery { since: Some(Timestamp(self.length / 2)), ..TaskQuery::default() }
    }

    fn page(&self, query: TaskQuery) -> Duration {
        let start = Instant::now();
        let page = block_on(self.db.list(TaskQuery { limit: PAGE, ..query })).expect("a page");
        let elapsed = start.elapsed();
        assert_eq!(page.tasks.len(), PAGE);
        elapsed
    }

    fn get(&self) -> Duration {
        let start = Instant::now();
        block_on(self.db.get(self.some)).expect("an answer").expect("it is there");
        start.elapsed()
    }

    /// The task goes back to the head of the queue, which is not measured.
    fn claim(&self) -> Duration {
        let request = ClaimRequest { workers: vec!["worker".into()], lease: Duration::from_mins(1) };
        let start = Instant::now();
        let claimed = block_on(self.db.claim(request)).expect("an answer").pop().expect("one waits");
        let elapsed = start.elapsed();
        let reason = Failure::new(ErrorCode::Unavailable, "measured");
        let release = Change::Release { claim: claimed.claim, reason, refund: true, backoff: Duration::ZERO };
        block_on(self.db.apply(release)).expect("it was ours");
        elapsed
    }

    fn backlog(&self) -> Duration {
        let start = Instant::now();
        assert_eq!(block_on(self.db.backlog()).expect("an answer").tasks, self.length);
        start.elapsed()
    }
}

fn new_task(id: TaskId) -> NewTask {
    let variants = Variants::only("swap_channels".parse().expect("an operation"));
    NewTask::new(id, variants, BlobMeta { len: 100_000, sha256: Sha256([7; 32]) }, Format::Jpeg)
}

/// Doubles the rows of the database until there are `length`, each with an id of its own and accepted a millisecond after the one before.
fn multiply(path: &Path, length: u64) {
    let connection = Connection::open(path).expect("the database");
    let mut columns = connection.prepare("SELECT name FROM pragma_table_info('tasks') WHERE name NOT IN ('seq', 'id')").expect("a table");
    let columns = columns.query_map([], |row| row.get::<_, String>(0)).expect("columns").collect::<Result<Vec<_>, _>>().expect("names");
    let columns = columns.join(", ");
    let copy = format!("INSERT INTO tasks (id, {columns}) SELECT randomblob(16), {columns} FROM tasks LIMIT ?1");
    let mut rows = 1;
    while rows < length {
        rows += connection.execute(&copy, [i64::try_from(rows.min(length - rows)).expect("a million")]).expect("room") as u64;
    }
    connection.execute("UPDATE tasks SET created_at = seq", []).expect("room");
}

fn median(filled: &Filled, operation: &Operation) -> f64 {
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| (operation.run)(filled)).collect();
    times.sort();
    times[ROUNDS / 2].as_secs_f64() * 1e6
}

fn main() {
    // `cargo test --benches` asks for a short run: there is nothing to test here.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let filled = LENGTHS.map(Filled::new);
    println!("| operation (median of {ROUNDS}) | 1,000 tasks | 1,000,000 tasks |\n|---|---|---|");
    for operation in &OPERATIONS {
        let [short, long] = filled.each_ref().map(|filled| median(filled, operation));
        println!("| {} | {short:.0} us | {long:.0} us |", operation.name);
    }
}
