//! What nodes ask of the database that have nothing to do, and those whose jobs go on and on: looks once a second, and heartbeats.

use crate::Outcome;
use crate::place::{Place, Scratch};
use crate::running::Load;
use crate::throughput::Measured;

/// For how long, and for how many.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many nodes
    #[arg(long, default_value_t = 8)]
    nodes: u64,
    /// How many long jobs each has, in the second row
    #[arg(long, default_value_t = 32)]
    workers: usize,
    /// For how many seconds it is counted
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    #[command(flatten)]
    scratch: Scratch,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let Arguments { nodes, workers, seconds, ref scratch } = *arguments;
    println!("| {nodes} nodes | PostgreSQL, ms of a core, per node and second | commits | statements | WAL |");
    println!("|---|---|---|---|---|");
    let load = Load { workers, job: 3_600_000, seconds, watched: false };
    for (what, tasks) in [("that wait for tasks".to_owned(), 1), (format!("with {workers} long jobs each"), nodes * workers as u64)] {
        // A server of its own, which clears nothing away meanwhile that another measurement has left.
        let one = Measured::of(&Place::new(scratch)?, nodes, load, tasks)?;
        let each = |of: f64| of / (one.seconds * nodes as f64);
        println!(
            "| {what} | {:.2} | {:.1} | {:.1} | {:.2} kB |",
            each(one.database.as_secs_f64() * 1e3),
            each(one.counts.commits as f64),
            each(one.counts.statements as f64),
            each(one.counts.wal as f64 / 1e3),
        );
    }
    Ok(())
}
