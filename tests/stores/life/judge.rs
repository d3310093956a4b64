//! What must hold after any fault: the server starts again, goes on by itself, and keeps its promises.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use safelight::domain::asset::Asset;
use safelight::domain::blob::BlobKey;
use safelight::domain::ids::TaskId;
use safelight::domain::pipeline::VariantName;
use safelight::domain::task::{AttemptEnd, Task, TaskState};
use safelight::stores::assets::AssetQuery;
use safelight::stores::tasks::{Backlog, TaskQuery};

use crate::blob_fixtures::{body, list, meta_of, read};
use crate::conformance::events::assert_events_tell;
use crate::fixtures::block_on;
use crate::life::services::{Services, process};
use crate::life::victim::work_all;

/// Starts over `dir`, drives everything to its end, and checks every promise.
pub(crate) fn judge(dir: &Path, case: &str) {
    let known = Known::read(dir);
    let services = Services::start(dir);
    assert_eq!(fs::read_dir(dir.join("data/blobs/tmp")).unwrap().count(), 0, "{case}: an incomplete file is left");
    block_on(services.tasks.recover()).unwrap();
    let deleting = TaskQuery { state: Some(TaskState::Deleting), limit: 100, ..TaskQuery::default() };
    block_on(services.tasks.list(deleting)).unwrap().tasks.iter().for_each(|task| services.delete(task.id));
    known.deleting.iter().for_each(|id| services.delete(*id));
    services.sweep();
    work_all(&services);
    services.sweep();

    assert_eq!(block_on(services.tasks.backlog()), Ok(Backlog { tasks: 0, bytes: 0 }), "{case}: a task did not end");
    let everything = TaskQuery { limit: 100, ..TaskQuery::default() };
    let tasks: BTreeMap<_, _> = block_on(services.tasks.list(everything)).unwrap().tasks.into_iter().map(|task| (task.id, task)).collect();
    known.check(&tasks, case);
    tasks.values().for_each(|task| check_task(&services, task, case));
    let assets = block_on(services.assets.list(AssetQuery { after: None, limit: 100 })).unwrap().assets;
    known.check_assets(&assets, case);
    assets.iter().for_each(|asset| assert_eq!(meta_of(&read(&*services.blobs, asset.key()).unwrap()), asset.blob, "{case}"));
    let expected: BTreeSet<_> = tasks.values().flat_map(keys).chain(assets.iter().map(Asset::key)).collect();
    let stored: BTreeSet<_> = list(&*services.blobs).iter().map(|blob| blob.key).collect();
    assert_eq!(stored, expected, "{case}: blobs and rows do not match");
}

/// The blobs that a task refers to.
fn keys(task: &Task) -> Vec<BlobKey> {
    task.results.keys().filter_map(|variant| task.result_key(*variant)).chain([BlobKey::Original(task.id)]).collect()
}

/// Each task, acknowledged or not, is whole: what went in, what came out, and exactly one end.
fn check_task(services: &Services, task: &Task, case: &str) {
    let original = read(&*services.blobs, BlobKey::Original(task.id)).unwrap();
    assert_eq!(meta_of(&original), task.original, "{case}");
    assert_eq!((task.state, task.missing().count()), (TaskState::Finished, 0), "{case}: {task:?}");
    for (variant, result) in &task.results {
        let processed = read(&*services.blobs, BlobKey::Processed(task.id, result.claim_no, *variant)).unwrap();
        assert_eq!((processed == process(&original, *variant), meta_of(&processed)), (true, result.blob), "{case}: {variant}");
    }
    assert_events_tell(&*services.events, task, case);
    let history = block_on(services.tasks.view(task.id)).unwrap().unwrap().attempts;
    let finished: Vec<_> =
        history.iter().filter(|attempt| attempt.ended.as_ref().is_some_and(|ended| ended.end == AttemptEnd::Finished)).collect();
    assert_eq!(finished.iter().map(|attempt| attempt.claim_no).collect::<Vec<_>>(), [task.claim_no], "{case}");
    assert!(history.iter().all(|attempt| attempt.ended.is_some()), "{case}: an attempt without an end");
    assert_eq!(history.len() as u64, task.claim_no.0, "{case}: one attempt per claim");
}

/// What clients and operators knew when the process ended.
struct Known {
    acknowledged: Vec<(TaskId, String)>,
    finished: Vec<(TaskId, VariantName, u64)>,
    deleting: BTreeSet<TaskId>,
    assets: Vec<(String, String)>,
    removing: BTreeSet<String>,
    removed: BTreeSet<String>,
}

impl Known {
    fn read(dir: &Path) -> Self {
        let notes = Services::notes(dir);
        let of = |word: &'static str| notes.iter().filter(move |note| note[0] == word);
        let id = |note: &Vec<String>| note[1].parse().unwrap();
        Self {
            acknowledged: of("acknowledged").map(|note| (id(note), note[2].clone())).collect(),
            finished: of("finished").map(|note| (id(note), note[2].parse().unwrap(), note[3].parse().unwrap())).collect(),
            deleting: of("deleting").map(id).collect(),
            assets: of("asset").map(|note| (note[1].clone(), note[2].clone())).collect(),
            removing: of("removing").map(|note| note[1].clone()).collect(),
            removed: of("removed").map(|note| note[1].clone()).collect(),
        }
    }

    /// A name stands for what was acknowledged last, or for what was on its way after it.
    fn check_assets(&self, assets: &[Asset], case: &str) {
        let bodies = [20_000, 25_000, 30_000].map(|len| meta_of(&body(len)).sha256.to_string());
        let order = |digest: &str| bodies.iter().position(|body| body == digest);
        assert!(!assets.iter().any(|asset| self.removed.contains(asset.name.as_str())), "{case}: a name came back");
        for (name, digest) in &self.assets {
            let found = assets.iter().find(|asset| asset.name.as_str() == name);
            assert!(found.is_some() || self.removing.contains(name), "{case}: {name} was acknowledged");
            assert!(
                found.is_none_or(|asset| order(&asset.blob.sha256.to_string()) >= order(digest)),
                "{case}: {name} is what it was before"
            );
        }
    }

    fn check(&self, tasks: &BTreeMap<TaskId, Task>, case: &str) {
        let bodies = [10_000, 300_000].map(|len| meta_of(&body(len)).sha256.to_string());
        for (id, digest) in &self.acknowledged {
            assert!(bodies.contains(digest), "{case}");
            assert_eq!(self.acknowledged.iter().filter(|(_, other)| other == digest).count(), 1, "{case}: acknowledged twice");
            let task = tasks.get(id);
            assert_eq!(task.is_none(), self.deleting.contains(id), "{case}: {id} was acknowledged");
            assert!(task.is_none_or(|task| task.original.sha256.to_string() == *digest), "{case}");
        }
        for (id, variant, claim_no) in &self.finished {
            let result = tasks.get(id).map(|task| task.results.get(variant).map(|result| result.claim_no.0));
            assert!(result.is_none_or(|result| result == Some(*claim_no)), "{case}: a visible result changed");
        }
    }
}
