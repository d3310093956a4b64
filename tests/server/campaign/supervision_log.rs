//! The supervisors' part of a server's log, read as it grows: who failed, when and why, and who was started how often.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};

use jiff::Timestamp;
use serde_json::Value;

use crate::harness::Server;

/// One failure of a supervised child.
#[derive(Debug, Clone)]
pub struct Failure {
    pub at: Timestamp,
    pub supervisor: String,
    pub child: String,
    pub reason: String,
    /// Whether it counts against the supervisor's intensity: not when the child was to stop anyway.
    pub counts: bool,
}

impl Failure {
    /// Whether it is the panic that was planted at `point`.
    pub fn is_of(&self, point: &str) -> bool {
        self.reason.contains(&format!("failpoint {point} panic"))
    }
}

/// See the module. The server must log as JSON.
pub struct SupervisionLog {
    file: BufReader<File>,
    /// The beginning of a line that is not complete yet.
    partial: String,
    pub failures: Vec<Failure>,
    /// How often each child became ready.
    pub starts: BTreeMap<String, u64>,
    /// Lines that say that a supervisor gave up.
    pub given_up: Vec<String>,
}

impl SupervisionLog {
    /// From the log's beginning on.
    pub fn of(server: &Server) -> Self {
        let file = File::open(server.data().with_file_name("log")).expect("the server's log");
        Self { file: BufReader::new(file), partial: String::new(), failures: Vec::new(), starts: BTreeMap::new(), given_up: Vec::new() }
    }

    /// Takes in what was written since the last time.
    pub fn read(&mut self) -> &mut Self {
        while self.file.read_line(&mut self.partial).is_ok_and(|bytes| bytes > 0) && self.partial.ends_with('\n') {
            let line = std::mem::take(&mut self.partial);
            // Supervisors are one voice among many.
            if line.contains("supervis") {
                self.take(&serde_json::from_str(&line).expect("a line of the log is JSON"));
            }
        }
        self
    }

    fn take(&mut self, line: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let fields = &line["fields"];
        let message = text(&line["message"]);
        match message.as_str() {
            "child is ready" => *self.starts.entry(text(&fields["child"])).or_default() += 1,
            "child failed and is restarted" | "child failed while it was being stopped" => self.failures.push(Failure {
                at: text(&line["time"]).parse().expect("a time stamp"),
                supervisor: text(&fields["supervisor"]),
                child: text(&fields["child"]),
                reason: text(&fields["reason"]),
                counts: message == "child failed and is restarted",
            }),
            "supervisor gives up" => self.given_up.push(line.to_string()),
            _ => {}
        }
    }

    /// How many failures of a supervisor's children counted since `moment`.
    pub fn counted_since(&self, supervisor: &str, moment: Timestamp) -> usize {
        self.failures.iter().filter(|failure| failure.counts && failure.supervisor == supervisor && failure.at >= moment).count()
    }

    /// When a child, or any of several, failed.
    pub fn failures_of(&self, children: &[&str]) -> Vec<Timestamp> {
        let theirs = self.failures.iter().filter(|failure| failure.counts && children.contains(&failure.child.as_str()));
        theirs.map(|failure| failure.at).collect()
    }
}
