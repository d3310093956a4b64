//! One process of a server, and signals to processes.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal};

use crate::fleet;
use crate::harness::{Options, eventually};

/// One process of a server.
pub(crate) struct Node {
    process: Child,
    /// Where it listens, as a URL.
    pub(crate) url: String,
}

impl Node {
    /// Starts the node of that number over a directory.
    pub(crate) fn start(number: usize, options: &Options, directory: &Path) -> Self {
        let log = File::options().create(true).append(true).open(directory.join("log")).expect("a log file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
        command.args(["serve", "--data"]).arg(directory.join(fleet::directory(number)));
        command.envs(options.environment.iter().map(|(name, value)| (name, value)));
        if number > 1 {
            command.env("SAFELIGHT__SERVER__ROLE", "serve");
        }
        let mut process = command.current_dir(directory).stdout(Stdio::piped()).stderr(log).spawn().expect("the server's binary starts");
        let stdout = process.stdout.take().expect("stdout is piped");
        let first = BufReader::new(stdout).lines().next().and_then(Result::ok);
        let url = first.as_deref().and_then(|line| line.strip_prefix("safelight listens on ")).map(str::to_owned);
        let url = url.unwrap_or_else(|| panic!("the server did not come up: {}", read(&directory.join("log"))));
        Self { process, url }
    }

    /// Ends it as `kill -9` does, unless it has ended.
    pub(crate) fn kill(&mut self) {
        self.process.kill().and_then(|()| self.process.wait()).expect("the server can be killed");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it has ended by itself and returns its exit code.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        eventually("the end of the server", || self.ended()).code()
    }

    /// How it has ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("the server can be waited for")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a signal to a process of the test's own server.
pub fn send_signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    // A process that has just ended by itself is as good.
    let _ = rustix::process::kill_process(pid, signal);
}

/// What a file says; nothing where there is none.
pub(crate) fn read(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
