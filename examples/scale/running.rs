//! Nodes from outside: their processes, which begin at the same moment and report at the end.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::Outcome;
use crate::node::Report;
use crate::place::Database;

/// What a node does.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    /// Jobs at the same time.
    pub(crate) workers: usize,
    /// How many milliseconds a job takes.
    pub(crate) job: u64,
    /// For how many seconds it is counted.
    pub(crate) seconds: u64,
    /// Whether somebody reads its events.
    pub(crate) watched: bool,
}

/// The process of a node; it ends with the value.
pub(crate) struct Running {
    process: Child,
    says: BufReader<ChildStdout>,
}

impl Running {
    /// One that is ready. What it logs goes to `log`.
    pub(crate) fn start(database: &Database, number: u64, load: Load, log: Stdio) -> Outcome<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["node", "--url", &database.url, "--name", &format!("node-{number}")])
            .args(["--workers", &load.workers.to_string(), "--job", &load.job.to_string(), "--seconds", &load.seconds.to_string()])
            .args(load.watched.then_some("--watched"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let says = BufReader::new(process.stdout.take().ok_or("a node that says nothing")?);
        let mut node = Self { process, says };
        if node.line()? != "ready\n" {
            return Err("a node did not come up".into());
        }
        Ok(node)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Lets it begin.
    pub(crate) fn begin(&mut self) -> Outcome<()> {
        Ok(self.process.stdin.as_mut().ok_or("a node that hears nothing")?.write_all(b"\n")?)
    }

    /// Waits for its end, and for what it has counted.
    pub(crate) fn report(&mut self) -> Outcome<Report> {
        let report = serde_json::from_str(&self.line()?)?;
        self.process.wait()?;
        Ok(report)
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.says.read_line(&mut line)?;
        Ok(line)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has reported is gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
