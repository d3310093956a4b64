//! `safelight serve`: reads the configuration, sets up the log and hands over to the application.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::{UNUSABLE, logging, sources};
use crate::config::{Config, Flag};

/// The arguments of `serve`. The values are checked with all the others of the configuration, so that every fault is
/// told at once.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Arguments {
    /// The configuration [default: ./config.toml where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What the server does: serve clients, work on images, or all of it [key: server.role]
    #[arg(long, value_name = "all|serve|work")]
    role: Option<String>,
    /// The address and port to listen on [key: server.listen]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The directory that holds everything [key: data.dir]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// How many images are processed at the same time [key: workers.count]
    #[arg(long, value_name = "N")]
    workers: Option<String>,
    /// Listen on an address that other machines reach although there is no API key [key: server.insecure]
    #[arg(long)]
    insecure: bool,
}

impl Arguments {
    fn flags(&self) -> Vec<Flag> {
        let flag = |flag, key, value: &Option<String>| value.clone().map(|value| Flag { flag, key, value });
        let flags = [
            flag("--role", "server.role", &self.role),
            flag("--listen", "server.listen", &self.listen),
            flag("--data", "data.dir", &self.data),
            flag("--workers", "workers.count", &self.workers),
            flag("--insecure", "server.insecure", &self.insecure.then(|| "true".to_owned())),
        ];
        flags.into_iter().flatten().collect()
    }
}

pub(super) fn run(arguments: Arguments) -> ExitCode {
    let flags = arguments.flags();
    let sources = sources::sources(arguments.config, flags);
    let config = match Config::load(&sources) {
        Ok(config) => config,
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::from(UNUSABLE);
        }
    };
    logging::init(&config.log);
    log::info!(version = env!("CARGO_PKG_VERSION"), configuration = sources::describe(&sources).as_str(); "starting");
    crate::app::run(&config)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::config::{Place, Sources, schema};

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn flags(line: &[&str]) -> Vec<Flag> {
        Alone::try_parse_from([&["serve"], line].concat()).expect("a valid command line").arguments.flags()
    }

    #[test]
    fn every_flag_sets_a_key_of_the_schema() {
        let all = flags(&["--role", "all", "--listen", "127.0.0.1:0", "--data", "/d", "--workers", "2", "--insecure"]);
        assert_eq!(all.len(), 5);
        assert!(all.iter().all(|flag| schema::system_key(flag.key).is_some()));
        let config = Config::load(&Sources { flags: all, ..Sources::default() }).expect("valid values");
        assert!(config.server.insecure && flags(&[]).is_empty());
        assert_eq!((config.server.listen.port(), config.data.dir, config.workers.count), (0, PathBuf::from("/d"), 2));
    }

    #[test]
    fn a_bad_value_is_reported_by_its_flag() {
        let sources = Sources { flags: flags(&["--listen", "here", "--workers", "257"]), ..Sources::default() };
        let faults = Config::load(&sources).expect_err("both are wrong");
        let places: Vec<&Place> = faults.faults().iter().map(|fault| &fault.place).collect();
        assert_eq!(places, [&Place::Flag("--listen"), &Place::Flag("--workers")]);
    }
}
