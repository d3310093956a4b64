//! The loop of a contender of `make bench-imaging`: one line of JSON in, one line of JSON out. The input is read before the
//! clock starts and the results are written after it stops, so that only the work in memory is timed.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::time::Instant;
use std::{fs, mem};

use serde::Deserialize;
use serde_json::{Value, json};

/// What every program here may fail with.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// One job, as bench/harness/jobs.py tells it.
#[derive(Debug, Deserialize)]
pub struct Request {
    /// What to make of the input; more than one for several variants at once.
    pub outputs: Vec<Output>,
    /// The file to read.
    pub input: String,
    /// Where the results go, one path per output.
    pub paths: Vec<String>,
    /// How often to do it; the answer is the mean.
    pub times: u32,
}

/// One result.
#[derive(Debug, Deserialize)]
pub struct Output {
    /// `jpeg`, `webp`, `avif` or `png`.
    pub format: String,
    /// The encoder's own scale; 0 for a lossless format.
    pub quality: u8,
    /// The box the image is resized to, if it is.
    pub size: Option<(u32, u32)>,
    /// Fill the box and crop what sticks out, instead of fitting inside.
    #[serde(default)]
    pub cover: bool,
    /// Exchange red and blue.
    #[serde(default)]
    pub swap: bool,
    /// Keep every frame.
    #[serde(default)]
    pub animated: bool,
}

/// Why there is no result.
pub enum Refusal {
    /// This contender cannot do such a job.
    Unsupported(&'static str),
    /// It failed.
    Failed(Box<dyn Error + Send + Sync>),
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Tells `version`, then answers requests until standard input ends. `work` makes the file of one output.
///
/// # Errors
/// When a line cannot be read or written.
pub fn serve(version: &str, mut work: impl FnMut(&[u8], &Output) -> Result<Vec<u8>, Refusal>) -> Outcome<()> {
    say(&json!({ "version": version }))?;
    for line in io::stdin().lock().lines() {
        let answer = match answer(&serde_json::from_str(&line?)?, &mut work) {
            Ok(figures) => figures,
            Err(Refusal::Unsupported(why)) => json!({ "unsupported": why }),
            Err(Refusal::Failed(error)) => json!({ "error": error.to_string() }),
        };
        say(&answer)?;
    }
    Ok(())
}

fn answer(request: &Request, work: &mut impl FnMut(&[u8], &Output) -> Result<Vec<u8>, Refusal>) -> Result<Value, Refusal> {
    let input = fs::read(&request.input)?;
    let (cpu, wall) = (cpu_ms(), Instant::now());
    let mut results = Vec::new();
    for _ in 0..request.times {
        results = request.outputs.iter().map(|output| work(&input, output)).collect::<Result<Vec<_>, _>>()?;
    }
    let times = f64::from(request.times);
    let (cpu, wall) = ((cpu_ms() - cpu) / times, wall.elapsed().as_secs_f64() * 1e3 / times);
    for (path, result) in request.paths.iter().zip(&results) {
        fs::write(path, result)?;
    }
    Ok(json!({ "cpu_ms": cpu, "wall_ms": wall, "bytes": results.iter().map(Vec::len).sum::<usize>() }))
}

fn say(line: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Processor time of this process, user and system, in milliseconds.
fn cpu_ms() -> f64 {
    // SAFETY: all-zero bytes are a valid `rusage`, and the call writes nothing but the one it is handed.
    let usage = unsafe {
        let mut usage: libc::rusage = mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let ms = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
    ms(usage.ru_utime) + ms(usage.ru_stime)
}
