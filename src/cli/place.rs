//! Where the data of a server is, as commands for its operator are told.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::{UNUSABLE, sources};
use crate::config::{Config, Flag};

/// Where the data is.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Place {
    /// The configuration [default: ./config.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The directory that holds everything [key: data.dir]
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<String>,
}

impl Place {
    /// The configuration that holds there; what is wrong with it is told on standard error.
    pub(super) fn load(self) -> Result<Config, ExitCode> {
        let flags = self.data.map(|value| Flag { flag: "--data", key: "data.dir", value }).into_iter().collect();
        Config::load(&sources::sources(self.config, flags)).map_err(|faults| {
            eprintln!("{faults}");
            ExitCode::from(UNUSABLE)
        })
    }
}
