//! More than the server can do: uploads at a multiple of the rate that it finishes at. What is accepted is finished, what is not is told
//! when to come again, and health answers as if nothing were going on.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::bare::Bare;
use crate::burst;
use crate::client::{Answer, Client};
use crate::figures::Sorted;
use crate::photos;
use crate::server::{Memory, Options, Server};

/// How much is too much.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long, in seconds
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// How many times what the server can do
    #[arg(long, default_value_t = 3.0)]
    times: f64,
    /// Clients that upload at the same time, at most
    #[arg(long, default_value_t = 64)]
    clients: usize,
    #[command(flatten)]
    server: Options,
}

/// What is made of each image.
const PIPELINE: &str = "swap_channels/resize:400x/jpeg:q=80";

/// One megapixel.
const SIZE: (u32, u32) = (1200, 900);

/// How often health is asked.
const BEAT: Duration = Duration::from_millis(20);

/// Images that tell what the server can do.
const TRIAL: usize = 200;

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let image = photos::picture(SIZE)?;
    let server = arguments.server.start(&[("tasks.queue_limit", "500")])?;
    let bare = Bare::start()?;
    let capacity = capacity(&server, &image)?;
    let rate = capacity * arguments.times;
    println!("the server finishes {capacity:.1} images/s; for {} s it is sent {rate:.1}/s", arguments.seconds);
    let over = AtomicBool::new(false);
    let (uploads, livez, empty) = thread::scope(|scope| {
        let livez = scope.spawn(|| beats(&Client::new(server.url()), "/livez", &over));
        let empty = scope.spawn(|| beats(&Client::new(&bare.url), "/", &over));
        let uploads = uploads(&server, &image, arguments, rate);
        over.store(true, Ordering::Relaxed);
        Outcome::Ok((uploads?, joined(livez)?, joined(empty)?))
    })?;
    finish(&server, &uploads)?;
    report(arguments, &uploads, [&livez, &empty], Memory::of(server.pid())?);
    Ok(())
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, Outcome<T>>) -> Outcome<T> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Images per second, from the first byte of the first upload to the end of the last task.
fn capacity(server: &Server, image: &[u8]) -> Outcome<f64> {
    let start = Instant::now();
    let burst = burst::upload(server.url(), 4, TRIAL, Some(PIPELINE), |_| image).all_accepted()?;
    let client = Client::new(server.url());
    burst.accepted.iter().try_for_each(|accepted| client.wait(&accepted.id).map(drop))?;
    Ok(TRIAL as f64 / start.elapsed().as_secs_f64())
}

/// What became of all uploads.
#[derive(Default)]
struct Uploads {
    accepted: Vec<String>,
    accepts: Vec<Duration>,
    refused: usize,
    /// Refusals that did not say when to come again.
    without_advice: usize,
    /// Neither accepted nor refused.
    broken: Vec<String>,
}

/// Sends at the rate, whatever the answers are: the moment of each upload is fixed beforehand. Only where all clients wait is one late.
fn uploads(server: &Server, image: &[u8], arguments: &Arguments, rate: f64) -> Outcome<Uploads> {
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Uploads::default()));
    let start = Instant::now();
    let one = || {
        let (client, mut own) = (Client::new(server.url()), Uploads::default());
        loop {
            let due = Duration::from_secs_f64(next.fetch_add(1, Ordering::Relaxed) as f64 / rate);
            if due.as_secs() >= arguments.seconds {
                break;
            }
            thread::sleep(due.saturating_sub(start.elapsed()));
            let began = Instant::now();
            match client.try_upload(image, PIPELINE) {
                Ok(Answer::Accepted(id)) => {
                    own.accepts.push(began.elapsed());
                    own.accepted.push(id);
                }
                Ok(Answer::Refused { come_again }) => {
                    own.refused += 1;
                    own.without_advice += usize::from(!come_again);
                }
                Err(error) => own.broken.push(error.to_string()),
            }
        }
        all.lock().map(|mut all| all.add(own)).map_err(|_| "a client panicked")
    };
    thread::scope(|scope| {
        for _ in 0..arguments.clients {
            scope.spawn(one);
        }
    });
    Ok(all.into_inner()?)
}

impl Uploads {
    fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.accepts.extend(other.accepts);
        self.refused += other.refused;
        self.without_advice += other.without_advice;
        self.broken.extend(other.broken);
    }
}

/// Asks again and again until it is over.
fn beats(client: &Client, path: &str, over: &AtomicBool) -> Outcome<Vec<Duration>> {
    let mut times = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        client.get(path)?;
        times.push(began.elapsed());
        thread::sleep(BEAT);
    }
    Ok(times)
}

/// Waits for every task that was accepted.
fn finish(server: &Server, uploads: &Uploads) -> Outcome<()> {
    let client = Client::new(server.url());
    for id in &uploads.accepted {
        let state = client.wait(id)?;
        if state != "finished" {
            return Err(format!("task {id} was accepted and is {state}").into());
        }
    }
    Ok(())
}

fn report(arguments: &Arguments, uploads: &Uploads, beats: [&Vec<Duration>; 2], memory: Memory) {
    let accepts = Sorted::of_times(uploads.accepts.iter().copied());
    let [livez, empty] = beats.map(|times| Sorted::of_times(times.iter().copied()));
    let Uploads { accepted, refused, without_advice, broken, .. } = uploads;
    println!("accepted {}, all of them finished; refused {refused}, {without_advice} of them without Retry-After", accepted.len());
    println!(
        "neither accepted nor refused: {}{}",
        broken.len(),
        broken.first().map_or_else(String::new, |first| format!(", first {first}"))
    );
    println!("server: {memory}");
    println!(
        "| accept at {:.0} times the capacity for {} s, p99 | under 250 ms | **{:.1} ms** (p50 {:.1} ms; {} accepted and finished, {refused} refused) | `load overload` |",
        arguments.times,
        arguments.seconds,
        accepts.percentile(99.0),
        accepts.median(),
        accepted.len(),
    );
    println!(
        "| `GET /livez` meanwhile, p99 | under 50 ms | **{:.1} ms** (an empty handler of this program: {:.1} ms) | `load overload` |",
        livez.percentile(99.0),
        empty.percentile(99.0),
    );
    println!("| the server's memory meanwhile | bounded | **{:.1} MB** at its peak | `load overload` |", memory.peak as f64 / 1e6);
}
