//! The power is cut right after one thing was acknowledged: it must be there when the power is back.
//!
//! One put or one insert per cut, each by a process of its own, so that no neighbour's fsync hides a missing one.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use safelight::domain::blob::BlobKey;
use safelight::domain::ids::TaskId;
use safelight::domain::task::Change;
use safelight::stores::local_fs::{LocalBlobs, LocalBlobsOptions};
use safelight::stores::sqlite::{SqliteDb, SqliteOptions};
use safelight::stores::tasks::TaskStore;

use crate::blob_fixtures::{body, original, put, read};
use crate::disk::Disk;
use crate::fixtures::{apply, block_on, new_task};
use crate::proof;

const DIR: &str = "SAFELIGHT_TEST_POWER_DIR";
const WHAT: &str = "SAFELIGHT_TEST_POWER_WHAT";

/// Begins the line that tells what was acknowledged.
const ACKNOWLEDGED: &str = "acknowledged ";

/// The length of the blob of a cut: several writes of the store, and different every time.
fn length(cut: usize) -> usize {
    1 + cut * 53_777 % 900_000
}

/// The process that is cut off; does nothing unless [`Victim::start`] started it.
#[test]
fn victim() {
    let Some(dir) = env::var_os(DIR).map(PathBuf::from) else { return };
    let what = env::var(WHAT).unwrap();
    let acknowledge = |id: String| {
        println!("\n{ACKNOWLEDGED}{id}");
        std::io::stdout().flush().unwrap();
        // Until it is killed: nothing may be closed in order.
        std::io::stdin().lock().read_line(&mut String::new()).unwrap();
    };
    if let Some(cut) = what.strip_prefix("blob ") {
        let store = LocalBlobs::open(&dir, LocalBlobsOptions::default()).unwrap();
        let key = original();
        put(&store, key, &body(length(cut.parse().unwrap())));
        acknowledge(key.as_uuid().to_string());
    } else {
        let store = SqliteDb::open(&dir, SqliteOptions::default()).unwrap();
        acknowledge(apply(&store, Change::Insert(new_task(7))).unwrap().id.to_string());
    }
}

/// A victim that has had its acknowledgement.
struct Victim {
    process: Child,
    acknowledged: TaskId,
}

impl Victim {
    fn start(dir: &Path, what: &str) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "campaign::power_cut::victim", "--nocapture"]).env(DIR, dir).env(WHAT, what);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let id = lines.map_while(Result::ok).find_map(|line| line.strip_prefix(ACKNOWLEDGED).map(|id| id.parse().unwrap()));
        Self { process, acknowledged: id.expect("the victim is acknowledged") }
    }

    fn end(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Cuts the power so many times after `what` was acknowledged, and lets `judge` look at each; says how many cuts there were.
fn cut(cuts: usize, what: &str, judge: impl Fn(&Path, TaskId, usize)) -> Option<usize> {
    let disk = match Disk::ext4(128) {
        Ok(disk) => disk,
        Err(reason) => {
            println!("skipped: no power can be cut here: {reason}");
            return None;
        }
    };
    for cut in 0..cuts {
        let victim = Victim::start(&disk.path(), &format!("{what} {cut}"));
        let acknowledged = victim.acknowledged;
        disk.cut_power();
        victim.end();
        disk.remount();
        judge(&disk.path(), acknowledged, cut);
    }
    Some(cuts)
}

#[test]
fn a_blob_survives_a_power_cut() {
    let kept = |dir: &Path, id, cut| {
        let store = LocalBlobs::open(dir, LocalBlobsOptions::default()).unwrap();
        let stored = read(&store, BlobKey::Original(id)).unwrap_or_else(|error| panic!("cut {cut}: {error}"));
        assert!(stored == body(length(cut)), "cut {cut}: {} of {} bytes", stored.len(), length(cut));
    };
    if let Some(cuts) = cut(proof::size(5, 50), "blob", kept) {
        proof::record(2, "power cut, one blob", &format!("{cuts} cuts, one put each"), "0 lost or damaged", "campaign::power_cut", None);
    }
}

#[test]
fn a_task_survives_a_power_cut() {
    let kept = |dir: &Path, id, cut| {
        let store = SqliteDb::open(dir, SqliteOptions::default()).unwrap();
        assert!(block_on(store.get(id)).unwrap().is_some(), "cut {cut}: the task is gone");
    };
    if let Some(cuts) = cut(proof::size(5, 50), "task", kept) {
        proof::record(2, "power cut, one task", &format!("{cuts} cuts, one insert each"), "0 lost", "campaign::power_cut", None);
    }
}
