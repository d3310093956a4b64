//! What idle streams of events and waiting requests cost, and how soon a stop ends them.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Outcome;
use crate::client::Client;
use crate::photos;
use crate::server::{Memory, Options, Server};

/// How many.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Streams of `GET /v1/events`
    #[arg(long, default_value_t = 1000)]
    streams: usize,
    /// Requests that wait for a task which does not end
    #[arg(long, default_value_t = 1000)]
    waiters: usize,
    /// For how many seconds their processor time is measured
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    #[command(flatten)]
    server: Options,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let Arguments { streams, waiters, seconds, .. } = *arguments;
    raise_limit()?;
    let server = arguments.server.start(&[("workers.count", "0"), ("watch.longest_wait", "1h")])?;
    let task = Client::new(server.url()).upload(&photos::small(20_000), None)?;
    let before = Memory::of(server.pid())?;
    let mut open = Vec::new();
    for number in 0..streams + waiters {
        let (path, more) =
            if number < streams { ("/v1/events".to_owned(), "") } else { (format!("/v1/tasks/{task}"), "prefer: wait=3600\r\n") };
        open.push(ask(&server, &path, more)?);
    }
    // Each stream has begun, and the server has taken whatever came before this.
    for stream in &mut open[..streams] {
        let _ = stream.read(&mut [0; 512])?;
    }
    Client::new(server.url()).livez()?;
    let after = Memory::of(server.pid())?;
    let start = processor_time(server.pid())?;
    sleep(Duration::from_secs(seconds));
    let busy = (processor_time(server.pid())? - start).as_secs_f64() / seconds as f64 * 100.0;
    println!("{streams} streams and {waiters} waiting requests: {after}, before them {before}; {busy:.2} % of a core");

    let told = Instant::now();
    server.terminate();
    for stream in &mut open {
        read_to_end(stream)?;
    }
    let answered = told.elapsed();
    server.wait()?;
    let ended = told.elapsed();
    println!(
        "| server memory with {streams} idle streams and {waiters} waiting requests | under 60 MB | **{:.1} MB** ({:.1} MB before them; {busy:.2} % of a core over {seconds} s) | `load idle` |",
        after.resident as f64 / 1e6,
        before.resident as f64 / 1e6,
    );
    println!(
        "| until a stop has ended them all | under 1 s | **{:.3} s** (until the process has ended {:.3} s) | `load idle` |",
        answered.as_secs_f64(),
        ended.as_secs_f64(),
    );
    Ok(())
}

/// The connections are files of both processes; the server inherits the limit.
fn raise_limit() -> Outcome<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}

fn ask(server: &Server, path: &str, more: &str) -> Outcome<TcpStream> {
    let address = server.url().strip_prefix("http://").ok_or("the server's URL begins with http://")?;
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: load\r\nconnection: close\r\n{more}\r\n").as_bytes())?;
    Ok(stream)
}

/// Until the server hangs up, whatever way.
fn read_to_end(stream: &mut TcpStream) -> Outcome<()> {
    match stream.read_to_end(&mut Vec::new()) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => Err(error.into()),
        _ => Ok(()),
    }
}

/// The unit of times in /proc (`USER_HZ`): the same on every processor that this program runs on.
const TICKS_PER_SECOND: u64 = 100;

/// What a process has used of the processors, in its own code and in the system's.
fn processor_time(pid: u32) -> Outcome<Duration> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"))?;
    let fields: Vec<&str> = stat.rsplit_once(") ").ok_or("a process without a name")?.1.split(' ').collect();
    let ticks: u64 = fields.get(11..13).ok_or("a process without times")?.iter().map(|ticks| ticks.parse::<u64>()).sum::<Result<_, _>>()?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}
