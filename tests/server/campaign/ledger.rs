//! What clients sent and what they were told, and whether it was true in the end. No two uploads are of the same image.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use image::ImageFormat;
use safelight::stores::sqlite::FILE_NAME;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::harness::{Options, Server, eventually, files};
use crate::images;
use crate::jobs::{self, Held};

/// What an upload is, and so how its task must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Finishes with red and blue exchanged.
    Whole,
    /// The same, but its child process stands still until it is continued.
    Held,
    /// Ends `failed: corrupt_image`.
    Damaged,
}

impl Kind {
    fn pipeline(self) -> &'static str {
        if self == Self::Held { "swap_channels/fault_stop" } else { "swap_channels" }
    }

    fn end(self) -> &'static str {
        if self == Self::Damaged { "failed: corrupt_image" } else { "finished" }
    }
}

/// One upload and its answer.
#[derive(Clone, Debug)]
struct Upload {
    number: u32,
    kind: Kind,
    digest: String,
    /// `None` if the connection broke first.
    status: Option<u16>,
    id: Option<String>,
    /// Its task was seen to end as it must.
    ended: bool,
}

/// How it went, for a row of the campaign's table.
#[derive(Debug, Default)]
pub struct Tally {
    pub sent: usize,
    pub acknowledged: usize,
    /// Tasks that nobody was told of: the answer said 503, the commit had happened.
    pub silent: usize,
    pub statuses: BTreeMap<u16, usize>,
}

impl Tally {
    /// Adds up the tallies of several servers.
    pub fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.acknowledged += other.acknowledged;
        self.silent += other.silent;
        other.statuses.into_iter().for_each(|(status, count)| *self.statuses.entry(status).or_default() += count);
    }
}

impl Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let refused: Vec<_> =
            self.statuses.iter().filter(|(status, _)| **status != 202).map(|(status, n)| format!("{n} x {status}")).collect();
        let refused = if refused.is_empty() { "none".to_owned() } else { refused.join(", ") };
        let Self { sent, acknowledged, silent, .. } = self;
        write!(
            f,
            "{sent} uploads, {acknowledged} acknowledged and all of them true, refused: {refused}, done without an acknowledgement: {silent}"
        )
    }
}

/// Every upload to one data directory.
pub struct Ledger {
    width: u32,
    height: u32,
    uploads: Mutex<Vec<Upload>>,
    killed: Mutex<BTreeSet<String>>,
}

impl Ledger {
    /// Nothing was sent yet; images will be of about that size, as BMP, so that their length is known.
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, uploads: Mutex::default(), killed: Mutex::default() }
    }

    /// Uploads the next image and writes the answer down; `None` if the connection broke.
    pub fn upload(&self, server: &Server, kind: Kind) -> Option<u16> {
        let (at, file) = self.next(kind);
        let answer = server.upload_to_ending(&file, kind.pipeline());
        let upload = &mut self.uploads()[at];
        upload.status = answer.as_ref().map(|answer| answer.status);
        upload.id = answer.filter(|answer| answer.status == 202).map(|answer| answer.text());
        upload.status
    }

    /// Uploads until one is acknowledged.
    pub fn upload_surely(&self, server: &Server, kind: Kind) {
        eventually("an upload that is taken", || (self.upload(server, kind) == Some(202)).then_some(()));
    }

    /// Kills the child processes that are held, but none twice over the same task: that would count as the image's fault.
    pub fn kill_held(&self, server: &Server) {
        let mut killed = self.killed.lock().unwrap_or_else(PoisonError::into_inner);
        jobs::held(server).into_iter().filter(|held| killed.insert(held.task.clone())).for_each(|held| held.kill());
    }

    fn next(&self, kind: Kind) -> (usize, Vec<u8>) {
        let mut uploads = self.uploads();
        let number = uploads.len() as u32;
        let mut file = images::encode(&self.picture(number), ImageFormat::Bmp);
        if kind == Kind::Damaged {
            file.truncate(file.len() / 2);
        }
        uploads.push(Upload { number, kind, digest: digest(&file), status: None, id: None, ended: false });
        (uploads.len() - 1, file)
    }

    /// Numbers differ in their width and height.
    fn picture(&self, number: u32) -> image::DynamicImage {
        images::rgb(self.width + number % 64, self.height + number / 64)
    }

    fn uploads(&self) -> std::sync::MutexGuard<'_, Vec<Upload>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acknowledged(&self) -> Vec<(String, Upload)> {
        self.uploads().iter().filter_map(|upload| Some((upload.id.clone()?, upload.clone()))).collect()
    }

    /// Waits until everything that was acknowledged has ended as it must.
    pub fn finish(&self, server: &Server) {
        for (id, upload) in self.acknowledged().into_iter().filter(|(_, upload)| !upload.ended) {
            let state = end(server, &id);
            assert_eq!(state, upload.kind.end(), "{id}: {}", server.task(&id));
            self.uploads()[upload.number as usize].ended = true;
        }
    }

    /// Everything that must be true of a server that has come to rest.
    fn check(&self, server: &Server) -> Tally {
        self.finish(server);
        let acknowledged = self.acknowledged();
        let ids: BTreeSet<_> = acknowledged.iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), acknowledged.len(), "an id was acknowledged twice");
        let tasks = tasks(server);
        let uploads = self.uploads().clone();
        assert!(tasks.len() <= uploads.len(), "{} tasks of {} uploads", tasks.len(), uploads.len());
        let mut sent: BTreeMap<_, _> = uploads.iter().map(|upload| (upload.digest.as_str(), upload)).collect();
        for (id, task) in &tasks {
            let digest = task["original"]["sha256"].as_str().unwrap_or_default();
            let upload = sent.remove(digest).unwrap_or_else(|| panic!("{id}: nobody sent it, or two tasks were made of it: {task}"));
            assert!(upload.id.as_ref().is_none_or(|told| told == id), "{id}: its client was told of another task");
            assert_eq!(end(server, id), upload.kind.end(), "{task}");
            self.check_blobs(server, id, upload);
        }
        let missing: Vec<_> = ids.into_iter().filter(|id| !tasks.contains_key(*id)).collect();
        assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");
        let mut tally =
            Tally { sent: uploads.len(), acknowledged: acknowledged.len(), silent: tasks.len() - acknowledged.len(), ..Tally::default() };
        uploads.iter().filter_map(|upload| upload.status).for_each(|status| *tally.statuses.entry(status).or_default() += 1);
        tally
    }

    /// The original is what was sent, the result what the pipeline makes of it.
    fn check_blobs(&self, server: &Server, id: &str, upload: &Upload) {
        let shard = &id[id.len() - 2..];
        let original = server.data().join("blobs").join(shard).join(format!("{id}.original"));
        let original = fs::read(&original).unwrap_or_else(|error| panic!("{}: {error}", original.display()));
        assert_eq!(digest(&original), upload.digest, "{id}: its original is another one");
        if upload.kind != Kind::Damaged {
            let image = eventually("the result", || Some(server.image(id)).filter(|answer| answer.status == 200));
            let mut expected = self.picture(upload.number).to_rgb8();
            expected.pixels_mut().for_each(|pixel| pixel.0.reverse());
            assert_eq!(images::decode(&image.body).into_rgb8(), expected, "the pixels of {id}");
        }
    }

    /// Closes the books: what was acknowledged is true without a restart, and after a kill and a restart in `place`; the
    /// database is whole, and nothing is left that no task refers to.
    pub fn close(&self, server: Server, place: &Path, options: Options) -> Tally {
        self.check(&server);
        drop(server);
        check_integrity(&place.join("data"));
        let server = options.start_in(place);
        let tally = self.check(&server);
        let results = tasks(&server).values().filter(|task| task["state"] == "finished").count();
        let blobs = server.data().join("blobs");
        eventually("one original and at most one result of each task, and nothing else", || {
            let found = files(&blobs);
            let tmp = found.iter().filter(|path| path.parent() == Some(&blobs.join("tmp"))).count();
            (tmp == 0 && found.len() == tally.acknowledged + tally.silent + results).then_some(())
        });
        tally
    }
}

/// Waits until a task has ended, and lets the children go on that are held: also those whose upload was answered with 503.
fn end(server: &Server, id: &str) -> String {
    eventually(&format!("the end of {id}"), || {
        jobs::held(server).iter().for_each(Held::go_on);
        Some(server.is_ready(id)).filter(|state| *state == "finished" || *state == "not found" || state.starts_with("failed: "))
    })
}

/// Every task with its details, by its id.
fn tasks(server: &Server) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut cursor = 0;
    loop {
        let page = eventually("a page of tasks", || {
            Some(server.get(&format!("/v1/tasks?limit=500&cursor={cursor}"))).filter(|answer| answer.status == 200)
        });
        let page = page.json();
        for task in page["tasks"].as_array().into_iter().flatten() {
            let id = task["id"].as_str().unwrap_or_default().to_owned();
            let path = format!("/v1/tasks/{id}");
            let task = eventually("a task", || Some(server.get(&path)).filter(|answer| answer.status == 200));
            found.insert(id, task.json());
        }
        match page["next"].as_u64() {
            Some(next) => cursor = next,
            None => return found,
        }
    }
}

/// SQLite's own judgement of a database whose server was killed, on a copy.
fn check_integrity(data: &Path) {
    let copy = TempDir::new().expect("a temporary directory");
    for name in [FILE_NAME.to_owned(), format!("{FILE_NAME}-wal")] {
        if data.join(&name).exists() {
            fs::copy(data.join(&name), copy.path().join(&name)).expect("the database can be copied");
        }
    }
    let database = rusqlite::Connection::open(copy.path().join(FILE_NAME)).expect("the copy opens");
    let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("SQLite judges");
    assert_eq!(verdict, "ok");
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
