//! A task's life under faults: at every step the process is killed, or the step fails, once; then everything is started
//! again over what is left and driven to the end, and the promises are checked.
//!
//! | file | what lives there |
//! |---|---|
//! | `services` | stand-ins for frontend, worker and janitor that follow the documented rules |
//! | `victim` | the process that lives the life and is killed |
//! | `judge` | what must hold afterwards |
//!
//! The steps are the failpoints of the stores and those between the steps of the services. How often the life passes each
//! is counted, and each passage is a case of its own. A failpoint that neither [`SITES`] nor [`CONDITIONS`] names fails a test.

mod judge;
mod services;
mod victim;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::fixtures::scratch;
use crate::life::services::DATABASE;
use crate::life::victim::{Death, Outcome};

/// The failpoints and whether each can fail softly; those that cannot only kill.
const SITES: &[(&str, bool)] = &[
    ("blobs.temp_created", true),
    ("blobs.write", true),
    ("blobs.before_fsync", true),
    ("blobs.before_rename", true),
    ("blobs.before_dir_fsync", true),
    ("blobs.after_dir_fsync", false),
    ("blobs.before_delete", true),
    ("blobs.after_delete", true),
    ("tasks.before_commit", false),
    ("tasks.commit_fails", true),
    ("tasks.after_commit", true),
    ("life.original_stored", false),
    ("life.inserted", false),
    ("life.acknowledged", false),
    ("life.claimed", false),
    ("life.processed", false),
    ("life.result_stored", false),
    ("life.finished", false),
    ("life.released", false),
    ("life.marked", false),
    ("life.original_deleted", false),
    ("life.result_deleted", false),
    ("life.removed", false),
    ("life.asset_stored", false),
    ("life.asset_kept", false),
    ("life.asset_removed", false),
];

/// Conditions of an engine as a whole, which are no steps: the server's statuses are tested under them, with either engine.
const CONDITIONS: [&str; 2] = ["tasks.full", "tasks.read"];

/// Where the rows of a life are.
#[derive(Clone, Copy, Debug)]
enum Engine {
    Sqlite,
    Postgres(&'static Cluster),
}

impl Engine {
    /// A directory for a life.
    fn directory(self) -> TempDir {
        let dir = scratch();
        if let Self::Postgres(cluster) = self {
            fs::write(dir.path().join(DATABASE), cluster.database()).unwrap();
        }
        dir
    }
}

/// Lives one life in which `site` acts on its `passage`, and judges what is left.
fn try_fault(engine: Engine, site: &str, passage: u32, action: &str) {
    let case = format!("{engine:?} {site} #{passage} {action}");
    let dir = engine.directory();
    let before = if passage == 1 { String::new() } else { format!("{}*off->", passage - 1) };
    let death = victim::run(dir.path(), Some(&format!("{site}={before}1*return({action})")));
    match action {
        "kill" => assert_eq!(death, Death::Killed, "{case}"),
        _ => assert_eq!(death, Death::None, "{case}"),
    }
    judge::judge(dir.path(), &case);
}

/// How often an undisturbed life passes each site.
fn passages(engine: Engine) -> BTreeMap<String, u32> {
    let dir = engine.directory();
    assert_eq!(victim::run(dir.path(), None), Death::None);
    judge::judge(dir.path(), "undisturbed");
    let counts = Outcome::read(dir.path()).passages;
    for (site, _) in SITES {
        assert!(counts.contains_key(*site), "the life does not pass {site}");
    }
    counts
}

/// Every passage of every site whose name begins with `family`, with every action that it knows.
fn try_family(engine: Engine, family: &str) {
    let passages = passages(engine);
    for (site, soft) in SITES.iter().filter(|(site, _)| site.starts_with(family)) {
        for passage in 1..=passages[*site] {
            try_fault(engine, site, passage, "kill");
            if *soft {
                try_fault(engine, site, passage, "error");
            }
        }
    }
}

#[test]
fn a_life_survives_faults_of_the_blob_store() {
    try_family(Engine::Sqlite, "blobs.");
}

#[test]
fn a_life_survives_faults_of_the_task_store() {
    try_family(Engine::Sqlite, "tasks.");
}

#[test]
fn a_life_survives_kills_between_its_steps() {
    try_family(Engine::Sqlite, "life.");
}

#[test]
fn a_life_in_postgres_survives_the_same() {
    match Cluster::shared() {
        Ok(cluster) => ["tasks.", "life."].iter().for_each(|family| try_family(Engine::Postgres(cluster), family)),
        Err(reason) => println!("skipped: {reason}"),
    }
}

#[test]
fn every_failpoint_of_the_stores_is_in_the_table() {
    let mut found = BTreeSet::new();
    collect_sites(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/stores"), &mut found);
    // A backup is no step of a task's life; `backup` is its test.
    found.retain(|site| !site.starts_with("backup."));
    let steps = SITES.iter().map(|(site, _)| *site).filter(|site| !site.starts_with("life."));
    let listed: BTreeSet<_> = steps.chain(CONDITIONS).map(str::to_owned).collect();
    assert_eq!(found, listed);
}

fn collect_sites(dir: &Path, sites: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_sites(&path, sites);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let calls = text.split("faults::").skip(1).filter_map(|call| call.split_once("(\""));
            let points = calls.filter(|(call, _)| ["point", "soft", "io"].contains(call));
            sites.extend(points.filter_map(|(_, name)| Some(name.split_once('"')?.0.to_owned())));
        }
    }
}
