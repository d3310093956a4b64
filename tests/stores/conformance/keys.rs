//! What every store of API keys promises.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use safelight::domain::access::{ApiKey, Key, KeyChange, KeyId, NewKey, Quota};
use safelight::domain::timestamp::Timestamp;
use safelight::stores::keys::KeyStore;

use crate::fixtures::{Sqlite, TaskEngine, block_on};

/// An engine for API keys.
pub(crate) trait KeyEngine {
    fn keys(&self) -> Arc<dyn KeyStore>;
    fn reopen(&mut self);
}

impl KeyEngine for Sqlite {
    fn keys(&self) -> Arc<dyn KeyStore> {
        self.db()
    }

    fn reopen(&mut self) {
        TaskEngine::reopen(self);
    }
}

const NOW: Timestamp = Timestamp(1_700_000_000_123);

fn secret(id: u8) -> ApiKey {
    ApiKey::random(KeyId([id; 8])).unwrap()
}

fn key(id: u8) -> Key {
    let quota = Quota { requests_per_minute: NonZeroU32::new(60), stored_bytes: Some(1 << 40), ..Quota::default() };
    let new = NewKey {
        name: "Größe \"1\"".parse().unwrap(),
        scopes: "submit,admin".parse().unwrap(),
        quota,
        expires_in: Some(Duration::from_millis(1)),
    };
    Key::create(new, &secret(id), NOW)
}

fn save(store: &dyn KeyStore, key: &Key) {
    block_on(store.save(key.clone())).unwrap();
}

pub(crate) fn a_key_is_read_back_as_it_was_saved(engine: &mut impl KeyEngine) {
    let plain = Key { quota: Quota::default(), expires_at: None, ..key(2) };
    let keys = [key(1), plain];
    keys.iter().for_each(|key| save(&*engine.keys(), key));
    assert_eq!(block_on(engine.keys().all()), Ok(keys.to_vec()));
    engine.reopen();
    assert_eq!(block_on(engine.keys().all()), Ok(keys.to_vec()));
}

pub(crate) fn a_key_saved_again_keeps_its_place(engine: &mut impl KeyEngine) {
    let (first, second) = (key(9), key(1));
    save(&*engine.keys(), &first);
    save(&*engine.keys(), &second);
    let rotate = KeyChange::Rotate { secret: secret(9).digest(), overlap: Duration::from_secs(5) };
    let changed = first.changed(rotate, NOW).and_then(|key| key.changed(KeyChange::Revoke, NOW)).unwrap();
    // As after an unknown outcome.
    for _ in 0..2 {
        save(&*engine.keys(), &changed);
    }
    engine.reopen();
    assert_eq!(block_on(engine.keys().all()), Ok(vec![changed, second]));
}

pub(crate) fn a_server_does_not_hear_of_its_own_uses(engine: &mut impl KeyEngine) {
    for uses in [vec![(KeyId([1; 8]), 3), (KeyId([2; 8]), 1)], vec![(KeyId([1; 8]), 2)], vec![]] {
        assert_eq!(block_on(engine.keys().share_uses(uses)), Ok(vec![]), "there are no others");
        engine.reopen();
    }
}
