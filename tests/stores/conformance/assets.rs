//! What every store of assets promises.

use std::sync::Arc;
use std::time::Duration;

use safelight::domain::asset::{Asset, AssetName, AssetVersion, NewAsset};
use safelight::domain::format::Format;
use safelight::domain::ids::TaskId;
use safelight::domain::pipeline::Variants;
use safelight::domain::task::{Change, NewTask, Task};
use safelight::stores::assets::{AssetPage, AssetQuery, AssetStore, AssetStoreError};
use safelight::stores::tasks::{Backlog, TaskStore, TaskStoreError};

use crate::blob_fixtures::meta_of;
use crate::fixtures::{Sqlite, TaskEngine, apply, block_on, claim_one, failure, finish, new_task, release};

/// An engine for assets.
pub(crate) trait AssetEngine {
    fn assets(&self) -> Arc<dyn AssetStore>;
    /// The tasks that use them.
    fn tasks(&self) -> Arc<dyn TaskStore>;
    fn reopen(&mut self);
}

impl AssetEngine for Sqlite {
    fn assets(&self) -> Arc<dyn AssetStore> {
        self.db()
    }

    fn tasks(&self) -> Arc<dyn TaskStore> {
        self.db()
    }

    fn reopen(&mut self) {
        TaskEngine::reopen(self);
    }
}

fn name(text: &str) -> AssetName {
    text.parse().unwrap()
}

pub(crate) fn new_asset(text: &str) -> NewAsset {
    let blob = meta_of(text.as_bytes());
    NewAsset { name: name(text), version: AssetVersion::random(), blob, format: Format::Webp, width: 30, height: 20 }
}

pub(crate) fn put(store: &dyn AssetStore, asset: &NewAsset) -> (Asset, bool) {
    let stored = block_on(store.put(asset.clone(), u64::MAX)).unwrap();
    (stored.asset, stored.replaced)
}

fn get(store: &dyn AssetStore, text: &str) -> Option<Asset> {
    block_on(store.get(name(text))).unwrap()
}

fn in_use(store: &dyn AssetStore, version: AssetVersion) -> bool {
    block_on(store.is_in_use(version)).unwrap()
}

pub(crate) fn an_asset_is_read_back_as_it_was_written(engine: &mut impl AssetEngine) {
    let new = new_asset("logo");
    let (asset, replaced) = put(&*engine.assets(), &new);
    assert_eq!(asset, Asset::create(new, asset.stored_at));
    assert!(!replaced);
    engine.reopen();
    assert_eq!(get(&*engine.assets(), "logo"), Some(asset));
    assert_eq!(get(&*engine.assets(), "log"), None);
}

pub(crate) fn a_name_stands_for_its_latest_version(engine: &mut impl AssetEngine) {
    let (first, second) = (new_asset("logo"), new_asset("logo"));
    put(&*engine.assets(), &first);
    assert!(put(&*engine.assets(), &second).1, "replaced");
    // As after an unknown outcome.
    assert!(!put(&*engine.assets(), &second).1, "a repetition replaces nothing");
    engine.reopen();
    let store = engine.assets();
    assert_eq!(get(&*store, "logo").map(|asset| asset.version), Some(second.version));
    assert_eq!((in_use(&*store, first.version), in_use(&*store, second.version)), (false, true));
}

pub(crate) fn a_name_that_was_taken_away_stands_for_nothing(engine: &mut impl AssetEngine) {
    let new = new_asset("logo");
    put(&*engine.assets(), &new);
    assert_eq!(block_on(engine.assets().delete(name("logo"))), Ok(true));
    engine.reopen();
    assert_eq!(get(&*engine.assets(), "logo"), None);
    assert!(!in_use(&*engine.assets(), new.version));
    assert_eq!(block_on(engine.assets().delete(name("logo"))), Ok(false));
}

pub(crate) fn there_are_no_more_names_than_there_may_be(engine: &mut impl AssetEngine) {
    let store = engine.assets();
    let put = |text| block_on(store.put(new_asset(text), 2)).map(|stored| stored.replaced);
    assert_eq!([put("a"), put("b"), put("c")], [Ok(false), Ok(false), Err(AssetStoreError::TooMany { max: 2 })]);
    assert_eq!(put("b"), Ok(true), "one that is there takes no place");
    assert_eq!(get(&*store, "c"), None);
    assert_eq!(block_on(store.count()), Ok(2));
    block_on(store.delete(name("a"))).unwrap();
    assert_eq!(put("c"), Ok(false));
}

pub(crate) fn pages_are_in_the_order_of_names(engine: &mut impl AssetEngine) {
    let store = engine.assets();
    for text in ["b", "a-1", "c", "a", "a_"] {
        put(&*store, &new_asset(text));
    }
    let page = |after: Option<&str>, limit| {
        let AssetPage { assets, next } = block_on(store.list(AssetQuery { after: after.map(name), limit })).unwrap();
        (assets.iter().map(|asset| asset.name.to_string()).collect::<Vec<_>>().join(" "), next.map(|next| next.to_string()))
    };
    assert_eq!(page(None, 2), ("a a-1".to_owned(), Some("a-1".to_owned())));
    assert_eq!(page(Some("a-1"), 2), ("a_ b".to_owned(), Some("b".to_owned())));
    assert_eq!(page(Some("b"), 2), ("c".to_owned(), None));
    assert_eq!(page(None, 5).1, None, "a page that is full is the last one where nothing is behind it");
    assert_eq!(page(Some("bb"), 0), ("c".to_owned(), None));
}

fn task_of(pipeline: &str) -> NewTask {
    NewTask { variants: Variants::only(pipeline.parse().unwrap()), ..new_task(1) }
}

fn insert(store: &dyn TaskStore, pipeline: &str) -> Task {
    apply(store, Change::Insert(task_of(pipeline))).unwrap()
}

pub(crate) fn a_task_is_pinned_to_the_versions_that_names_stand_for(engine: &mut impl AssetEngine) {
    let (logo, other) = (new_asset("logo"), new_asset("other"));
    put(&*engine.assets(), &logo);
    put(&*engine.assets(), &other);
    let task = insert(&*engine.tasks(), "watermark:logo/invert/watermark:other/watermark:logo,tile=true");
    put(&*engine.assets(), &new_asset("logo"));
    engine.reopen();
    let (logo, other) = (logo.version, other.version);
    let expected = format!("watermark:logo@{logo}/invert/watermark:other@{other}/watermark:logo@{logo},tile=true");
    assert_eq!(task.variants, Variants::only(expected.parse().unwrap()));
    assert_eq!(block_on(engine.tasks().get(task.id)), Ok(Some(task)));
}

pub(crate) fn a_task_of_an_unknown_asset_is_not_taken(engine: &mut impl AssetEngine) {
    let (assets, tasks) = (engine.assets(), engine.tasks());
    let (first, second) = (new_asset("logo"), new_asset("logo"));
    put(&*assets, &first);
    put(&*assets, &second);
    let refused = |pipeline: &str, asset: &str| {
        let expected = Err(TaskStoreError::NoSuchAsset(asset.parse().unwrap()));
        assert_eq!(apply(&*tasks, Change::Insert(task_of(pipeline))), expected, "{pipeline}");
    };
    refused("watermark:log", "log");
    refused("watermark:logo/watermark:other", "other");
    let former = format!("logo@{}", first.version);
    refused(&format!("watermark:{former}"), &former);
    assert_eq!(block_on(tasks.backlog()), Ok(Backlog::default()));
    insert(&*tasks, &format!("watermark:logo@{}", second.version));
    assert_eq!(block_on(tasks.backlog()), Ok(Backlog { tasks: 1, bytes: 1 }));
}

pub(crate) fn a_version_is_in_use_until_its_tasks_can_run_no_more(engine: &mut impl AssetEngine) {
    let logo = new_asset("logo");
    put(&*engine.assets(), &logo);
    let [first, second]: [TaskId; 2] = [(); 2].map(|()| insert(&*engine.tasks(), "watermark:logo").id);
    block_on(engine.assets().delete(name("logo"))).unwrap();
    let (assets, tasks) = (engine.assets(), engine.tasks());
    let holds = |expected: bool, when: &str| assert_eq!(in_use(&*assets, logo.version), expected, "{when}");
    holds(true, "both wait");
    let claim = claim_one(&*tasks).claim;
    apply(&*tasks, release(claim, false, Duration::ZERO)).unwrap();
    let claim = claim_one(&*tasks).claim;
    apply(&*tasks, Change::Fail { claim, failure: failure() }).unwrap();
    apply(&*tasks, Change::Cancel { id: second }).unwrap();
    holds(true, "either may be retried");
    apply(&*tasks, Change::MarkDeleting { id: second }).unwrap();
    apply(&*tasks, Change::Retry { id: first, run: 1 }).unwrap();
    holds(true, "one waits again");
    let claim = claim_one(&*tasks).claim;
    apply(&*tasks, finish(claim)).unwrap();
    holds(false, "one is finished, one is being deleted");
}
