//! How a server is started: keys of the configuration, given as an operator would in the environment.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::harness::{Place, Server};

/// How a server is started.
pub struct Options {
    pub(crate) environment: Vec<(String, String)>,
}

impl Options {
    /// Two workers, a short backoff, and else the defaults.
    pub fn new() -> Self {
        Self::two_workers().set("tasks.backoff_min", "10ms").set("tasks.backoff_max", "50ms")
    }

    /// Nothing that differs from the defaults.
    pub(crate) fn empty() -> Self {
        Self { environment: Vec::new() }
    }

    /// Two workers, and else the defaults.
    pub fn two_workers() -> Self {
        // How full the disk is on which tests run is none of their business.
        let options = Self::empty().set("data.min_free", 0);
        options.set("server.listen", "127.0.0.1:0").set("workers.count", 2)
    }

    /// Sets a key of the configuration.
    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts are given as they are")]
    pub fn set(mut self, key: &str, value: impl ToString) -> Self {
        self.environment.push((variable(key), value.to_string()));
        self
    }

    /// Whether a key of the configuration was set.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// What it was set to.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let found = self.environment.iter().rfind(|(name, _)| *name == variable(key));
        found.map(|(_, value)| value.as_str())
    }

    /// Chooses the lines of the log, in the form of `RUST_LOG`.
    pub fn logging(mut self, filters: &str) -> Self {
        self.environment.push(("RUST_LOG".to_owned(), filters.to_owned()));
        self
    }

    /// Lets what the server asks over HTTP go through a proxy.
    pub fn through(mut self, proxy: &str) -> Self {
        self.environment.push(("HTTP_PROXY".to_owned(), proxy.to_owned()));
        self
    }

    /// Lets the server's clock be wrong by what a file says at any time, in the form of `faketime`; how time passes stays as it is.
    ///
    /// # Panics
    /// If it is not installed ([`faketime`]).
    pub fn clock(mut self, file: &Path) -> Self {
        let library = faketime().expect("faketime is installed");
        let files =
            [("LD_PRELOAD", library.as_path()), ("FAKETIME_TIMESTAMP_FILE", file)].map(|(name, path)| (name, path.display().to_string()));
        let switches = ["FAKETIME_NO_CACHE", "FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC"].map(|name| (name, "1".to_owned()));
        self.environment.extend(files.into_iter().chain(switches).map(|(name, value)| (name.to_owned(), value)));
        self
    }

    /// Starts a server on a new directory.
    pub fn start(self) -> Server {
        Server::start(self, Place::Own(TempDir::new().expect("a temporary directory")))
    }

    /// Starts a server on a directory that outlives it; its log is put there, too.
    pub fn start_in(self, directory: &Path) -> Server {
        Server::start(self, Place::Given(directory.to_owned()))
    }
}

/// The library that shifts a process's clock, if it is there.
pub fn faketime() -> Result<PathBuf, String> {
    let places = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|place| place.path().join("faketime/libfaketime.so.1"));
    places.into_iter().find(|library| library.exists()).ok_or_else(|| "faketime is not installed (scripts/install-test-servers)".to_owned())
}

/// The variable of the environment that sets a key.
fn variable(key: &str) -> String {
    format!("SAFELIGHT__{}", key.replace('.', "__").to_uppercase())
}
