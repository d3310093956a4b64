//! A disk that is really full: a small file system of the test's own, filled up to a chosen number of bytes.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use image::ImageFormat;
use rustix::fs::{FallocateFlags, fallocate};
use serde_json::Value;
use tempfile::TempDir;

use crate::campaign::ledger::{Kind, Ledger, Tally};
use crate::disk::{Disk, free_bytes};
use crate::harness::{Options, Server, eventually};
use crate::images;
use crate::jobs::{self, Held, attempts, finished, released};
use crate::proof::{self, Dice};

/// Uploads that go on while the disk is full.
const CLIENTS: usize = 4;

/// The room that is left is below that: a few uploads with their results and commits.
const LEVELS: usize = 150_000;

/// A block of the file system.
const BLOCK: u64 = 4096;

/// A directory for a server whose data alone lie on a small disk; its log does not.
struct Place {
    directory: TempDir,
    disk: Disk,
}

impl Place {
    /// `None`, with the reason printed, where no disk can be made.
    fn new(megabytes: u64) -> Option<Self> {
        let disk = Disk::ext4(megabytes).map_err(|reason| println!("skipped: {reason}")).ok()?;
        let directory = TempDir::new().expect("a temporary directory");
        let data = disk.path().join("data");
        fs::create_dir(&data).and_then(|()| symlink(data, directory.path().join("data"))).expect("a place for the data");
        Some(Self { directory, disk })
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn free(&self) -> u64 {
        free_bytes(&self.disk.path())
    }

    fn ballast(&self) -> PathBuf {
        self.disk.path().join("ballast")
    }

    /// Takes all but `left` bytes, as exactly as blocks allow.
    fn fill(&self, left: u64) {
        let ballast = File::create(self.ballast()).expect("the ballast can be created");
        let (mut length, mut step) = (0, self.free());
        while step >= BLOCK {
            let wanted = step.min(self.free().saturating_sub(left)) / BLOCK * BLOCK;
            if wanted > 0 && fallocate(&ballast, FallocateFlags::empty(), length, wanted).is_ok() {
                length += wanted;
            } else {
                step /= 2;
            }
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).expect("the ballast can be removed");
    }
}

/// The pauses between attempts as they are by default; leases that end within the test.
fn options() -> Options {
    let options = Options::new().set("tasks.backoff_min", "500ms").set("tasks.backoff_max", "30s");
    options.set("tasks.heartbeat", "500ms").set("tasks.lease", "2s").set("janitor.interval", "100ms")
}

/// Fills the disk up to `left` bytes with two jobs in hand and clients at work, makes room, and waits until all is well.
fn fill_and_make_room(place: &Place, server: &Server, ledger: &Ledger, left: u64) {
    (0..2).for_each(|_| ledger.upload_surely(server, Kind::Held));
    jobs::wait_for_held(server, 2);
    place.fill(left);
    let refusals = AtomicUsize::new(0);
    thread::scope(|threads| {
        for _ in 0..CLIENTS {
            threads.spawn(|| {
                eventually("a refusal", || {
                    let status = ledger.upload(server, Kind::Whole);
                    assert!(matches!(status, Some(202 | 503 | 507)), "{status:?}");
                    let refused = refusals.fetch_add(usize::from(status != Some(202)), Ordering::SeqCst);
                    (refused >= CLIENTS).then_some(())
                });
            });
        }
        jobs::held(server).iter().for_each(Held::go_on);
    });
    assert_eq!(server.get("/livez").status, 200);
    place.make_room();
    ledger.upload_surely(server, Kind::Whole);
    ledger.finish(server);
}

/// A new disk and a new server, filled `rounds` times to levels that the dice choose: a blob, a result or a commit is the
/// first that finds no room. Says how many commits and how many results found none.
fn fill_again_and_again(place: &Place, rounds: usize, dice: &mut Dice) -> (Tally, usize, usize) {
    let server = options().start_in(place.path());
    let ledger = Ledger::new(30, 20);
    for round in 0..rounds {
        let left = if round == 0 { 0 } else { dice.below(LEVELS) as u64 };
        fill_and_make_room(place, &server, &ledger, left);
    }
    let log = server.log();
    let tally = ledger.close(server, place.path(), options());
    (tally, log.matches("a batch of writes failed").count(), log.matches("the storage is full").count())
}

#[test]
fn a_full_disk_refuses_what_it_cannot_keep_and_loses_nothing() {
    let mut dice = Dice::new("disk full");
    let (disks, rounds) = proof::size((1, 4), (2, 20));
    let (mut tally, mut commits, mut results) = (Tally::default(), 0, 0);
    for _ in 0..disks {
        let Some(place) = Place::new(32) else { return };
        let (of_disk, refused_commits, refused_results) = fill_again_and_again(&place, rounds, &mut dice);
        tally.add(of_disk);
        commits += refused_commits;
        results += refused_results;
    }
    assert!(tally.statuses.get(&507).is_some_and(|full| *full > 0), "{tally}");
    let size = format!("{} fillings of an ext4 of 32 MiB at random levels, {CLIENTS} clients, 2 jobs in hand", disks * rounds);
    let test = "campaign::disk_full::a_full_disk_refuses_what_it_cannot_keep_and_loses_nothing";
    let figures = format!("{tally}; without room were also {results} results and {commits} commits");
    proof::record(4, "disk full", &size, &figures, test, Some(&dice));
}

#[test]
fn a_worker_whose_heartbeats_find_no_room_keeps_its_task() {
    let Some(place) = Place::new(24) else { return };
    let server = options().set("tasks.heartbeat", "100ms").set("tasks.lease", "3s").start_in(place.path());
    let ledger = Ledger::new(30, 20);
    ledger.upload_surely(&server, Kind::Held);
    let held = jobs::wait_for_held(&server, 1);
    place.fill(0);
    // Thirty in a lease: by then the lease would have ended.
    eventually("heartbeats in vain", || (server.log().matches("a batch of writes failed").count() > 60).then_some(()));
    place.make_room();
    ledger.finish(&server);
    assert_eq!(attempts(&server, &held[0].task), [finished()]);
    assert!(!server.log().contains("lease lost"));
    ledger.close(server, place.path(), options());
}

/// A small upload whose result is 3 MB.
fn upload_bloated(server: &Server) -> String {
    let flat = image::DynamicImage::new_rgb8(1000, 1000);
    server.upload(&images::encode(&flat, ImageFormat::Png), "swap_channels/bmp")
}

fn count(attempts: &[(String, String, bool)], wanted: &(String, String, bool)) -> usize {
    attempts.iter().filter(|attempt| *attempt == wanted).count()
}

#[test]
fn a_result_without_room_is_tried_again_ever_more_slowly_and_finishes_when_there_is_room() {
    let Some(place) = Place::new(24) else { return };
    let server = options().start_in(place.path());
    place.fill(2_000_000);
    let id = upload_bloated(&server);
    eventually("three attempts", || (count(&attempts(&server, &id), &released("storage_full", true)) >= 3).then_some(()));
    assert_eq!(server.is_ready(&id), "in progress");
    place.make_room();
    assert_eq!(server.wait(&id), "finished");
    let task = server.task(&id);
    assert_eq!(task["attempts_used"], 1, "what the disk ended was refunded");
    let pauses = pauses(&task);
    // 500 ms, 1 s, 2 s, each a fifth less at most; the clock of the rows counts milliseconds.
    for (pause, least) in pauses.iter().zip([399, 799, 1599]) {
        assert!(*pause >= least, "{pauses:?}");
    }
    let test = "campaign::disk_full::a_result_without_room_is_tried_again_ever_more_slowly_and_finishes_when_there_is_room";
    proof::record(4, "pauses of a task on a full disk", "1 task, default backoff", &format!("{pauses:?} ms"), test, None);
}

/// The milliseconds between the end of each attempt and the start of the next.
fn pauses(task: &Value) -> Vec<i64> {
    let moment = |value: &Value| value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok()).expect("a moment").as_millisecond();
    let attempts = task["attempts"].as_array().expect("attempts");
    attempts.windows(2).map(|pair| moment(&pair[1]["started_at"]) - moment(&pair[0]["ended_at"])).collect()
}

#[test]
fn a_result_that_never_finds_room_fails_cleanly() {
    let Some(place) = Place::new(24) else { return };
    let few = || Options::new().set("tasks.max_refunds", 2).set("janitor.interval", "100ms");
    let server = few().start_in(place.path());
    place.fill(2_000_000);
    let id = upload_bloated(&server);
    assert_eq!(server.wait(&id), "failed: storage_full");
    let refunded = vec![released("storage_full", true); 2];
    let counted = vec![released("storage_full", false); 3];
    assert_eq!(attempts(&server, &id), [refunded, counted].concat());
    assert_eq!(server.image(&id).text().trim(), "failed: storage_full");
    place.make_room();
    let files = crate::harness::files(&server.data().join("blobs"));
    assert_eq!(files.len(), 1, "the original alone is left: {files:?}");
}

#[test]
fn an_asset_without_room_is_refused_and_leaves_the_former_one() {
    let Some(place) = Place::new(24) else { return };
    let server = options().start_in(place.path());
    let asset = |side| images::encode(&images::rgb(side, side), ImageFormat::Bmp);
    assert_eq!(server.put_bytes("/v1/assets/logo", &asset(20)).status, 201);
    place.fill(400_000);
    let refused = server.put_bytes("/v1/assets/logo", &asset(500));
    assert_eq!((refused.status, &refused.json()["code"]), (507, &Value::from("storage_full")));
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(server.get("/v1/assets/logo").body, asset(20));
    place.make_room();
    assert_eq!(server.put_bytes("/v1/assets/logo", &asset(500)).status, 200);
    assert_eq!(server.get("/v1/assets/logo").body, asset(500));
}
