//! Builds everything in order and stops it in reverse; the only place that starts actors.

use std::process::ExitCode;

use crate::config::Config;

/// Runs the server until it is told to stop; the exit code says how it ended.
#[must_use]
pub fn run(config: &Config) -> ExitCode {
    log::info!(listen:% = config.server.listen; "nothing to start yet");
    ExitCode::SUCCESS
}
