//! The configuration as its user meets it: sources and their order, faults with their places, `config.toml` itself.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use safelight::config::{Config, Flag, LogFormat, Sources, config_toml, environment, schema};
use safelight::domain::node::Role;
use serde_json::json;

/// A directory with a `config.toml` of this text, and sources that read it.
struct Setup {
    _directory: tempfile::TempDir,
    path: PathBuf,
    sources: Sources,
}

impl Setup {
    fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory of our own");
        let path = directory.path().join("config.toml");
        std::fs::write(&path, text).expect("it is writable");
        let sources = Sources { file: Some(path.clone()), ..Sources::default() };
        Self { _directory: directory, path, sources }
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.sources.environment.push((name.into(), value.into()));
        self
    }

    fn flag(mut self, flag: &'static str, key: &'static str, value: &str) -> Self {
        self.sources.flags.push(Flag { flag, key, value: value.to_owned() });
        self
    }

    fn config(&self) -> Config {
        Config::load(&self.sources).expect("a valid configuration")
    }

    /// Every fault as it is printed, with the file's directory cut off.
    fn faults(&self) -> Vec<String> {
        let faults = Config::load(&self.sources).expect_err("a faulty configuration");
        let directory = format!("{}/", self.path.parent().expect("it lies in a directory").display());
        faults.to_string().lines().map(|line| line.replace(&directory, "")).collect()
    }
}

#[test]
fn without_sources_everything_has_its_default() {
    let config = Config::load(&Sources::default()).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.server.listen, SocketAddr::from(([127, 0, 0, 1], 8080)));
    assert_eq!(config.tasks.max_attempts, 3);
    assert_eq!(config.server.drain, Duration::from_secs(30));
    assert!(config.workers.count >= 1);
    assert_eq!(config.presets.get("default").unwrap(), &"swap_channels".parse().unwrap());
}

#[test]
fn the_committed_config_toml_is_the_generated_one() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml");
    assert_eq!(std::fs::read_to_string(committed).unwrap(), config_toml(), "run `make config`");
}

#[test]
fn config_toml_lists_every_key_and_gives_exactly_the_defaults() {
    assert_eq!(Setup::new(&config_toml()).config(), Config::default());
    let table: toml::Table = config_toml().parse().unwrap();
    for key in schema::sections().iter().flat_map(|section| section.keys) {
        let (section, name) = key.path.split_once('.').unwrap();
        assert!(table[section].as_table().unwrap().contains_key(name), "{}", key.path);
    }
}

#[test]
fn every_key_can_be_set_by_the_environment_and_by_the_file() {
    for key in schema::sections().iter().flat_map(|section| section.keys) {
        let value = key.default_value();
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let (section, name) = key.path.split_once('.').unwrap();
        let setup = Setup::new(&format!("[{section}]\n{name} = {value}")).variable(&environment::variable(key.path), &text);
        assert_eq!(setup.config(), Config::default(), "{}", key.path);
    }
}

#[test]
fn a_later_source_wins() {
    let setup = Setup::new("workers = { count = 2 }\ntasks.max_attempts = 5\n[log]\nformat = \"json\"");
    assert_eq!(setup.config().workers.count, 2);
    let setup = setup.variable("SAFELIGHT__WORKERS__COUNT", "3").variable("SAFELIGHT__SERVER__LISTEN", "127.0.0.1:0");
    assert_eq!(setup.config().workers.count, 3);
    let setup = setup.flag("--workers", "workers.count", "4");
    let config = setup.config();
    assert_eq!(config.workers.count, 4);
    assert_eq!((config.server.listen.port(), config.tasks.max_attempts, config.log.format), (0, 5, LogFormat::Json));
}

#[test]
fn all_faults_of_all_sources_are_reported_together_with_their_places() {
    let text = "[server]\nlisten = 8080\n\n[workers]\ncuont = 4\nnice = 10\n\n[janitors]\ngrace = \"1h\"\n";
    let setup = Setup::new(text)
        .variable("SAFELIGHT__WORKERS__NICE", "20")
        .variable("SAFELIGHT__UPLOAD__MAX_BYTES", "1MiB")
        .variable("SAFELIGHT__TASKS", "1")
        .flag("--workers", "workers.count", "many");
    let expected = [
        "config.toml:2: server.listen: expected an IP address and a port such as \"127.0.0.1:8080\" or \"[::]:8080\", found 8080",
        "config.toml:5: workers.cuont: there is no such key; did you mean workers.count?",
        "config.toml:8: there is no section [janitors]; did you mean [janitor]?",
        "SAFELIGHT__TASKS: tasks: there is no such key; `safelight config default` lists every key",
        "SAFELIGHT__UPLOAD__MAX_BYTES: upload.max_bytes: there is no such key; did you mean SAFELIGHT__UPLOADS__MAX_BYTES?",
        "SAFELIGHT__WORKERS__NICE: workers.nice: expected a whole number from 0 to 19, found \"20\"",
        "--workers: workers.count: expected a whole number from 0 to 256, or \"auto\" for the available cores, found \"many\"",
    ];
    assert_eq!(setup.faults(), expected);
}

#[test]
fn errors_of_syntax_do_not_hide_the_faults_of_other_lines() {
    let faults = Setup::new("[server]\nlisten = \nport = 1\n[workers]\ncount = 257\nnice = \"a\nspare = true\n").faults();
    let places: Vec<&str> = faults.iter().map(|fault| fault.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["config.toml:2", "config.toml:3", "config.toml:5", "config.toml:6"], "{faults:#?}");
}

#[test]
fn a_bad_value_is_reported_although_a_later_source_replaces_it() {
    let setup = Setup::new("[workers]\ncount = 257").flag("--workers", "workers.count", "4");
    assert_eq!(setup.faults().len(), 1);
}

#[test]
fn keys_must_go_together() {
    let setup = Setup::new("[tasks]\nlease = \"8s\"\nbackoff_min = \"2m\"\n").variable("SAFELIGHT__UPLOADS__MAX_BYTES", "20GiB");
    let expected = [
        "config.toml:2: tasks.lease = \"8s\" (config.toml:2) must be at least twice tasks.heartbeat = \"5s\" (default)",
        "config.toml:3: tasks.backoff_min = \"2m\" (config.toml:3) must not exceed tasks.backoff_max = \"30s\" (default)",
        "SAFELIGHT__UPLOADS__MAX_BYTES: tasks.queue_bytes = \"10GiB\" (default) must not be less than uploads.max_bytes = \"20GiB\" (SAFELIGHT__UPLOADS__MAX_BYTES)",
    ];
    assert_eq!(setup.faults(), expected);
}

#[test]
fn a_server_that_does_one_half_of_the_work_shares_a_database_and_a_store_of_images() {
    let setup = Setup::new("").flag("--role", "server.role", "work");
    let expected = [
        "--role: server.role = \"work\" (--role) leaves a half of the work to other servers, which need a PostgreSQL database in common, not data.tasks = \"local\" (default)",
        "--role: server.role = \"work\" (--role) leaves a half of the work to other servers, which need an S3 store in common, not data.blobs = \"local\" (default)",
    ];
    assert_eq!(setup.faults(), expected);
    let shared = "[data]\ntasks = \"postgres://h/db\"\nblobs = \"s3://images\"\n";
    for role in Role::ALL {
        let setup = Setup::new(shared).variable("SAFELIGHT__SERVER__ROLE", role.as_str());
        assert_eq!(setup.config().server.role, role);
    }
}

#[test]
fn a_rule_is_silent_about_a_value_that_was_refused_anyway() {
    let setup = Setup::new("[tasks]\nlease = \"8s\"\nheartbeat = \"often\"\n");
    assert_eq!(setup.faults().len(), 1, "{:#?}", setup.faults());
}

#[test]
fn a_file_that_cannot_be_read_is_a_fault() {
    let sources = Sources { file: Some(PathBuf::from("/nowhere/config.toml")), ..Sources::default() };
    let faults = Config::load(&sources).unwrap_err().to_string();
    assert!(faults.starts_with("/nowhere/config.toml: the configuration cannot be read:"), "{faults}");
}

#[test]
fn presets_are_parsed_at_load_and_must_not_take_another_names_place() {
    let setup = Setup::new("[presets]\nthumb = \"resize:400x300/jpeg:q=85\"\n").variable("SAFELIGHT__PRESETS__NEGATIVE", "invert");
    let presets = setup.config().presets;
    assert_eq!(presets.iter().count(), 3, "default stays");
    assert_eq!(presets.get("negative"), "invert".parse().ok().as_ref());

    let faults = Setup::new("[presets]\ninvert = \"grayscale\"\nThumb = \"invert\"\nsmall = \"inwert\"\n").faults();
    assert_eq!(faults.len(), 3, "{faults:#?}");
    assert!(faults[0].starts_with("config.toml:2: \"invert\" cannot name a preset"), "{faults:#?}");
    assert!(faults[1].starts_with("config.toml:3: \"Thumb\" is not a preset's name"), "{faults:#?}");
    assert!(faults[2].starts_with("config.toml:4: presets.small: "), "{faults:#?}");
}

#[test]
fn system_keys_check_json_and_the_others_are_the_users_own() {
    let count = schema::system_key("workers.count").unwrap();
    assert!(count.live);
    assert_eq!(count.check_json(&json!(4)), Ok(json!(4)));
    assert_eq!(count.check_json(&json!("auto")), Ok(json!("auto")));
    assert_eq!(count.check_json(&json!(0)), Ok(json!(0)));
    for bad in [json!(-1), json!(257), json!("4"), json!(1.5), json!(null), json!([4])] {
        let why = count.check_json(&bad).unwrap_err().to_string();
        assert!(why.starts_with("expected a whole number from 0 to 256"), "{bad}: {why}");
    }
    let preset = schema::system_key("presets.anything-else").unwrap();
    assert!(preset.live && preset.check_json(&json!("invert")).is_ok() && preset.check_json(&json!("inwert")).is_err());
    assert!(!schema::system_key("server.listen").unwrap().live);
    for own in ["theme", "ui.theme", "workers", "workers.cuont", "presets.invert", ""] {
        assert!(schema::system_key(own).is_none(), "{own}");
    }
}
