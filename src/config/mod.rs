//! Every setting: its default, its sources and its validation as a whole.
//!
//! Values come from the defaults, then a TOML file, then the environment (`SAFELIGHT__SECTION__KEY`), then flags; the
//! last one wins. Everything that is wrong with them is reported at once, each fault with its place. What a key is,
//! takes and means stands in one list, the [`schema`]; `config.toml` and the settings API are made from it.

mod blob_place;
mod checks;
pub mod environment;
mod fault;
mod file;
mod kind;
mod live;
mod loading;
mod origins;
mod raw;
pub mod schema;
mod sections;
mod task_place;
mod template;
mod units;

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::Value as Json;

pub use blob_place::{BlobPlace, InvalidBlobPlace, Secret};
pub use fault::{ConfigFaults, Fault, Place};
pub use kind::BadValue;
pub use live::{Live, SettingRefused};
pub use origins::Origins;
pub use sections::{
    AssetLimits, DataConfig, JanitorConfig, LimitsConfig, LogConfig, LogFormat, NodesConfig, S3Config, ServerConfig, TasksConfig,
    UploadConfig, WatchConfig, WebhooksConfig, WorkersConfig,
};
pub use task_place::{DatabaseUrl, InvalidTaskPlace, TaskPlace};
pub use template::config_toml;
pub use units::{parse_duration, parse_size};

use crate::domain::pipeline::Presets;
use file::Read;
use loading::Loading;
use raw::Raw;

/// Every setting of the server, each valid by itself; what [`Config::load`] returns is valid as a whole, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The HTTP server.
    pub server: ServerConfig,
    /// The embedded stores.
    pub data: DataConfig,
    /// The S3-compatible store.
    pub s3: S3Config,
    /// What a client may hand in.
    pub uploads: UploadConfig,
    /// The life of a task.
    pub tasks: TasksConfig,
    /// The pool of child processes.
    pub workers: WorkersConfig,
    /// The largest images.
    pub limits: LimitsConfig,
    /// Named pipelines; `default` is always among them.
    pub presets: Presets,
    /// Waiting requests and streams of events.
    pub watch: WatchConfig,
    /// Deliveries to webhooks.
    pub webhooks: WebhooksConfig,
    /// The sweeps for leftovers.
    pub janitor: JanitorConfig,
    /// The servers that share a database.
    pub nodes: NodesConfig,
    /// Logging.
    pub log: LogConfig,
}

/// A flag of the command line that sets a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// As the user typed it, such as `--workers`.
    pub flag: &'static str,
    /// The key that it sets, such as `workers.count`.
    pub key: &'static str,
    /// The value as it was typed.
    pub value: String,
}

/// Where values come from beside the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file; without one, its keys keep their defaults.
    pub file: Option<PathBuf>,
    /// Environment variables, of which only those beginning with `SAFELIGHT__` are looked at.
    pub environment: Vec<(OsString, OsString)>,
    /// The flags.
    pub flags: Vec<Flag>,
}

impl Config {
    /// Lays the sources over the defaults and checks everything.
    ///
    /// # Errors
    /// With every fault of every source: an unreadable file, unknown keys, values that their keys do not take, and
    /// values that do not go together.
    pub fn load(sources: &Sources) -> Result<Self, ConfigFaults> {
        let mut loading = Loading::default();
        let read = sources.file.as_ref().map_or(Read::Whole, |path| file::collect(path, &mut loading));
        environment::collect(&sources.environment, &mut loading);
        for Flag { flag, key, value } in &sources.flags {
            loading.put(key, &Raw::Untyped(value.clone()), Place::Flag(flag));
        }
        // Without the whole file, a rule would judge defaults that the user has replaced.
        if read == Read::Whole {
            checks::collect(&mut loading);
        }
        loading.finish()
    }

    /// The value in force of a key, in its normal form; `None` when there is no such key or preset.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Json> {
        schema::system_key(path)?;
        let (section, name) = path.split_once('.')?;
        Some(match section {
            "server" => self.server.get(name),
            "data" => self.data.get(name),
            "s3" => self.s3.get(name),
            "uploads" => self.uploads.get(name),
            "tasks" => self.tasks.get(name),
            "workers" => self.workers.get(name),
            "limits" => self.limits.get(name),
            "presets" => return sections::presets::get(&self.presets, name),
            "watch" => self.watch.get(name),
            "webhooks" => self.webhooks.get(name),
            "janitor" => self.janitor.get(name),
            "nodes" => self.nodes.get(name),
            "log" => self.log.get(name),
            _ => unreachable!("there is no section {section}: the schema was asked before"),
        })
    }

    /// Sets one key of the schema.
    fn set(&mut self, path: &str, raw: &Raw) -> Result<(), BadValue> {
        let (section, name) = path.split_once('.').unwrap_or((path, ""));
        match section {
            "server" => self.server.set(name, raw),
            "data" => self.data.set(name, raw),
            "s3" => self.s3.set(name, raw),
            "uploads" => self.uploads.set(name, raw),
            "tasks" => self.tasks.set(name, raw),
            "workers" => self.workers.set(name, raw),
            "limits" => self.limits.set(name, raw),
            "presets" => sections::presets::set(&mut self.presets, name, raw),
            "watch" => self.watch.set(name, raw),
            "webhooks" => self.webhooks.set(name, raw),
            "janitor" => self.janitor.set(name, raw),
            "nodes" => self.nodes.set(name, raw),
            "log" => self.log.set(name, raw),
            _ => unreachable!("there is no section {section}: the schema was asked before"),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server: ServerConfig::default(),
            data: DataConfig::default(),
            s3: S3Config::default(),
            uploads: UploadConfig::default(),
            tasks: TasksConfig::default(),
            workers: WorkersConfig::default(),
            limits: LimitsConfig::default(),
            presets: sections::presets::defaults(),
            watch: WatchConfig::default(),
            webhooks: WebhooksConfig::default(),
            janitor: JanitorConfig::default(),
            nodes: NodesConfig::default(),
            log: LogConfig::default(),
        }
    }
}
