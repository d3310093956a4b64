//! The server under load: started here on a directory of its own and ended with it, or one that runs already.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::Outcome;

/// How to reach or start the server.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The server's program [default: `safelight` of the same build]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Where the temporary data directory is made: the file system that is measured [default: the system's]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// A key of the server's configuration, such as `workers.count=2`; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

impl Options {
    /// A directory on the file system that is measured; removed when dropped.
    pub(crate) fn scratch(&self) -> Outcome<TempDir> {
        Ok(match &self.scratch {
            Some(parent) => TempDir::new_in(parent)?,
            None => TempDir::new()?,
        })
    }

    /// Starts a server with `settings`, over which those of the command line have the last word.
    pub(crate) fn start(&self, settings: &[(&str, &str)]) -> Outcome<Server> {
        let given = self.settings.iter().map(|setting| setting.split_once('=').ok_or_else(|| format!("{setting}: expected KEY=VALUE")));
        let given = given.collect::<Result<Vec<_>, _>>()?;
        let program = self.program.clone().map_or_else(sibling, Ok)?;
        let directory = self.scratch()?;
        let log = File::create(directory.path().join("log"))?;
        let mut process = Command::new(&program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(directory.path().join("data"))
            .current_dir(directory.path())
            .envs(settings.iter().chain(&given).map(|(key, value)| (variable(key), *value)))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{}: {error}; build it with `cargo build --release`", program.display()))?;
        let first = process.stdout.take().and_then(|stdout| BufReader::new(stdout).lines().next()).transpose()?;
        let url = first.as_deref().and_then(|line| line.strip_prefix("safelight listens on ")).map(str::to_owned);
        let mut server = Server { process, url: String::new(), directory };
        server.url = url.ok_or_else(|| format!("the server did not start:\n{}", server.log()))?;
        Ok(server)
    }
}

/// The environment variable of a key.
fn variable(key: &str) -> String {
    format!("SAFELIGHT__{}", key.replace('.', "__").to_uppercase())
}

/// `safelight` beside the directory of the examples, where this program lies.
fn sibling() -> Outcome<PathBuf> {
    let example = std::env::current_exe()?;
    let build = example.parent().and_then(Path::parent).ok_or("this program lies in no build directory; name the server with --program")?;
    Ok(build.join("safelight"))
}

/// A server that was started here. Dropping it ends the server and removes its data.
pub(crate) struct Server {
    process: Child,
    url: String,
    directory: TempDir,
}

impl Server {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Tells the server to stop.
    pub(crate) fn terminate(&self) {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        // One that has ended by itself is as good.
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
    }

    /// Waits until the server has ended by itself.
    pub(crate) fn wait(mut self) -> Outcome<()> {
        self.process.wait()?;
        Ok(())
    }

    /// The file of its database.
    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("data").join(safelight::stores::sqlite::FILE_NAME)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that does not end in order has its drain's deadline.
        self.terminate();
        let _ = self.process.wait();
    }
}

/// What a process holds in memory, in bytes; its children do not count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Resident now (`VmRSS`).
    pub(crate) resident: u64,
    /// The most that was ever resident (`VmHWM`).
    pub(crate) peak: u64,
}

impl Memory {
    pub(crate) fn of(pid: u32) -> Outcome<Self> {
        let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("process {pid} tells no {name}"))?;
            Outcome::Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
        };
        Ok(Self { resident: field("VmRSS:")?, peak: field("VmHWM:")? })
    }
}
