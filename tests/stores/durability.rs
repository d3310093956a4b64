//! Everything is synced before it is acknowledged, in the order that a power cut respects.
//!
//! A killed process cannot show this: the kernel still writes what was never synced. So a process is traced (`strace`)
//! while it stores a blob and a task, and the order of its system calls is compared with its acknowledgements.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use safelight::domain::task::Change;
use safelight::stores::data_dir::DataDir;
use safelight::stores::local_fs::{LocalBlobs, LocalBlobsOptions};
use safelight::stores::sqlite::{FILE_NAME, SqliteDb, SqliteOptions};

use crate::blob_fixtures::{body, original, put};
use crate::fixtures::{apply, new_task, scratch};

const DIR: &str = "SAFELIGHT_TEST_TRACED_DIR";

/// The process under trace; does nothing unless [`trace`] started it.
#[test]
fn traced() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let mut acknowledged = File::create(dir.join("acknowledged")).unwrap();
    let data = DataDir::lock(&dir.join("data")).unwrap();
    let blobs = LocalBlobs::open(data.path(), LocalBlobsOptions::default()).unwrap();
    let tasks = SqliteDb::open(data.path(), SqliteOptions::default()).unwrap();
    acknowledged.write_all(b"opened").unwrap();
    put(&blobs, original(), &body(1000));
    acknowledged.write_all(b"blob").unwrap();
    apply(&tasks, Change::Insert(new_task(1000))).unwrap();
    acknowledged.write_all(b"task").unwrap();
}

/// The system calls of [`traced`] that matter, in order; `None` where processes cannot be traced.
fn trace(dir: &Path) -> Option<Vec<String>> {
    let output = dir.join("trace");
    let status = Command::new("strace")
        .args(["-f", "-qq", "-y", "-s", "64", "-e", "trace=fsync,fdatasync,renameat2,write,pwrite64", "-o"])
        .arg(&output)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "durability::traced", "--nocapture"])
        .env(DIR, dir)
        .output();
    match status {
        Ok(output) if fs::read_to_string(dir.join("acknowledged")).is_ok() => assert!(output.status.success(), "{output:?}"),
        other => {
            println!("skipped: processes cannot be traced here ({other:?})");
            return None;
        }
    }
    Some(fs::read_to_string(output).unwrap().lines().map(Into::into).collect())
}

/// The calls between two acknowledgements.
fn between<'a>(calls: &'a [String], from: &str, to: &str) -> &'a [String] {
    let place = |word: &str| calls.iter().position(|call| call.contains("/acknowledged>") && call.contains(word)).unwrap();
    &calls[place(from)..place(to)]
}

/// Where in `calls` a call of one of the `names` that mentions `what` is made.
fn find(calls: &[String], names: &[&str], what: &str) -> usize {
    let is = |call: &&String| names.iter().any(|name| call.contains(&format!("{name}("))) && call.contains(what);
    calls.iter().position(|call| is(&call)).unwrap_or_else(|| panic!("no {names:?} of {what} in {calls:#?}"))
}

#[test]
fn everything_is_synced_before_it_is_acknowledged() {
    let dir = scratch();
    let Some(calls) = trace(dir.path()) else { return };
    let syncs = ["fsync", "fdatasync"];

    // The directories, each in the one above it.
    let path = dir.path().display();
    let opening = &calls[..calls.iter().position(|call| call.contains("\"opened\"")).unwrap()];
    for dir in [format!("<{path}>"), format!("<{path}/data>"), format!("<{path}/data/blobs>")] {
        find(opening, &syncs, &dir);
    }

    // The bytes, then the name, then the directory that holds it.
    let blob = between(&calls, "\"opened\"", "\"blob\"");
    let bytes = find(blob, &syncs, "/blobs/tmp/");
    let name = find(blob, &["renameat2"], ".original");
    let shard = blob[name].split("/blobs/").find_map(|part| part.split_once('/').filter(|(dir, _)| dir.len() == 2)).unwrap().0;
    let directory = find(blob, &syncs, &format!("/blobs/{shard}>"));
    assert!(bytes < name && name < directory, "{blob:#?}");

    // The row: a sync after the last write, for the header of a new log is synced in any case.
    let row = between(&calls, "\"blob\"", "\"task\"");
    let log = format!("/{FILE_NAME}-wal>");
    let last = row.iter().rposition(|call| call.contains("pwrite64(") && call.contains(&log)).unwrap();
    find(&row[last..], &syncs, &log);
}
