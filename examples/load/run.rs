//! The plain load: N images with C clients against a server, until the last one has ended.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Outcome;
use crate::burst::{self, Burst};
use crate::client::Client;
use crate::direct;
use crate::figures::Sorted;
use crate::photos;
use crate::server::{Memory, Options, Server};

/// What is uploaded, by how many, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many images are uploaded
    #[arg(long, default_value_t = 100)]
    images: usize,
    /// How many clients upload at the same time
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// The pipeline of every image [default: the server's default preset]
    #[arg(long)]
    pipeline: Option<String>,
    /// A server that runs already [default: one is started on a temporary directory]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The process of that server, to tell its memory
    #[arg(long, requires = "url")]
    pid: Option<u32>,
    #[command(flatten)]
    server: Options,
    /// The images, in turn [default: the 12 MP photographs of SAFELIGHT_PHOTOS, or a picture made here]
    files: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let originals = photos::load(&arguments.files)?;
    let started: Option<Server> = if arguments.url.is_none() { Some(arguments.server.start(&[])?) } else { None };
    let url = arguments.url.as_deref().or(started.as_ref().map(Server::url)).unwrap_or_default();
    let pid = arguments.pid.or(started.as_ref().map(Server::pid));

    let start = Instant::now();
    let original = |number: usize| originals[number % originals.len()].as_slice();
    let burst = burst::upload(url, arguments.clients, arguments.images, arguments.pipeline.as_deref(), original);
    let client = Client::new(url);
    let ended: Vec<String> = burst.accepted.iter().map(|accepted| client.wait(&accepted.id)).collect::<Outcome<_>>()?;
    let elapsed = start.elapsed();

    let failed = ended.iter().filter(|state| *state != "finished").count();
    println!("{} images in {:.2} s: {:.2} images/s", ended.len(), elapsed.as_secs_f64(), ended.len() as f64 / elapsed.as_secs_f64());
    println!("errors: {} uploads not accepted, {failed} tasks failed", burst.refused.len());
    burst
        .refused
        .first()
        .into_iter()
        .chain(ended.iter().find(|state| *state != "finished"))
        .for_each(|error| println!("  such as: {error}"));
    print_latencies(&client, &burst)?;
    if let Some(pid) = pid {
        println!("memory of the server, its children apart: {}", Memory::of(pid)?);
    }
    let finished = burst.accepted.iter().zip(&ended).filter(|(_, state)| *state == "finished").map(|(accepted, _)| accepted);
    let verified = verify(&client, finished, arguments.pipeline.as_deref(), &originals)?;
    println!("verified: {verified} results are byte for byte what `imaging` makes of their originals in this process");
    if burst.refused.is_empty() && failed == 0 { Ok(()) } else { Err("not every image was finished".into()) }
}

/// Latency of completion: what the client waited for the acceptance, and then the task by the server's own clock. So no
/// polling blurs it.
fn print_latencies(client: &Client, burst: &Burst) -> Outcome<()> {
    let mut completions = Vec::new();
    for accepted in &burst.accepted {
        let task = client.task(&accepted.id)?;
        let moment = |key: &str| task[key].as_str().map(str::parse::<jiff::Timestamp>).transpose();
        if let (Some(created), Some(ended)) = (moment("created_at")?, moment("ended_at")?) {
            completions.push(accepted.accept + Duration::try_from(ended.duration_since(created)).unwrap_or_default());
        }
    }
    for (what, times) in
        [("accept", Sorted::of_times(burst.accepted.iter().map(|accepted| accepted.accept))), ("completion", Sorted::of_times(completions))]
    {
        println!("{what}: p50 {:.0} ms, p99 {:.0} ms", times.percentile(50.0), times.percentile(99.0));
    }
    Ok(())
}

/// Downloads every result and compares it with the one made here, directly. The clock has stopped by now.
pub(crate) fn verify<'a>(
    client: &Client,
    finished: impl Iterator<Item = &'a burst::Accepted>,
    pipeline: Option<&str>,
    originals: &[Vec<u8>],
) -> Outcome<usize> {
    let pipeline = pipeline.unwrap_or("swap_channels").parse()?;
    let expected: Vec<Vec<u8>> = originals.iter().map(|original| direct::process(original, &pipeline)).collect::<Outcome<_>>()?;
    let mut verified = 0;
    for accepted in finished {
        let result = client.image(&accepted.id)?;
        if result != expected[accepted.number % expected.len()] {
            let task: Value = client.task(&accepted.id)?;
            return Err(format!("the result of {} is not what `imaging` makes of its original: {task}", accepted.id).into());
        }
        verified += 1;
    }
    Ok(verified)
}
