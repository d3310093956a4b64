//! What is logged, and in which form. The logger itself is set up by the command line.

use log::LevelFilter;

use crate::config::kind::Choice;
use crate::config::schema::section;

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

const LEVELS: Choice<LevelFilter> = Choice(&[
    ("off", LevelFilter::Off),
    ("error", LevelFilter::Error),
    ("warn", LevelFilter::Warn),
    ("info", LevelFilter::Info),
    ("debug", LevelFilter::Debug),
    ("trace", LevelFilter::Trace),
]);

const FORMATS: Choice<LogFormat> = Choice(&[("text", LogFormat::Text), ("json", LogFormat::Json)]);

section! {
    /// Logging, to standard error.
    pub struct LogConfig = "log" {
        /// The least important lines that are logged. The environment variable `RUST_LOG`, which can name single
        /// modules, takes its place when it is set.
        level: LevelFilter = fixed(LEVELS, "info"),
        /// `text` for people, `json` for programs: one object a line.
        format: LogFormat = fixed(FORMATS, "text"),
    }
}
