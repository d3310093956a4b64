//! `safelight backup`, `restore` and `verify`: copies of everything that a server keeps. Whatever is wrong with a row goes to standard
//! error, a line each; what it came to goes to standard output.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::app::{BackupCommand, BackupReport, run_backup_command};
use crate::cli::place::Place;
use crate::cli::{UNUSABLE, print};

/// The arguments of `backup`.
#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// Where the backup goes: a directory that is empty or not there yet
    backup: PathBuf,
    #[command(flatten)]
    place: Place,
}

/// The arguments of `restore`.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// The backup
    backup: PathBuf,
    #[command(flatten)]
    place: Place,
}

/// The arguments of `verify`.
#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// A data directory or a backup [default: the configured data.dir]
    directory: Option<String>,
    /// The configuration [default: ./config.toml where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Create {
    pub(super) fn run(self) -> ExitCode {
        run(self.place, &BackupCommand::Create(self.backup))
    }
}

impl Restore {
    pub(super) fn run(self) -> ExitCode {
        run(self.place, &BackupCommand::Restore(self.backup))
    }
}

impl Verify {
    pub(super) fn run(self) -> ExitCode {
        run(Place { config: self.config, data: self.directory }, &BackupCommand::Verify)
    }
}

fn run(place: Place, command: &BackupCommand) -> ExitCode {
    let config = match place.load() {
        Ok(config) => config,
        Err(unusable) => return unusable,
    };
    match run_backup_command(&config.data, command, &mut |problem| eprintln!("{problem}")) {
        Ok(report) => tell(&report),
        Err(error) => {
            eprintln!("safelight: {error}");
            if error.is_misuse() { ExitCode::from(UNUSABLE) } else { ExitCode::FAILURE }
        }
    }
}

/// Says what it came to; rows that do not resolve are a failure.
fn tell(BackupReport { rows, blobs, bytes, problems }: &BackupReport) -> ExitCode {
    let printed = print(&format!("{rows} rows, {blobs} blobs, {bytes} bytes, {problems} problems\n"));
    if *problems == 0 { printed } else { ExitCode::FAILURE }
}
