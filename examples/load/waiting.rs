//! How soon a client that waits hears of the end of its task, beside what an idle handler takes.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::Outcome;
use crate::client::Client;
use crate::figures::Sorted;
use crate::photos;
use crate::server::Options;

/// How often.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Uploads that wait for their results, one after the other
    #[arg(long, default_value_t = 500)]
    uploads: usize,
    #[command(flatten)]
    server: Options,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let image = photos::thumbnail()?;
    let server = arguments.server.start(&[])?;
    let client = Client::new(server.url());
    let (mut late, mut idle) = (Vec::new(), Vec::new());
    for _ in 0..arguments.uploads {
        let ended = client.upload_and_wait(&image)?;
        // The task's end is told in whole milliseconds of the same clock, rounded down.
        late.push(since_epoch()?.saturating_sub(ended));
        let asked = Instant::now();
        client.livez()?;
        idle.push(asked.elapsed());
    }
    let (late, idle) = (Sorted::of_times(late), Sorted::of_times(idle));
    println!("answer of a waiting client after the end of its task: p50 {:.2} ms, p99 {:.2} ms", late.median(), late.percentile(99.0));
    println!("GET /livez in between: p50 {:.2} ms, p99 {:.2} ms", idle.median(), idle.percentile(99.0));
    println!(
        "| a waiting client's answer after the end of its task, median of {} | within 20 ms | **{:.1} ms** (p99 {:.1} ms; `GET /livez` in between {:.1} ms, p99 {:.1} ms) | `load waiting` |",
        arguments.uploads,
        late.median(),
        late.percentile(99.0),
        idle.median(),
        idle.percentile(99.0),
    );
    Ok(())
}

fn since_epoch() -> Outcome<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}
