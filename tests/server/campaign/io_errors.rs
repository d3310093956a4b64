//! Writes and syncs that fail once each: at the failpoints of the stores, and under SQLite, where no failpoint reaches, by
//! system calls that `strace` makes fail.

use std::path::Path;

use safelight::stores::sqlite::FILE_NAME;
use tempfile::TempDir;

use crate::campaign::ledger::{Kind, Ledger, Tally};
use crate::campaign::trace::{Injection, Trace, call_and_path};
use crate::harness::{Options, Server, eventually};
use crate::proof;

/// The failpoints of the stores that can fail softly, how often one upload and its job pass each, and what is logged when
/// it fails.
const SITES: &[(&str, usize, &str)] = &[
    ("blobs.temp_created", 2, EIO),
    ("blobs.write", 2, EIO),
    ("blobs.before_fsync", 2, EIO),
    ("blobs.before_rename", 2, EIO),
    ("blobs.before_dir_fsync", 2, EIO),
    ("blobs.before_delete", 1, EIO),
    ("blobs.after_delete", 1, EIO),
    ("tasks.commit_fails", 3, "a planted failure before the commit"),
    ("tasks.after_commit", 3, "a planted failure after the commit"),
];

const EIO: &str = "Input/output error";

/// Leases that end within the test: a claim whose commit is in doubt comes back with its lease.
fn options() -> Options {
    Options::new().set("tasks.heartbeat", "500ms").set("tasks.lease", "2s").set("janitor.interval", "100ms")
}

/// Uploads and works until `happened`; every answer is one of those that the client can rely on.
fn work_until(server: &Server, ledger: &Ledger, happened: impl Fn() -> bool) {
    eventually("the planted failure", || {
        let status = ledger.upload(server, Kind::Whole);
        assert!(matches!(status, Some(202 | 503 | 507)), "{status:?}");
        ledger.finish(server);
        happened().then_some(())
    });
    ledger.upload_surely(server, Kind::Whole);
    ledger.finish(server);
}

fn record(proof: &str, size: &str, tally: &Tally, test: &str) {
    proof::record(4, proof, size, &tally.to_string(), &format!("campaign::io_errors::{test}"), None);
}

#[test]
fn every_write_of_the_stores_may_fail_once() {
    let place = TempDir::new().expect("a temporary directory");
    let server = options().start_in(place.path());
    let ledger = Ledger::new(30, 20);
    let cases = SITES.iter().flat_map(|(site, passages, word)| (0..*passages).map(move |passage| (site, passage, word)));
    let cases: Vec<_> = cases.collect();
    for (site, passage, word) in &cases {
        let failures = || server.log().matches(*word).count();
        let before = failures();
        if site.ends_with("_delete") {
            // An orphan to delete: a result that its worker does not report.
            server.arm("worker.after_put", "1*panic");
        }
        server.arm(site, &format!("{passage}*off->1*return(error)"));
        work_until(&server, &ledger, || failures() > before);
        server.arm(site, "off");
    }
    let tally = ledger.close(server, place.path(), options());
    record(
        "write sites that fail",
        &format!("{} passages of {} failpoints", cases.len(), SITES.len()),
        &tally,
        "every_write_of_the_stores_may_fail_once",
    );
}

/// One server under one injection after the other. `None`, with the reason printed, where it cannot be traced.
fn inject_all(server: &Server, ledger: &Ledger, threads: &str, injections: &[Injection<'_>]) -> Option<usize> {
    let mut injected = 0;
    for injection in injections {
        let trace = Trace::attach(server, threads, *injection).map_err(|reason| println!("skipped: {reason}")).ok()?;
        work_until(server, ledger, || trace.injected() > 0);
        let calls = trace.end();
        calls.iter().for_each(|calls| assert_no_sync_is_repeated(calls));
        injected += calls.iter().flatten().filter(|call| call.contains("(INJECTED)")).count();
    }
    Some(injected)
}

/// After a failed sync the same file is written anew, or closed or removed, before it is synced again.
///
/// A file is closed and opened again (the database's log), removed (a blob), or everything in it that was not synced is
/// written once more (the database, whose pages are all still in its log).
fn assert_no_sync_is_repeated(calls: &[String]) {
    let parsed: Vec<_> = calls.iter().filter_map(|line| Some((call_and_path(line)?, line))).collect();
    for (at, ((call, path), line)) in parsed.iter().enumerate() {
        if !call.ends_with("sync") || !line.contains("= -1 ") {
            continue;
        }
        let of_file = |((_, other), _): &&((&str, &str), &String)| other == path;
        let later: Vec<_> =
            parsed[at + 1..].iter().filter(of_file).map(|((call, _), _)| *call).take_while(|call| *call != "close").collect();
        let synced_again = later.iter().position(|call| call.ends_with("sync"));
        if path.ends_with(FILE_NAME) {
            let since = parsed[..at].iter().filter(of_file).rev().take_while(|((call, _), _)| !call.ends_with("sync")).count();
            assert!(synced_again.is_none_or(|sync| sync >= since), "{since} writes before {line}, then {later:?}");
        } else {
            assert_eq!(synced_again, None, "{line} was followed by {later:?}");
        }
    }
}

fn sweep<'p>(calls: &'static str, error: &'static str, upto: usize, path: Option<&'p Path>) -> impl Iterator<Item = Injection<'p>> {
    (1..=upto).map(move |nth| Injection { calls, error, nth, path })
}

#[test]
fn the_log_of_the_database_may_fail_at_any_write_and_any_sync() {
    let place = TempDir::new().expect("a temporary directory");
    let server = options().start_in(place.path());
    let ledger = Ledger::new(30, 20);
    let log = server.data().join(format!("{FILE_NAME}-wal"));
    let (syncs, writes) = proof::size((3, 3), (10, 40));
    let mut injections: Vec<_> = sweep("fsync,fdatasync", "EIO", syncs, Some(&log)).collect();
    injections.extend(sweep("write,pwrite64", "EIO", writes, Some(&log)));
    injections.extend(sweep("write,pwrite64", "ENOSPC", writes, Some(&log)));
    let Some(injected) = inject_all(&server, &ledger, "sqlite-writer", &injections) else { return };
    let tally = ledger.close(server, place.path(), options());
    let test = "the_log_of_the_database_may_fail_at_any_write_and_any_sync";
    record("EIO and ENOSPC under SQLite's log", &format!("{injected} system calls failed"), &tally, test);
}

#[test]
fn the_file_of_the_database_may_fail_at_any_write_and_any_sync() {
    let place = TempDir::new().expect("a temporary directory");
    let server = options().start_in(place.path());
    let ledger = Ledger::new(30, 20);
    let file = server.data().join(FILE_NAME);
    let (syncs, writes) = proof::size((1, 1), (4, 8));
    let mut injections: Vec<_> = sweep("fsync,fdatasync", "EIO", syncs, Some(&file)).collect();
    injections.extend(sweep("write,pwrite64", "EIO", writes, Some(&file)));
    let Some(injected) = inject_all(&server, &ledger, "sqlite-writer", &injections) else { return };
    let tally = ledger.close(server, place.path(), options());
    let test = "the_file_of_the_database_may_fail_at_any_write_and_any_sync";
    record("EIO under SQLite's checkpoints", &format!("{injected} system calls failed"), &tally, test);
}

#[test]
fn blobs_may_fail_at_any_write_and_any_sync_and_are_discarded() {
    let place = TempDir::new().expect("a temporary directory");
    let server = options().start_in(place.path());
    let ledger = Ledger::new(30, 20);
    let most = proof::size(2, 12);
    let mut injections: Vec<_> = sweep("fsync,fdatasync", "EIO", most, None).collect();
    injections.extend(sweep("write", "EIO", most, None));
    injections.extend(sweep("renameat2", "EIO", 1, None));
    let Some(injected) = inject_all(&server, &ledger, "blobs", &injections) else { return };
    let tally = ledger.close(server, place.path(), options());
    let test = "blobs_may_fail_at_any_write_and_any_sync_and_are_discarded";
    record("EIO under the blobs", &format!("{injected} system calls failed"), &tally, test);
}
