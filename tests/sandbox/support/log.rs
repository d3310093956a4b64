//! A logger that keeps what was logged, for tests that wait for a line or weigh them all.

use std::fmt::Write;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use log::kv::{Error, Key, Value, VisitSource};
use log::{LevelFilter, Log, Metadata, Record};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static NEWS: Condvar = Condvar::new();

struct Keep;

/// The fields behind the message, as `key=value`.
struct Fields<'l>(&'l mut String);

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        Ok(write!(self.0, " {key}={value}")?)
    }
}

impl Log for Keep {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let mut line = record.args().to_string();
        record.key_values().visit(&mut Fields(&mut line)).unwrap();
        LINES.lock().unwrap().push(line);
        NEWS.notify_all();
    }

    fn flush(&self) {}
}

/// From now on everything that is logged in this process is kept.
pub(crate) fn capture() {
    log::set_logger(&Keep).unwrap();
    log::set_max_level(LevelFilter::Info);
}

/// Everything that was logged about the process `pid`.
pub(crate) fn about(pid: u32) -> Vec<String> {
    let needle = format!(" pid={pid}");
    LINES.lock().unwrap().iter().filter(|line| line.contains(&needle)).cloned().collect()
}

/// Waits for a line that holds all of `needles`.
pub(crate) fn wait_for(needles: &[&str]) -> String {
    let found = |lines: &Vec<String>| lines.iter().find(|line| needles.iter().all(|needle| line.contains(needle))).cloned();
    let lines = LINES.lock().unwrap();
    let (lines, _) = NEWS.wait_timeout_while(lines, Duration::from_secs(10), |lines| found(lines).is_none()).unwrap();
    found(&lines).unwrap_or_else(|| panic!("never logged: {needles:?}"))
}
