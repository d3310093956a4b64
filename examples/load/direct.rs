//! The yardstick of the whole path: `imaging` called directly, in as many processes as there are cores. Processes, not
//! threads: threads of one process wait for each other whenever they map and unmap the memory of an image.

use std::io::{BufRead, BufReader, Cursor, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use safelight::domain::pipeline::Pipeline;

use crate::{Outcome, photos};

/// The same work without a server.
pub(crate) fn process(original: &[u8], pipeline: &Pipeline) -> Outcome<Vec<u8>> {
    let mut made = Cursor::new(Vec::new());
    safelight::imaging::run(original, pipeline, &Default::default(), &Default::default(), &mut made)?;
    Ok(made.into_inner())
}

/// The hidden command.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    files: Vec<PathBuf>,
}

/// Processes the image of each number that comes in, and says so.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let originals = photos::load(&arguments.files)?;
    let pipeline: Pipeline = "swap_channels".parse()?;
    println!("{READY}");
    for number in std::io::stdin().lines() {
        let number: usize = number?.parse()?;
        println!("{}", process(&originals[number % originals.len()], &pipeline)?.len());
    }
    Ok(())
}

/// What a process says once it has read its images.
const READY: &str = "ready";

/// Processes that wait for numbers.
pub(crate) struct Processes(Vec<Process>);

struct Process {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Processes {
    /// Starts `count` of them; each has the images in memory when this returns.
    pub(crate) fn start(count: usize, files: &[PathBuf]) -> Outcome<Self> {
        (0..count).map(|_| Process::start(files)).collect::<Outcome<_>>().map(Self)
    }

    /// Images per second: `images` in all, each by the next process that is free.
    pub(crate) fn rate(&mut self, images: usize) -> Outcome<f64> {
        let (next, start) = (AtomicUsize::new(0), Instant::now());
        thread::scope(|scope| {
            let next = &next;
            let running: Vec<_> = self.0.iter_mut().map(|process| scope.spawn(move || process.work(next, images))).collect();
            running.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })?;
        Ok(images as f64 / start.elapsed().as_secs_f64())
    }
}

impl Process {
    fn start(files: &[PathBuf]) -> Outcome<Self> {
        let program = std::env::current_exe()?;
        let mut child = Command::new(program).arg("direct").args(files).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (orders, answers) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        let mut process = Self { child, orders, answers: answers.ok_or("its output is no pipe")? };
        while process.answer()? != READY {}
        Ok(process)
    }

    fn work(&mut self, next: &AtomicUsize, images: usize) -> Outcome<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= images {
                return Ok(());
            }
            writeln!(self.orders.as_mut().ok_or("its input is closed")?, "{number}")?;
            self.answer()?;
        }
    }

    fn answer(&mut self) -> Outcome<String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line)? {
            0 => Err("a process of the yardstick has ended".into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its input ends, and so does it.
        self.orders = None;
        let _ = self.child.wait();
    }
}
