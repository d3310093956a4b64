//! Safelight's imaging as a contender of `make bench-imaging`: a live process that answers one line of JSON with one line
//! of JSON. The original is read before the clock starts and the result written after it stops.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead, Cursor, Write};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use safelight::domain::pipeline::Pipeline;
use safelight::imaging::{self, Assets};
use serde::Deserialize;
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// One job, as bench/harness/jobs.py tells it.
#[derive(Deserialize)]
struct Request {
    /// One for each result.
    pipelines: Vec<String>,
    input: String,
    paths: Vec<String>,
    times: u32,
}

fn main() -> Outcome<()> {
    // As a child of the server does.
    safelight::sandbox::keep_freed_memory();
    let avif = if cfg!(feature = "libaom") { ", libaom" } else { "" };
    say(&json!({ "version": format!("safelight {}{avif}", env!("CARGO_PKG_VERSION")) }))?;
    for line in io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let answer = match request.pipelines.iter().map(|text| text.parse()).collect::<Result<Vec<Pipeline>, _>>() {
            Err(fault) => json!({ "unsupported": format!("{fault}") }),
            Ok(pipelines) => work(&request, &pipelines).unwrap_or_else(|error| json!({ "error": error.to_string() })),
        };
        say(&answer)?;
    }
    Ok(())
}

fn work(request: &Request, pipelines: &[Pipeline]) -> Outcome<Value> {
    let original = fs::read(&request.input)?;
    let pipelines: Vec<&Pipeline> = pipelines.iter().collect();
    let mut results = Vec::new();
    let (cpu, wall) = (processor_time(), Instant::now());
    for _ in 0..request.times {
        results = vec![Cursor::new(Vec::new()); pipelines.len()];
        let mut failed = None;
        imaging::run_all(&original, &pipelines, &Assets::default(), &Default::default(), results.iter_mut().collect(), &mut |_, made| {
            failed = failed.take().or(made.err());
        })?;
        failed.map_or(Ok(()), Err)?;
    }
    let ms = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(request.times);
    let (cpu, wall) = (ms(processor_time() - cpu), ms(wall.elapsed()));
    for (path, result) in request.paths.iter().zip(&results) {
        fs::write(path, result.get_ref())?;
    }
    let bytes: usize = results.iter().map(|result| result.get_ref().len()).sum();
    Ok(json!({ "cpu_ms": cpu, "wall_ms": wall, "bytes": bytes }))
}

/// User and system time of this process.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn say(line: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
