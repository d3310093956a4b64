//! The clients of `make bench-service`: a line of JSON says what to do, a line of JSON tells how it went. Each client takes
//! the next image that nobody has taken, uploads it, waits until it is ready, and downloads the result; from a server that
//! answers at once it only gets the result.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use bench_tools::Outcome;
use serde::{Deserialize, Serialize};
use ureq::Agent;

/// The first pause between two questions; each is longer than the one before, up to `LONGEST`.
const PAUSE: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_millis(50);

#[derive(Deserialize)]
struct Orders {
    /// Where the server listens: `http://127.0.0.1:PORT`.
    url: String,
    /// What is done to each image; not used with `paths`.
    #[serde(default)]
    pipeline: String,
    /// What answers when an image is ready: a path that ends where its id belongs. Without it the clients ask again and again.
    #[serde(default)]
    wait: Option<String>,
    /// The images to upload, in turn.
    files: Vec<String>,
    /// For a server that answers at once: what to get instead of uploading, in turn.
    #[serde(default)]
    paths: Vec<String>,
    clients: usize,
    images: usize,
    /// No image is begun later than this.
    seconds: f64,
    /// Where the result of the first image goes.
    keep: String,
}

#[derive(Default, Serialize)]
struct Account {
    elapsed_s: f64,
    /// From the first byte of the upload to the answer.
    accept_ms: Vec<f64>,
    /// From the first byte of the upload to the last one of the result.
    complete_ms: Vec<f64>,
    failures: Vec<String>,
}

fn main() -> Outcome<()> {
    let orders: Orders = serde_json::from_reader(io::stdin().lock())?;
    let files = orders.files.iter().map(fs::read).collect::<io::Result<Vec<_>>>()?;
    let (next, account, start) = (AtomicUsize::new(0), Mutex::new(Account::default()), Instant::now());
    thread::scope(|scope| {
        for _ in 0..orders.clients {
            scope.spawn(|| client(&orders, &files, &next, &account, start));
        }
    });
    let mut account = account.into_inner()?;
    account.elapsed_s = start.elapsed().as_secs_f64();
    println!("{}", serde_json::to_string(&account)?);
    Ok(())
}

fn client(orders: &Orders, files: &[Vec<u8>], next: &AtomicUsize, account: &Mutex<Account>, start: Instant) {
    let agent = Agent::config_builder().http_status_as_error(false).build().new_agent();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= orders.images || start.elapsed().as_secs_f64() > orders.seconds {
            return;
        }
        let began = Instant::now();
        let done = match orders.paths.get(number % orders.paths.len().max(1)) {
            Some(path) => get(&agent, &format!("{}{path}", orders.url)).map(|result| (None, result)),
            None => task(&agent, orders, &files[number % files.len()], began).map(|(accept, result)| (Some(accept), result)),
        };
        let complete = began.elapsed();
        let kept = if number == 0 { done.as_ref().map_or(Ok(()), |(_, result)| fs::write(&orders.keep, result)) } else { Ok(()) };
        let mut account = account.lock().expect("no client panics with it");
        account.failures.extend(kept.err().map(|error| error.to_string()));
        match done {
            Ok((accept, _)) => {
                account.accept_ms.extend(accept.map(ms));
                account.complete_ms.push(ms(complete));
            }
            Err(error) => return account.failures.push(error.to_string()),
        }
    }
}

/// Uploads, waits, downloads; the time of the acceptance, and the result.
fn task(agent: &Agent, orders: &Orders, image: &[u8], began: Instant) -> Outcome<(Duration, Vec<u8>)> {
    let upload = agent.post(format!("{}/newImage", orders.url)).content_type("application/octet-stream");
    let mut answer = upload.query("pipeline", &orders.pipeline).send(image)?;
    let id = answer.body_mut().read_to_string()?;
    if answer.status() != 202 {
        return Err(format!("{}: {id}", answer.status()).into());
    }
    let (accept, mut pause) = (began.elapsed(), PAUSE);
    if let Some(path) = &orders.wait {
        agent.get(format!("{}{path}{id}", orders.url)).header("prefer", "wait=60").call()?.body_mut().read_to_vec()?;
    }
    loop {
        match String::from_utf8(get(agent, &format!("{}/image/isReady?id={id}", orders.url))?)?.as_str() {
            "finished" => return Ok((accept, get(agent, &format!("{}/image/get?id={id}", orders.url))?)),
            failed if failed.starts_with("failed") => return Err(failed.into()),
            _ => thread::sleep(pause),
        }
        pause = LONGEST.min(pause.mul_f64(1.3));
    }
}

fn get(agent: &Agent, url: &str) -> Outcome<Vec<u8>> {
    let mut answer = agent.get(url).call()?;
    let body = answer.body_mut().with_config().limit(1 << 30).read_to_vec()?;
    if answer.status() == 200 && !body.is_empty() { Ok(body) } else { Err(format!("{url}: {}", answer.status()).into()) }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
