//! The whole path against the pixels alone: images per second through the server, with as many workers as there are cores,
//! and images per second of as many processes that call `imaging` directly on the same bytes.

use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use crate::Outcome;
use crate::burst;
use crate::client::Client;
use crate::direct::Processes;
use crate::figures::Rounds;
use crate::photos;
use crate::run::verify;
use crate::server::{Options, Server};

/// How much is processed.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many times both sides are measured, in turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Images per round and side
    #[arg(long, default_value_t = 48)]
    images: usize,
    /// How many clients upload at the same time
    #[arg(long, default_value_t = 4)]
    clients: usize,
    #[command(flatten)]
    server: Options,
    /// The images, in turn [default: the 12 MP photographs of SAFELIGHT_PHOTOS, or a picture made here]
    files: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let originals = photos::load(&arguments.files)?;
    let cores = thread::available_parallelism()?.get();
    let server = arguments.server.start(&[("workers.count", "auto")])?;
    // Both sides begin warm.
    through_server(&server, arguments, &originals, cores)?;
    let mut yardstick = Processes::start(cores, &arguments.files)?;
    yardstick.rate(cores)?;
    let mut rounds = Rounds::default();
    for _ in 0..arguments.rounds {
        let served = through_server(&server, arguments, &originals, arguments.images)?;
        rounds.note(served, yardstick.rate(arguments.images)?);
    }
    println!("every result is byte for byte what `imaging` makes of its original in this process");
    println!("{}", rounds.row("end to end, swap of 12 MP photographs", "at least 0.9", "load end-to-end"));
    Ok(())
}

/// Images per second from the first byte of the first upload to the end of the last task.
fn through_server(server: &Server, arguments: &Arguments, originals: &[Vec<u8>], images: usize) -> Outcome<f64> {
    let start = Instant::now();
    let original = |number: usize| originals[number % originals.len()].as_slice();
    let burst = burst::upload(server.url(), arguments.clients, images, None, original).all_accepted()?;
    let client = Client::new(server.url());
    for accepted in &burst.accepted {
        client.wait(&accepted.id)?;
    }
    let rate = images as f64 / start.elapsed().as_secs_f64();
    verify(&client, burst.accepted.iter(), None, originals)?;
    Ok(rate)
}
