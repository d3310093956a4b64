//! One key: which names are the system's, what a reply tells, and how the store is read and written.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::actors::key_values::KeyValuesError;
use crate::config::Live;
use crate::config::schema;
use crate::stores::key_values::{Entry, KeyQuery, KeyValueStore};

/// The longest key, in bytes.
const MAX_KEY: usize = 256;

/// The largest value, in bytes of its JSON.
const MAX_VALUE: usize = 64 * 1024;

/// Keys read from the store at once.
const PAGE: usize = 500;

/// A key as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The key.
    pub key: String,
    /// Its value; for a system key the one in force.
    pub value: Value,
    /// Grows with every change; `None` while a system key has the value of the configuration.
    pub version: Option<u64>,
    /// Whether it is one of the system's.
    pub system: bool,
}

/// Whether the key is the system's: everything below the name of a section is, so that a slip of a key is no silent success.
fn is_system(key: &str) -> bool {
    let section = key.split_once('.').map_or(key, |(section, _)| section);
    schema::sections().iter().any(|known| known.name == section)
}

/// The settings in force: the configuration, overridden by what the store has.
pub(super) async fn overrides(store: Arc<dyn KeyValueStore>, configured: Arc<Live>) -> Result<Live, KeyValuesError> {
    let mut live = (*configured).clone();
    for section in schema::sections() {
        for Entry { key, versioned } in entries(&*store, format!("{}.", section.name)).await? {
            match live.clone().with(&key, &versioned.value) {
                Ok(with) => live = with,
                // Stored by another version of the server: the configuration stands.
                Err(why) => log::warn!(key = key.as_str(), why:% = why; "stored setting ignored"),
            }
        }
    }
    Ok(live)
}

/// Everything below `prefix`.
async fn entries(store: &dyn KeyValueStore, prefix: String) -> Result<Vec<Entry>, KeyValuesError> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map(|entry| entry.key.clone());
        let page = store.list(KeyQuery { prefix: prefix.clone(), after, limit: PAGE }).await?;
        let last = page.len() < PAGE;
        entries.extend(page);
        if last {
            return Ok(entries);
        }
    }
}

/// Reads one key.
pub(super) async fn get(store: Arc<dyn KeyValueStore>, live: Arc<Live>, key: String) -> Result<Setting, KeyValuesError> {
    let system = is_system(&key);
    let stored = store.get(key.clone()).await?;
    let version = stored.as_ref().map(|stored| stored.version);
    let value = if system { live.get(&key) } else { stored.map(|stored| stored.value) };
    Ok(Setting { value: value.ok_or(KeyValuesError::NotSet)?, key, version, system })
}

/// Every key that has a value.
pub(super) async fn list(store: Arc<dyn KeyValueStore>, live: Arc<Live>) -> Result<Vec<Setting>, KeyValuesError> {
    let stored = entries(&*store, String::new()).await?;
    let version = |key: &str| stored.iter().find(|entry| entry.key == key).map(|entry| entry.versioned.version);
    let system = live.list().into_iter().map(|(key, value)| Setting { version: version(&key), key, value, system: true });
    let own = stored.iter().filter(|entry| !is_system(&entry.key)).cloned();
    let own = own.map(|Entry { key, versioned }| Setting { key, value: versioned.value, version: Some(versioned.version), system: false });
    Ok(system.chain(own).collect())
}

/// Checks and stores one key.
pub(super) async fn set(store: Arc<dyn KeyValueStore>, live: Arc<Live>, key: String, value: Value) -> Result<Setting, KeyValuesError> {
    let system = is_system(&key);
    let Accepted { stored, in_force } = if system { checked(&live, &key, &value)? } else { free(&key, value)? };
    let version = store.set(key.clone(), stored).await?;
    log::info!(key = key.as_str(), version; "setting changed");
    Ok(Setting { key, value: in_force, version: Some(version), system })
}

/// A value that its key takes.
struct Accepted {
    /// What is kept: `auto` stays `auto`, since the number belongs to the machine.
    stored: Value,
    /// What it means now.
    in_force: Value,
}

/// A system key's value in its normal form.
fn checked(live: &Live, key: &str, value: &Value) -> Result<Accepted, KeyValuesError> {
    let with = live.clone().with(key, value).map_err(|refused| KeyValuesError::Invalid(refused.to_string()))?;
    let system = schema::system_key(key).ok_or(KeyValuesError::NotSet)?;
    let stored = system.check_json(value).map_err(|bad| KeyValuesError::Invalid(bad.to_string()))?;
    Ok(Accepted { stored, in_force: with.get(key).ok_or(KeyValuesError::NotSet)? })
}

/// A key of the user's own, within the bounds.
fn free(key: &str, value: Value) -> Result<Accepted, KeyValuesError> {
    let legible = !key.is_empty() && key.len() <= MAX_KEY && key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
    if !legible {
        return Err(KeyValuesError::Invalid(format!("a key is 1 to {MAX_KEY} printable ASCII characters without spaces and slashes")));
    }
    if value.to_string().len() > MAX_VALUE {
        return Err(KeyValuesError::Invalid(format!("a value has at most {MAX_VALUE} bytes as JSON")));
    }
    Ok(Accepted { stored: value.clone(), in_force: value })
}

/// Removes one key.
pub(super) async fn delete(store: Arc<dyn KeyValueStore>, key: String) -> Result<(), KeyValuesError> {
    if store.delete(key.clone()).await? {
        log::info!(key = key.as_str(); "setting removed");
        return Ok(());
    }
    Err(KeyValuesError::NotSet)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;

    #[test]
    fn auto_is_kept_as_auto_and_told_as_a_number() {
        let live = Live::from_config(&Config::default());
        let Accepted { stored, in_force } = checked(&live, "workers.count", &json!("auto")).expect("a valid value");
        assert_eq!(stored, json!("auto"));
        assert!(in_force.is_u64(), "{in_force}");
    }
}
