//! 1, 2, 4 and 8 nodes over one database: tasks per second beside what one node does, times their number, and what a task costs the database.
//!
//! Two loads. Jobs that take so long that the processors are not the limit show whether nodes come in each other's way; jobs of no length
//! show where the limit is. The numbers of nodes take turns in an order that chance gives, each on a database of its own.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::Outcome;
use crate::node::{Report, WARMING};
use crate::place::{Counts, Place, Scratch, Stat, percentile};
use crate::running::{Load, Running};

/// How many nodes.
const NODES: [u64; 4] = [1, 2, 4, 8];

/// What is measured, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// For how many seconds each number of nodes is counted, in each round
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// How often each number of nodes has its turn
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Jobs at the same time on each node
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// How many milliseconds a job takes
    #[arg(long, default_value_t = 250)]
    job: u64,
    /// Jobs at the same time on each node, where the limit is looked for
    #[arg(long, default_value_t = 16)]
    limit_workers: usize,
    /// Somebody reads the events of every node, as where clients wait for tasks; without it, of none
    #[arg(long)]
    watched: bool,
    #[command(flatten)]
    scratch: Scratch,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let Arguments { seconds, rounds, workers, job, limit_workers, watched, ref scratch } = *arguments;
    let place = Place::new(scratch)?;
    println!("{}; {seconds} s for each of {rounds} rounds", Place::version(&place.database(1)?));
    let most = (seconds + 5) * 8 * workers as u64 * 1000 / job.max(1);
    let paced = Load { workers, job, seconds, watched };
    println!("\n{workers} workers on each node, jobs of {job} ms:\n");
    measure(&place, paced, most + 1000, rounds)?;
    println!("\n{limit_workers} workers on each node, jobs of no length:\n");
    measure(&place, Load { workers: limit_workers, job: 0, seconds, watched }, (seconds + 5) * 5000, rounds)
}

/// Measures a load with every number of nodes, and prints a row for each. More tasks wait than can be done.
fn measure(place: &Place, load: Load, tasks: u64, rounds: usize) -> Outcome<()> {
    let mut turns: Vec<(u64, Vec<Measured>)> = NODES.map(|nodes| (nodes, Vec::new())).into();
    for _ in 0..rounds {
        fastrand::shuffle(&mut turns);
        for (nodes, measured) in &mut turns {
            let one = Measured::of(place, *nodes, load, tasks)?;
            if one.left == 0 {
                return Err("the queue was empty before the end: let more tasks wait".into());
            }
            measured.push(one);
        }
    }
    turns.sort_by_key(|(nodes, _)| *nodes);
    let alone = median(turns[0].1.iter().map(Measured::rate));
    println!(
        "| nodes | tasks/s | of linear | claims/s | a claim, median and p99 | PostgreSQL, cores | all nodes, cores | PostgreSQL, ms per task | commits per task | statements per task | WAL per task |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for (nodes, measured) in &turns {
        let of = |what: fn(&Measured) -> f64| median(measured.iter().map(what));
        let (rate, linear) = (of(Measured::rate), alone * *nodes as f64);
        let (low, high) =
            measured.iter().map(|one| one.rate() / linear).fold((f64::MAX, f64::MIN), |(low, high), of| (low.min(of), high.max(of)));
        println!(
            "| {nodes} | {rate:.1} | **{:.2}** ({low:.2} to {high:.2}) | {:.1} | {:.1} ms, {:.1} ms | {:.2} | {:.2} | {:.2} | {:.2} | {:.1} | {:.1} kB |",
            rate / linear,
            of(|one| one.reports.iter().map(|report| report.claims).sum::<u64>() as f64 / one.seconds),
            of(|one| one.claim_ms(50)),
            of(|one| one.claim_ms(99)),
            of(|one| one.database.as_secs_f64() / one.seconds),
            of(|one| one.nodes.as_secs_f64() / one.seconds),
            of(|one| one.database.as_secs_f64() * 1e3 / one.finished()),
            of(|one| one.counts.commits as f64 / one.finished()),
            of(|one| one.counts.statements as f64 / one.finished()),
            of(|one| one.counts.wal as f64 / 1e3 / one.finished()),
        );
    }
    Ok(())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What some nodes came to.
pub(crate) struct Measured {
    pub(crate) seconds: f64,
    reports: Vec<Report>,
    /// What PostgreSQL and the nodes have used of the processors.
    pub(crate) database: Duration,
    nodes: Duration,
    pub(crate) counts: Counts,
    /// Tasks that still wait.
    left: i64,
}

impl Measured {
    pub(crate) fn of(place: &Place, nodes: u64, load: Load, tasks: u64) -> Outcome<Self> {
        let database = place.database(tasks)?;
        let mut running: Vec<Running> =
            (0..nodes).map(|number| Running::start(&database, number, load, Stdio::inherit())).collect::<Outcome<_>>()?;
        running.iter_mut().try_for_each(Running::begin)?;
        sleep(WARMING);
        let used = |running: &[Running]| running.iter().map(|node| Ok(Stat::of(node.pid())?.own)).sum::<Outcome<Duration>>();
        let before = (database.begin_counting(), place.processor_time()?, used(&running)?);
        sleep(Duration::from_secs(load.seconds));
        let after = (database.counts(), place.processor_time()?, used(&running)?);
        let reports = running.iter_mut().map(Running::report).collect::<Outcome<Vec<_>>>()?;
        let left = database.hand.number("SELECT count(*) FROM tasks WHERE state = 'not_started'");
        Ok(Self {
            left,
            seconds: load.seconds as f64,
            reports,
            counts: after.0 - before.0,
            database: after.1 - before.1,
            nodes: after.2 - before.2,
        })
    }

    fn finished(&self) -> f64 {
        self.reports.iter().map(|report| report.finished).sum::<u64>() as f64
    }

    /// Tasks per second.
    fn rate(&self) -> f64 {
        self.finished() / self.seconds
    }

    fn claim_ms(&self, percent: u64) -> f64 {
        let mut all: Vec<u64> = self.reports.iter().flat_map(|report| report.claim_us.iter().copied()).collect();
        all.sort_unstable();
        percentile(&all, percent) as f64 / 1e3
    }
}
