//! Durable small uploads: accepted uploads per second while no worker runs, against what the disk does when the same files
//! are written and synced with nothing around them.

use sha2::{Digest, Sha256};

use crate::Outcome;
use crate::burst::{self, Burst};
use crate::client::Client;
use crate::disk::Disk;
use crate::figures::{Rounds, Sorted};
use crate::photos;
use crate::server::Options;

/// How much is uploaded.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many times both sides are measured, in turn
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Uploads per round and side
    #[arg(long, default_value_t = 1000)]
    uploads: usize,
    /// How many clients upload at the same time, and how many threads write to the disk
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Bytes of one upload
    #[arg(long, default_value_t = 100_000)]
    bytes: usize,
    #[command(flatten)]
    server: Options,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let Arguments { uploads, clients, .. } = *arguments;
    let image = photos::small(arguments.bytes);
    let server = arguments.server.start(&[("workers.count", "0"), ("tasks.queue_limit", "10000000"), ("tasks.queue_bytes", "1TiB")])?;
    let disk = Disk::new(arguments.server.scratch()?)?;
    let (mut rounds, mut accepts) = (Rounds::default(), Vec::new());
    for _ in 0..arguments.rounds {
        let burst = burst::upload(server.url(), clients, uploads, None, |_| &image).all_accepted()?;
        rounds.note(burst.rate(), disk.rate(clients, uploads, &image)?);
        verify(&Client::new(server.url()), &burst, &image)?;
        accepts.extend(burst.accepted.iter().map(|accepted| accepted.accept));
    }
    let accepts = Sorted::of_times(accepts);
    println!("accept: p50 {:.1} ms, p99 {:.1} ms", accepts.percentile(50.0), accepts.percentile(99.0));
    println!("every task has its original's length and SHA-256");
    let figure = format!("durable upload of {} kB, {clients} clients", arguments.bytes / 1000);
    println!("{}", rounds.row(&figure, "at least 0.8", "load uploads"));
    Ok(())
}

/// Asks the server for every task, after the clock has stopped.
fn verify(client: &Client, burst: &Burst, image: &[u8]) -> Outcome<()> {
    let sha256: String = Sha256::digest(image).iter().map(|byte| format!("{byte:02x}")).collect();
    for accepted in &burst.accepted {
        let original = &client.task(&accepted.id)?["original"];
        if original["sha256"] != sha256.as_str() || original["bytes"] != image.len() {
            return Err(format!("task {} has another original than was uploaded: {original}", accepted.id).into());
        }
    }
    Ok(())
}
