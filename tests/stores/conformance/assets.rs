//! What every store of assets promises.

use std::sync::Arc;

use safelight::domain::asset::{Asset, AssetName, AssetVersion, NewAsset};
use safelight::domain::format::Format;
use safelight::stores::assets::{AssetPage, AssetQuery, AssetStore, AssetStoreError};

use crate::blob_fixtures::meta_of;
use crate::fixtures::{Sqlite, TaskEngine, block_on};

/// An engine for assets.
pub(crate) trait AssetEngine {
    fn assets(&self) -> Arc<dyn AssetStore>;
    fn reopen(&mut self);
}

impl AssetEngine for Sqlite {
    fn assets(&self) -> Arc<dyn AssetStore> {
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
