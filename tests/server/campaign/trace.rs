//! System calls of some threads of a running server, seen and made to fail: `strace` attached to them for a while.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::{Server, send_signal};

/// A trace under way; dropping it lets the threads go.
pub struct Trace {
    strace: Child,
    output: TempDir,
}

/// Which calls of a thread fail: the `nth` of `calls` that concerns `path` (of all, without one).
#[derive(Clone, Copy, Debug)]
pub struct Injection<'i> {
    pub calls: &'i str,
    pub error: &'i str,
    pub nth: usize,
    pub path: Option<&'i Path>,
}

impl Trace {
    /// Attaches to the server's threads of that name; they go on once all are traced.
    ///
    /// # Errors
    /// The reason why they cannot be traced here.
    pub fn attach(server: &Server, threads: &str, injection: Injection<'_>) -> Result<Self, String> {
        let Injection { calls, error, nth, path } = injection;
        let output = TempDir::new().map_err(|error| error.to_string())?;
        let threads = threads_called(server.pid(), threads);
        let mut command = Command::new("strace");
        command.args(["-y", "-s", "0", "--output-separately", "-o"]).arg(output.path().join("calls"));
        command.args(["-e", "trace=fsync,fdatasync,write,pwrite64,close,unlink,unlinkat,renameat2"]);
        command.arg("-e").arg(format!("inject={calls}:error={error}:when={nth}"));
        command.args(path.into_iter().flat_map(|path| ["-P".as_ref(), path.as_os_str()]));
        command.args(threads.iter().flat_map(|thread| ["-p", thread]));
        let mut strace = command.stderr(Stdio::piped()).spawn().map_err(|error| format!("strace cannot be run: {error}"))?;
        let mut lines = BufReader::new(strace.stderr.take().expect("stderr is piped")).lines().map_while(Result::ok);
        let mut said = Vec::new();
        while said.iter().filter(|line: &&String| line.ends_with("attached")).count() < threads.len() {
            let Some(line) = lines.next() else {
                let _ = strace.wait();
                return Err(format!("the server cannot be traced: {said:?}"));
            };
            said.push(line);
        }
        // What it says later goes nowhere, but must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { strace, output })
    }

    /// The calls so far, those of one thread after those of another.
    pub fn calls(&self) -> Vec<Vec<String>> {
        let files = fs::read_dir(self.output.path()).into_iter().flatten().filter_map(Result::ok);
        files.map(|file| fs::read_to_string(file.path()).unwrap_or_default().lines().map(Into::into).collect()).collect()
    }

    /// How many calls were made to fail.
    pub fn injected(&self) -> usize {
        self.calls().iter().flatten().filter(|call| call.contains("(INJECTED)")).count()
    }

    /// Ends the trace and returns its calls, by thread.
    pub fn end(mut self) -> Vec<Vec<String>> {
        self.detach();
        self.calls()
    }

    fn detach(&mut self) {
        send_signal(self.strace.id(), Signal::TERM);
        let _ = self.strace.wait();
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if matches!(self.strace.try_wait(), Ok(None)) {
            self.detach();
        }
    }
}

fn threads_called(pid: u32, name: &str) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().filter_map(Result::ok);
    let called = |thread: &fs::DirEntry| fs::read_to_string(thread.path().join("comm")).is_ok_and(|found| found.trim() == name);
    tasks.filter(called).map(|thread| thread.file_name().to_string_lossy().into_owned()).collect()
}

/// The call's name, and the path of the first file it names.
pub fn call_and_path(line: &str) -> Option<(&str, &str)> {
    let (call, rest) = line.split_once('(')?;
    let path =
        if let Some(quoted) = rest.strip_prefix('"') { quoted.split('"').next()? } else { rest.split_once('<')?.1.split('>').next()? };
    Some((call, path))
}
