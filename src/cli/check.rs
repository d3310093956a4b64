//! `safelight config check`: everything that is wrong with a configuration, before it is used.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::{UNUSABLE, print, sources};
use crate::config::Config;

/// The arguments of `config check`.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Arguments {
    /// The configuration [default: ./config.toml where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments) -> ExitCode {
    let sources = sources::sources(arguments.config, Vec::new());
    match Config::load(&sources) {
        Ok(_) => print(&format!("the configuration is valid: {}\n", sources::describe(&sources))),
        Err(faults) => {
            eprintln!("{faults}");
            ExitCode::from(UNUSABLE)
        }
    }
}
