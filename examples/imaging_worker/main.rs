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
    pipeline: String,
    input: String,
    paths: Vec<String>,
    times: u32,
}

fn main() -> Outcome<()> {
    say(&json!({ "version": concat!("safelight ", env!("CARGO_PKG_VERSION")) }))?;
    for line in io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let answer = match request.pipeline.parse() {
            Err(fault) => json!({ "unsupported": format!("{fault}") }),
            Ok(pipeline) => work(&request, &pipeline).unwrap_or_else(|error| json!({ "error": error.to_string() })),
        };
        say(&answer)?;
    }
    Ok(())
}

fn work(request: &Request, pipeline: &Pipeline) -> Outcome<Value> {
    let original = fs::read(&request.input)?;
    let mut result = Vec::new();
    let (cpu, wall) = (processor_time(), Instant::now());
    for _ in 0..request.times {
        let mut made = Cursor::new(Vec::new());
        imaging::run(&original, pipeline, &Assets::default(), &Default::default(), &mut made)?;
        result = made.into_inner();
    }
    let ms = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(request.times);
    let (cpu, wall) = (ms(processor_time() - cpu), ms(wall.elapsed()));
    let path = request.paths.first().ok_or("no path for the result")?;
    fs::write(path, &result)?;
    Ok(json!({ "cpu_ms": cpu, "wall_ms": wall, "bytes": result.len() }))
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
