//! The server's memory after many large uploads; its children, which work on the pixels, do not count.

use std::path::PathBuf;

use crate::Outcome;
use crate::burst;
use crate::client::Client;
use crate::photos;
use crate::run::verify;
use crate::server::{Memory, Options};

/// How much is uploaded.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many images are uploaded
    #[arg(long, default_value_t = 1000)]
    images: usize,
    /// How many clients upload at the same time
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// The workers: 0 only takes the uploads
    #[arg(long, default_value = "0")]
    workers: String,
    #[command(flatten)]
    server: Options,
    /// The images, in turn [default: the 12 MP photographs of SAFELIGHT_PHOTOS, or a picture made here]
    files: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let Arguments { images, clients, ref workers, .. } = *arguments;
    let originals = photos::load(&arguments.files)?;
    let server = arguments.server.start(&[("workers.count", workers), ("tasks.queue_limit", "1000000"), ("tasks.queue_bytes", "1TiB")])?;
    println!("before the first upload: {}", Memory::of(server.pid())?);
    let original = |number: usize| originals[number % originals.len()].as_slice();
    let burst = burst::upload(server.url(), clients, images, None, original).all_accepted()?;
    let mut memory = Memory::of(server.pid())?;
    println!("after {images} uploads with {clients} clients ({:.1}/s): {memory}", burst.rate());
    if workers != "0" {
        let client = Client::new(server.url());
        for accepted in &burst.accepted {
            client.wait(&accepted.id)?;
        }
        verify(&client, burst.accepted.iter(), None, &originals)?;
        memory = Memory::of(server.pid())?;
        println!("after their processing and download, every result right: {memory}");
    }
    let (resident, peak) = (memory.resident as f64 / 1e6, memory.peak as f64 / 1e6);
    println!(
        "| server memory after {images} uploads of 12 MP, workers: {workers} | under 60 MB | **{resident:.1} MB** (peak {peak:.1} MB) | `load memory --images {images} --workers {workers}` |"
    );
    Ok(())
}
