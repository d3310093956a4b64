//! Backups as an operator makes them: beside a server under load, checked, and brought back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::harness::{Options, Server, eventually, files};
use crate::images::small_png;
use crate::jobs::{Ending, Job};

fn safelight(arguments: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
    let place = paths.first().and_then(|path| path.parent()).expect("a test's path has a parent");
    command.args(arguments).args(paths).current_dir(place).output().expect("the program starts")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a command that must do what it is told.
fn done(arguments: &[&str], paths: &[&Path]) -> String {
    let output = safelight(arguments, paths);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    said(&output)
}

/// A directory beside the data of a server.
fn beside(server: &Server, name: &str) -> PathBuf {
    server.data().with_file_name(name)
}

/// `safelight backup TO --data FROM`.
fn back_up(server: &Server, name: &str) -> PathBuf {
    let to = beside(server, name);
    done(&["backup", "--data"], &[&server.data(), &to]);
    to
}

/// The file of a blob whose name begins and ends like this.
fn blob(directory: &Path, id: &str, stage: &str) -> PathBuf {
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let found = files(&directory.join("blobs")).into_iter().find(|path| name(path).starts_with(&format!("{id}.{stage}")));
    found.unwrap_or_else(|| panic!("no {stage} of {id}"))
}

/// Uploads tasks, waits for each and deletes every second one, until it is over.
fn keep_busy(server: &Server, over: &AtomicBool) -> usize {
    let mut deleted = 0;
    for number in 1000.. {
        let job = Job::upload(server, number);
        assert_eq!(server.wait(&job.id), "finished");
        if number % 2 == 0 {
            assert_eq!(server.delete(&format!("/v1/tasks/{}", job.id)).status, 204);
            deleted += 1;
        }
        if over.load(Ordering::Relaxed) {
            break;
        }
    }
    deleted
}

#[test]
fn a_backup_under_load_has_everything_that_was_acknowledged_before_it() {
    let server = Options::new().set("janitor.interval", "1s").start();
    server.put_bytes("/v1/assets/logo", &small_png());
    let jobs: Vec<Job> = (0..10).map(|number| Job::upload(&server, number)).collect();
    let over = AtomicBool::new(false);
    let backups: Vec<PathBuf> = thread::scope(|threads| {
        let ending = Ending(&over);
        let clients: Vec<_> = (0..3).map(|_| threads.spawn(|| keep_busy(&server, &over))).collect();
        let backups = (0..3).map(|number| back_up(&server, &format!("backup-{number}"))).collect();
        drop(ending);
        assert!(clients.into_iter().map(|client| client.join().expect("a client does not panic")).sum::<usize>() > 0);
        backups
    });
    for backup in &backups {
        assert!(done(&["verify"], &[backup]).ends_with(" 0 problems\n"));
    }
    done(&["verify"], &[&server.data()]);

    // What was deleted while nothing was removed is removed afterwards.
    let known = || server.get_json("/v1/tasks?limit=500")["tasks"].as_array().map_or(0, Vec::len);
    eventually("the deletions that were put off", || {
        let originals =
            files(&server.data().join("blobs")).into_iter().filter(|path| path.extension().is_some_and(|end| end == "original"));
        (originals.count() == known()).then_some(())
    });

    let place = tempfile::tempdir().expect("a directory");
    let data = place.path().join("data");
    done(&["restore", "--data"], &[&data, backups.last().expect("three")]);
    let restored = Options::new().start_in(place.path());
    jobs.iter().for_each(|job| job.check(&restored));
    assert_eq!(restored.get("/v1/assets/logo").body, small_png());
}

#[test]
fn verify_names_each_row_that_does_not_resolve() {
    let server = Server::new();
    let jobs: Vec<Job> = (0..5).map(|number| Job::upload(&server, number)).collect();
    jobs.iter().for_each(|job| assert_eq!(server.wait(&job.id), "finished"));
    let backup = back_up(&server, "backup");
    for directory in [backup, server.data()] {
        let [rotten, cut, lost, ..] = jobs.as_slice() else { unreachable!("there are five") };
        let path = blob(&directory, &rotten.id, "original");
        let mut bytes = fs::read(&path).expect("the blob");
        *bytes.last_mut().expect("it is not empty") ^= 1;
        fs::write(&path, &bytes).expect("it can be changed");
        fs::write(blob(&directory, &cut.id, "processed"), b"cut").expect("it can be cut");
        fs::remove_file(blob(&directory, &lost.id, "original")).expect("it can be removed");

        let verify = safelight(&["verify"], &[&directory]);
        assert_eq!(verify.status.code(), Some(1), "{}", said(&verify));
        assert_eq!(String::from_utf8_lossy(&verify.stdout).trim_end().rsplit(", ").next(), Some("3 problems"));
        let told = String::from_utf8_lossy(&verify.stderr).into_owned();
        let [first, second, third] = told.lines().collect::<Vec<_>>()[..] else { panic!("three lines: {told}") };
        assert!(first.starts_with(&format!("task {}: the blob {}.original is damaged: its SHA-256 is ", rotten.id, rotten.id)), "{first}");
        assert!(second.contains(&cut.id) && second.contains(".processed.1.result has 3 bytes, not "), "{second}");
        assert_eq!(third, format!("task {}: the blob {}.original is missing", lost.id, lost.id));
    }
    // Whatever is there is copied, and the exit code says that it is not all.
    let to = beside(&server, "second");
    let partial = safelight(&["backup", "--data"], &[&server.data(), &to]);
    assert_eq!(partial.status.code(), Some(1), "{}", said(&partial));
    let place = tempfile::tempdir().expect("a directory");
    let data = place.path().join("data");
    assert_eq!(safelight(&["restore", "--data"], &[&data, &to]).status.code(), Some(1));
    let restored = Options::new().start_in(place.path());
    jobs[3..].iter().for_each(|job| job.check(&restored));
}

#[test]
fn nothing_is_written_over_and_nothing_incomplete_is_brought_back() {
    let server = Server::new();
    let backup = back_up(&server, "backup");
    let refused = |arguments: &[&str], paths: &[&Path], why: &str| {
        let output = safelight(arguments, paths);
        assert_eq!((output.status.code(), said(&output).contains(why)), (Some(2), true), "{}", said(&output));
    };
    let (data, nowhere) = (server.data(), beside(&server, "nowhere"));
    refused(&["backup", "--data"], &[&data, &backup], "is not empty");
    refused(&["restore", "--data"], &[&data, &backup], "is not empty");
    refused(&["backup", "--data"], &[&nowhere, &beside(&server, "new")], "there is no database in");
    refused(&["verify"], &[&nowhere], "there is no database in");
    assert!(!nowhere.exists() && !beside(&server, "new").exists(), "nothing was made");
    // A data directory is no backup, and neither is one that was broken off.
    refused(&["restore", "--data"], &[&nowhere, &data], "is no complete backup");
    fs::remove_file(backup.join("backup.json")).expect("its last word");
    refused(&["restore", "--data"], &[&nowhere, &backup], "is no complete backup");
    assert!(!nowhere.exists() && server.get("/readyz").status == 200);
}
