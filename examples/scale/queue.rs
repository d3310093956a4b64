//! What a claim costs by how much waits: one task of a thousand, and one of millions.

use std::time::{Duration, Instant};

use futures::executor::block_on;
use safelight::stores::postgres::{PostgresDb, PostgresOptions};
use safelight::stores::tasks::{ClaimRequest, TaskStore};

use crate::Outcome;
use crate::place::{Place, Scratch, percentile};

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many tasks wait, in growing numbers
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000,1000000,5000000")]
    lengths: Vec<u64>,
    /// How many claims are measured at each
    #[arg(long, default_value_t = 500)]
    claims: usize,
    #[command(flatten)]
    scratch: Scratch,
}

/// Claims before those that are measured: the first ones look from the beginning and choose plans.
const WARMING: usize = 50;

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let place = Place::new(&arguments.scratch)?;
    let database = place.database(1)?;
    println!("{}; {} claims of one task, each with its commit\n", Place::version(&database), arguments.claims);
    println!("| waiting | a claim, median | p99 | in PostgreSQL, its statement | pages that it touches |\n|---|---|---|---|---|");
    let mut waiting = 1;
    for length in &arguments.lengths {
        database.fill(length.saturating_sub(waiting));
        waiting = *length;
        let db = PostgresDb::open(&database.url, PostgresOptions::default())?;
        let claim = || -> Outcome<u64> {
            let begun = Instant::now();
            let request = ClaimRequest { workers: vec!["worker".to_owned()], lease: Duration::from_hours(1) };
            let claimed = block_on(db.claim(request))?.len();
            if claimed == 1 { Ok(begun.elapsed().as_micros() as u64) } else { Err("nothing was left to claim".into()) }
        };
        (0..WARMING).try_for_each(|_| claim().map(drop))?;
        database.begin_counting();
        let mut took = (0..arguments.claims).map(|_| claim()).collect::<Outcome<Vec<_>>>()?;
        took.sort_unstable();
        let [median, p99] = [50, 99].map(|percent| percentile(&took, percent) as f64 / 1e3);
        let statement = database.statement("SELECT * FROM (%");
        println!("| {length} | {median:.2} ms | {p99:.2} ms | {:.3} ms | {:.1} |", statement.ms, statement.pages);
        waiting = waiting.saturating_sub((WARMING + arguments.claims) as u64);
    }
    Ok(())
}
