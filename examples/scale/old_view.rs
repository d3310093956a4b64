//! What claims cost while a transaction keeps looking at the database as it was before, so that nothing of what was handed out can be cleared
//! away: as a node makes them, and as they would be from the beginning of the queue.

use std::time::{Duration, Instant};

use futures::executor::block_on;
use futures::future::join_all;
use safelight::domain::blob::{BlobMeta, Sha256};
use safelight::domain::format::Format;
use safelight::domain::pipeline::VariantName;
use safelight::domain::task::{Change, Claim, TaskResult};
use safelight::stores::postgres::{PostgresDb, PostgresOptions};
use safelight::stores::tasks::{ClaimRequest, TaskStore};

use crate::Outcome;
use crate::cluster::Sql;
use crate::place::{Database, Place, Scratch, percentile};

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// For how long the old view is kept, in seconds
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// How many seconds a row of the table is about
    #[arg(long, default_value_t = 30)]
    row: u64,
    /// How many tasks wait at the beginning
    #[arg(long, default_value_t = 1_000_000)]
    tasks: u64,
    #[command(flatten)]
    scratch: Scratch,
}

/// Tasks that each claim takes.
const WORKERS: usize = 4;

/// A claim that begins at the beginning, undone afterwards.
const FROM_THE_BEGINNING: &str = "SELECT seq FROM tasks WHERE state = 'not_started' AND not_before IS NULL AND attempts = 0 AND refunds = 0
     ORDER BY rank, seq LIMIT 4 FOR UPDATE SKIP LOCKED";

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let place = Place::new(&arguments.scratch)?;
    let database = place.database(arguments.tasks)?;
    println!("{}; one node claims {WORKERS} tasks at a time and finishes them, as fast as it goes\n", Place::version(&database));
    let db = PostgresDb::open(&database.url, PostgresOptions::default())?;
    let old = Sql::connect(&database.url);
    old.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM safelight.tasks LIMIT 1");
    println!(
        "| seconds | handed out | a claim, median | p99 | its statement | pages | from the beginning | pages |\n|---|---|---|---|---|---|---|---|"
    );
    let (begun, mut handed_out) = (Instant::now(), 0);
    for row in 1..=arguments.seconds / arguments.row {
        let until = begun + Duration::from_secs(row * arguments.row);
        let mut took = Vec::new();
        database.begin_counting();
        while Instant::now() < until {
            let (claims, time) = claim(&db)?;
            took.push(time);
            handed_out += claims.len();
            block_on(join_all(claims.into_iter().map(|claim| db.apply(finish(claim))))).into_iter().try_for_each(|done| done.map(drop))?;
        }
        took.sort_unstable();
        let [median, p99] = [50, 99].map(|percent| percentile(&took, percent) as f64 / 1e3);
        let ours = database.statement("SELECT * FROM (%");
        from_the_beginning(&database);
        let theirs = database.statement("SELECT seq FROM tasks WHERE%");
        println!(
            "| {} | {handed_out} | {median:.2} ms | {p99:.2} ms | {:.3} ms | {:.1} | {:.3} ms | {:.1} |",
            row * arguments.row,
            ours.ms,
            ours.pages,
            theirs.ms,
            theirs.pages
        );
    }
    old.run("COMMIT");
    Ok(())
}

fn from_the_beginning(database: &Database) {
    for _ in 0..5 {
        for statement in ["BEGIN", FROM_THE_BEGINNING, "ROLLBACK"] {
            database.hand.run(statement);
        }
    }
}

fn claim(db: &PostgresDb) -> Outcome<(Vec<Claim>, u64)> {
    let workers = (0..WORKERS).map(|number| format!("worker-{number}")).collect();
    let begun = Instant::now();
    let claimed = block_on(db.claim(ClaimRequest { workers, lease: Duration::from_hours(1) }))?;
    let took = begun.elapsed().as_micros() as u64;
    match claimed.len() {
        WORKERS => Ok((claimed.into_iter().map(|claimed| claimed.claim).collect(), took)),
        _ => Err("the queue was empty before the end: let more tasks wait".into()),
    }
}

fn finish(claim: Claim) -> Change {
    let blob = BlobMeta { len: 100_000, sha256: Sha256([7; 32]) };
    let result = TaskResult { claim_no: claim.claim_no, blob, format: Format::Jpeg, width: 400, height: 300, warnings: Vec::new() };
    Change::AddResult { claim, variant: VariantName::RESULT, result, probe: None, lease: Duration::from_hours(1) }
}
