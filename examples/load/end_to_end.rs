//! The whole path against the pixels alone: images per second through the server, with as many workers as there are cores,
//! and images per second of as many threads that call `imaging` directly on the same bytes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use safelight::domain::pipeline::Pipeline;

use crate::Outcome;
use crate::burst;
use crate::client::Client;
use crate::figures::Rounds;
use crate::photos;
use crate::run::{direct, verify};
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
    let mut rounds = Rounds::default();
    for _ in 0..arguments.rounds {
        let served = through_server(&server, arguments, &originals, arguments.images)?;
        rounds.note(served, directly(cores, arguments.images, &originals)?);
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

/// Images per second of `threads` threads that share the same images.
fn directly(threads: usize, images: usize, originals: &[Vec<u8>]) -> Outcome<f64> {
    let (next, start) = (AtomicUsize::new(0), Instant::now());
    let pipeline: Pipeline = "swap_channels".parse()?;
    let one = || -> Outcome<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= images {
                return Ok(());
            }
            direct(&originals[number % originals.len()], &pipeline)?;
        }
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        running.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    Ok(images as f64 / start.elapsed().as_secs_f64())
}
