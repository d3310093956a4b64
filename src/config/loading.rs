//! A configuration while it is put together: sources lay their values over each other, the last one wins, and every
//! value is checked as it comes in, also one that a later source replaces.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::config::Config;
use crate::config::fault::{ConfigFaults, Fault, Place};
use crate::config::raw::Raw;
use crate::config::schema;
use crate::config::sections::presets;

/// What has been collected so far.
#[derive(Debug, Default)]
pub(crate) struct Loading {
    /// The defaults under every good value so far.
    pub(crate) config: Config,
    /// The good values with their places, for messages about several keys.
    set: BTreeMap<String, (Json, Place)>,
    broken: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl Loading {
    /// Takes one value, or notes why it cannot be taken.
    pub(crate) fn put(&mut self, path: &str, raw: &Raw, place: Place) {
        let Some(key) = schema::system_key(path) else {
            let message = unknown_key(path, &place);
            return self.fault(place, message);
        };
        match key.kind.normal(raw).and_then(|normal| self.config.set(path, raw).map(|()| normal)) {
            Ok(normal) => drop(self.set.insert(path.to_owned(), (normal, place))),
            Err(bad) => {
                self.broken.insert(path.to_owned());
                self.fault(place, format!("{path}: {bad}"));
            }
        }
    }

    /// Notes a fault.
    pub(crate) fn fault(&mut self, place: Place, message: String) {
        self.faults.push(Fault { place, message });
    }

    /// Whether a value for this key was refused, so that another one stands in for something unknown.
    pub(crate) fn is_broken(&self, path: &str) -> bool {
        self.broken.contains(path)
    }

    /// Where the value of a key comes from; `None` for the default.
    pub(crate) fn place(&self, path: &str) -> Option<&Place> {
        self.set.get(path).map(|(_, place)| place)
    }

    /// A known key's name, value and place, as a message shows them.
    pub(crate) fn describe(&self, path: &str) -> String {
        match self.set.get(path) {
            Some((value, place)) => format!("{path} = {value} ({place})"),
            None => {
                let default = schema::system_key(path).map(schema::Key::default_value).unwrap_or_default();
                format!("{path} = {default} (default)")
            }
        }
    }

    /// The configuration, or everything that is wrong with it, in the order of the places.
    pub(crate) fn finish(mut self) -> Result<Config, ConfigFaults> {
        self.faults.sort();
        if self.faults.is_empty() { Ok(self.config) } else { Err(ConfigFaults(self.faults)) }
    }
}

/// Says that there is no such key, and which one was probably meant.
fn unknown_key(path: &str, place: &Place) -> String {
    let (section, name) = path.split_once('.').unwrap_or((path, ""));
    if let (true, Err(why)) = (section == presets::SECTION.name, presets::check_name(name)) {
        return why.to_string();
    }
    match schema::nearest_key(path) {
        Some(meant) => format!("{path}: there is no such key; did you mean {}?", place.spell(meant)),
        None => format!("{path}: there is no such key; `safelight config default` lists every key"),
    }
}
