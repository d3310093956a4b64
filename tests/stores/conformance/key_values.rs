//! What every store of key-values promises.

use std::sync::Arc;

use safelight::stores::key_values::{KeyQuery, KeyValueStore, Versioned};
use serde_json::{Value, json};

use crate::fixtures::{Sqlite, TaskEngine, block_on};

/// An engine for key-values.
pub(crate) trait KeyValueEngine {
    fn key_values(&self) -> Arc<dyn KeyValueStore>;
    fn reopen(&mut self);
}

impl KeyValueEngine for Sqlite {
    fn key_values(&self) -> Arc<dyn KeyValueStore> {
        self.db()
    }

    fn reopen(&mut self) {
        TaskEngine::reopen(self);
    }
}

fn set(store: &dyn KeyValueStore, key: &str, value: Value) -> u64 {
    block_on(store.set(key.into(), value)).unwrap()
}

fn keys(store: &dyn KeyValueStore, query: KeyQuery) -> Vec<String> {
    block_on(store.list(query)).unwrap().into_iter().map(|entry| entry.key).collect()
}

pub(crate) fn values_of_every_shape_are_read_back(engine: &mut impl KeyValueEngine) {
    let values = [json!(null), json!(true), json!(-4.5), json!(u64::MAX), json!("ünï\0\"code"), json!([1, [2]]), json!({"b": {"a": 1}})];
    let written: Vec<_> =
        values.iter().enumerate().map(|(n, v)| (n, set(&*engine.key_values(), &format!("key {n}"), v.clone()), v)).collect();
    engine.reopen();
    for (n, version, value) in written {
        let expected = Versioned { value: value.clone(), version };
        assert_eq!(block_on(engine.key_values().get(format!("key {n}"))), Ok(Some(expected)));
    }
    assert_eq!(block_on(engine.key_values().get("key".into())), Ok(None));
}

pub(crate) fn versions_only_grow(engine: &mut impl KeyValueEngine) {
    let first = set(&*engine.key_values(), "a", json!(1));
    let other = set(&*engine.key_values(), "b", json!(1));
    assert_eq!(block_on(engine.key_values().delete("a".into())), Ok(true));
    assert_eq!(block_on(engine.key_values().delete("a".into())), Ok(false));
    assert_eq!(block_on(engine.key_values().get("a".into())), Ok(None));
    engine.reopen();
    // A watcher that saw the first must notice the second, although the key was gone in between.
    let again = set(&*engine.key_values(), "a", json!(1));
    assert!(first < other && other < again, "{first} {other} {again}");
}

pub(crate) fn a_prefix_selects_its_keys(engine: &mut impl KeyValueEngine) {
    let store = engine.key_values();
    for key in ["workers.count", "workers", "work", "workers/2", "x", "WORKERS.count", "workers.%", "œ"] {
        set(&*store, key, json!(0));
    }
    let list = |prefix: &str| keys(&*store, KeyQuery { prefix: prefix.into(), after: None, limit: 100 });
    assert_eq!(list("workers"), ["workers", "workers.%", "workers.count", "workers/2"]);
    assert_eq!(list("workers.%"), ["workers.%"]);
    assert_eq!(list("œ"), ["œ"]);
    assert_eq!(list("").len(), 8);
    assert_eq!(list("none"), Vec::<String>::new());
}

pub(crate) fn pages_go_on_behind_a_key(engine: &mut impl KeyValueEngine) {
    let store = engine.key_values();
    for n in 0..5 {
        set(&*store, &format!("k{n}"), json!(n));
    }
    set(&*store, "z", json!(0));
    let page = |after: Option<&str>| keys(&*store, KeyQuery { prefix: "k".into(), after: after.map(Into::into), limit: 2 });
    assert_eq!(page(None), ["k0", "k1"]);
    assert_eq!(page(Some("k1")), ["k2", "k3"]);
    assert_eq!(page(Some("k3")), ["k4"]);
    assert_eq!(page(Some("k4")), Vec::<String>::new());
}
