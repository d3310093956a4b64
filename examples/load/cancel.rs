//! How soon a cancellation frees the processor: jobs that are caught while they decode, apply an operation and encode, one after the
//! other. From the request on it measures how much processor time the child still uses, and how long it takes until it is gone: on a
//! busy machine a child, which runs niced, may have to wait for the moment in which it ends.
//!
//! What a child does just then is told by its processor time. The image of the first case takes long to decode; those of the others
//! have used twice as much as it takes to decode them and to write them in the cheapest format, and are far from their end.

use std::fs;
use std::io::Cursor;
use std::thread::sleep;
use std::time::{Duration, Instant};

use image::{ImageFormat, Rgb, RgbImage};
use serde_json::Value;

use crate::Outcome;
use crate::client::Client;
use crate::figures::Sorted;
use crate::server::{Options, Server};

/// How much is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Cancellations in each phase
    #[arg(long, default_value_t = 30)]
    rounds: usize,
    #[command(flatten)]
    server: Options,
}

/// Beside which nothing but the cancellation ends a job.
const UNHURRIED: [(&str, &str); 7] = [
    ("workers.count", "1"),
    ("workers.recycle_after", "1000000"),
    ("workers.job_memory", "2GiB"),
    ("workers.memory_budget", "2GiB"),
    ("workers.address_space", "4GiB"),
    ("tasks.deadline", "1h"),
    ("tasks.heartbeat", "5s"),
];

/// The format that costs the least to write.
const CHEAPEST: &str = "qoi";

/// A phase of a job, and how to be in it.
struct Phase {
    name: &'static str,
    /// The edge of the square image, in pixels.
    edge: u32,
    pipeline: &'static str,
    /// Whether the job is caught before it has decoded the image, or as long after as decoding and the cheapest format take together.
    decoding: bool,
}

const PHASES: [Phase; 3] = [
    Phase { name: "decode (PNG, 25 MP)", edge: 5000, pipeline: CHEAPEST, decoding: true },
    Phase { name: "operation (median:30)", edge: 3000, pipeline: "median:30/qoi", decoding: false },
    Phase { name: "encode (WebP, lossless)", edge: 3000, pipeline: "webp:lossless=true,effort=6", decoding: false },
];

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let server = arguments.server.start(&UNHURRIED)?;
    println!(
        "| caught in ({} times each) | whole job | caught after | processor time still used | child gone after | answer after |",
        arguments.rounds
    );
    println!("|---|---|---|---|---|---|");
    for phase in &PHASES {
        println!("{}", measure(&server, phase, arguments.rounds)?);
    }
    Ok(())
}

/// A row of the table.
fn measure(server: &Server, phase: &Phase, rounds: usize) -> Outcome<String> {
    let client = Client::new(server.url());
    let image = picture(phase.edge)?;
    let (cheapest, whole) = (cost(&client, &image, CHEAPEST)?, cost(&client, &image, phase.pipeline)?);
    let catch_after = if phase.decoding { cheapest / 5 } else { cheapest * 2 };
    if whole < catch_after * 2 {
        return Err(format!("{}: the whole job takes {whole:?}, too little to be caught after {catch_after:?}", phase.name).into());
    }
    let (mut gone, mut used, mut answered) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let id = client.upload(&image, Some(phase.pipeline))?;
        let pid = child_of(&client, &id)?;
        // A fresh child has used a hundredth of a second or two for its start.
        wait_for(|| Ok(processor_time(pid).is_none_or(|used| used >= catch_after).then_some(())))?;
        let start = Instant::now();
        let cancelled = std::thread::scope(|scope| {
            let watcher = scope.spawn(|| last_seen(pid, start));
            let state = client.cancel(&id);
            answered.push(start.elapsed());
            let end = watcher.join().map_err(|_| "the watcher failed")??;
            gone.push(end.gone_after);
            used.push(end.still_used);
            state
        })?;
        if cancelled != "cancelled" {
            return Err(format!("task {id} is {cancelled}: it was caught too late").into());
        }
    }
    let [gone, used, answered] = [gone, used, answered].map(Sorted::of_times);
    Ok(format!(
        "| {} | {:.2} s | {:.2} s | **{:.1} ms** (p99 {:.1} ms) | {:.1} ms (p99 {:.1} ms) | {:.1} ms |",
        phase.name,
        whole.as_secs_f64(),
        catch_after.as_secs_f64(),
        used.median(),
        used.percentile(99.0),
        gone.median(),
        gone.percentile(99.0),
        answered.median(),
    ))
}

/// A picture that no format makes small.
fn picture(edge: u32) -> Outcome<Vec<u8>> {
    let mut noise = fastrand::Rng::with_seed(30);
    let picture = RgbImage::from_fn(edge, edge, |x, y| Rgb([x >> 5, y >> 5, (x + y) >> 6].map(|level| level as u8 ^ noise.u8(..4))));
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png)?;
    Ok(file.into_inner())
}

/// The processor time of a whole job.
fn cost(client: &Client, image: &[u8], pipeline: &str) -> Outcome<Duration> {
    // The child that a cancellation has cost its worker is replaced by now, or in a moment.
    let id = client.upload(image, Some(pipeline))?;
    let pid = child_of(client, &id)?;
    let before = processor_time(pid).unwrap_or_default();
    let state = client.wait(&id)?;
    let after = processor_time(pid).ok_or("the child of a whole job has ended")?;
    if state == "finished" { Ok(after.saturating_sub(before)) } else { Err(format!("task {id}: {state}").into()) }
}

/// The process that works on a task.
fn child_of(client: &Client, id: &str) -> Outcome<u32> {
    wait_for(|| {
        let tree = client.tree()?;
        Ok(worker_of(&tree, id).and_then(|details| u32::try_from(details["child_pid"].as_u64()?).ok()))
    })
}

fn worker_of<'t>(node: &'t Value, id: &str) -> Option<&'t Value> {
    let details = &node["details"];
    if details["task"]["id"] == id {
        return Some(details);
    }
    node["children"].as_array()?.iter().find_map(|child| worker_of(child, id))
}

/// The processor time that a process has used, to the hundredth of a second; `None` if it is no more.
fn processor_time(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}

/// What became of a child after a moment.
struct End {
    gone_after: Duration,
    still_used: Duration,
}

/// Watches a child until it is no more.
fn last_seen(pid: u32, since: Instant) -> Outcome<End> {
    let ran = |last: Duration| run_time(pid).unwrap_or(last);
    let before = ran(Duration::ZERO);
    let last = std::cell::Cell::new(before);
    let gone_after = wait_for(|| {
        last.set(ran(last.get()));
        Ok(processor_time(pid).is_none().then(|| since.elapsed()))
    })?;
    Ok(End { gone_after, still_used: last.get().saturating_sub(before) })
}

/// The processor time that a process has used, to the nanosecond (proc(5), `schedstat`).
fn run_time(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    Some(Duration::from_nanos(stat.split(' ').next()?.parse().ok()?))
}

/// Asks ten thousand times a second, for ten minutes at most.
fn wait_for<T>(ask: impl Fn() -> Outcome<Option<T>>) -> Outcome<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if start.elapsed() > Duration::from_mins(10) {
            return Err("waited in vain".into());
        }
        sleep(Duration::from_micros(100));
    }
}
