//! The command line: one file per subcommand. Each one ends in an exit code: 0 for success, 1 for failure, 2 for a
//! command line or a configuration that cannot be used.

mod backup;
mod check;
mod explain;
mod health;
mod keys;
mod logging;
mod place;
mod serve;
mod sources;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The exit code for a command line (clap's own choice) or a configuration that cannot be used.
const UNUSABLE: u8 = 2;

#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
struct CommandLine {
    /// Without a command, the server starts with the configuration it finds.
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server.
    Serve(serve::Arguments),
    /// Check the configuration, or print the default one.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Tell what a pipeline would do to an image, with everything that is wrong with it, as JSON.
    Explain(explain::Arguments),
    /// Make, list, rotate and revoke API keys.
    #[command(subcommand)]
    Keys(keys::Arguments),
    /// Copy everything that a server keeps, also while it runs.
    Backup(backup::Create),
    /// Make an empty data directory what a backup says.
    Restore(backup::Restore),
    /// Check that every row of a data directory or a backup finds its images as they were; the exit code says it, too.
    Verify(backup::Verify),
    /// Ask a running server whether it is ready; the exit code says it, too.
    Health(health::Arguments),
    /// Be the child process of a worker; only the server itself has a use for it.
    #[command(name = crate::app::CHILD_COMMAND, hide = true)]
    Child,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Tell everything that is wrong with the configuration that `serve` would use.
    Check(check::Arguments),
    /// Print `config.toml` with every key, its default and its documentation.
    Default,
}

/// Reads the command line of this process and does what it says.
#[must_use]
pub fn run() -> ExitCode {
    match CommandLine::parse().command {
        None => serve::run(serve::Arguments::default()),
        Some(Command::Serve(arguments)) => serve::run(arguments),
        Some(Command::Config(ConfigCommand::Check(arguments))) => check::run(arguments),
        Some(Command::Config(ConfigCommand::Default)) => print(&crate::config::config_toml()),
        Some(Command::Explain(arguments)) => explain::run(arguments),
        Some(Command::Keys(arguments)) => keys::run(arguments),
        Some(Command::Backup(arguments)) => arguments.run(),
        Some(Command::Restore(arguments)) => arguments.run(),
        Some(Command::Verify(arguments)) => arguments.run(),
        Some(Command::Health(arguments)) => health::run(arguments),
        Some(Command::Child) => crate::sandbox::child_main(),
    }
}

/// Writes to standard output; a reader that has gone away is a failure, but no panic.
fn print(text: &str) -> ExitCode {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn no_command_serves() {
        assert!(CommandLine::try_parse_from(["safelight"]).expect("no argument is needed").command.is_none());
    }
}
