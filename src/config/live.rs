//! The settings that may change while the server runs: those of the configuration, overridden one by one by what is
//! kept in the key-values store.

use serde_json::Value as Json;

use crate::config::Config;
use crate::config::kind::BadValue;
use crate::config::raw::Raw;
use crate::config::schema;
use crate::config::sections::{AssetLimits, presets};
use crate::domain::limits::ImageLimits;
use crate::domain::pipeline::Presets;
use crate::domain::task::Retention;

/// Why a setting cannot be overridden.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingRefused {
    /// No key of the system has this name.
    #[error("{0} is not a setting of this server{hint}", hint = did_you_mean(.0))]
    Unknown(String),
    /// The key is read at start only.
    #[error("{0} is read at start only: set it in the configuration and restart the server")]
    NotLive(&'static str),
    /// The key does not take the value.
    #[error("{0}: {1}")]
    BadValue(String, #[source] BadValue),
}

/// The end of a sentence on an unknown key: the key that was probably meant, if there is one.
fn did_you_mean(unknown: &str) -> String {
    schema::nearest_key(unknown).map(|key| format!("; did you mean {key}?")).unwrap_or_default()
}

/// The live settings as they are now. A change makes a new one, so that a reader never sees half of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    config: Config,
}

impl Live {
    /// The settings without any override.
    #[must_use]
    pub fn from_config(config: &Config) -> Self {
        Self { config: config.clone() }
    }

    /// The settings with one override.
    ///
    /// # Errors
    /// When the key is unknown or not live, or does not take the value.
    pub fn with(mut self, path: &str, value: &Json) -> Result<Self, SettingRefused> {
        let key = schema::system_key(path).ok_or_else(|| SettingRefused::Unknown(path.to_owned()))?;
        if !key.live {
            return Err(SettingRefused::NotLive(key.path));
        }
        self.config.set(path, &Raw::from(value)).map_err(|bad| SettingRefused::BadValue(path.to_owned(), bad))?;
        Ok(self)
    }

    /// The value in force of any of the system's keys, live or not, in its normal form; `None` when there is no such key.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Json> {
        self.config.get(path)
    }

    /// Every key of the system with its value in force, the presets last.
    #[must_use]
    pub fn list(&self) -> Vec<(String, Json)> {
        let keys = schema::sections().iter().filter(|section| section.name != presets::SECTION.name).flat_map(|section| section.keys);
        let presets = self.presets().iter().map(|(name, _)| format!("{}.{name}", presets::SECTION.name));
        let paths = keys.map(|key| key.path.to_owned()).chain(presets);
        paths.filter_map(|path| self.get(&path).map(|value| (path, value))).collect()
    }

    /// How many workers there are to be.
    #[must_use]
    pub fn workers(&self) -> u32 {
        self.config.workers.count
    }

    /// The largest images that are taken and made.
    #[must_use]
    pub fn limits(&self) -> ImageLimits {
        ImageLimits::from(&self.config.limits)
    }

    /// What holds for assets.
    #[must_use]
    pub fn asset_limits(&self) -> AssetLimits {
        AssetLimits::from(&self.config.limits)
    }

    /// How long a task is kept once it has ended, unless its upload says so.
    #[must_use]
    pub fn retention(&self) -> Retention {
        self.config.tasks.expires_in
    }

    /// The presets by name; `default` is always among them.
    #[must_use]
    pub fn presets(&self) -> &Presets {
        &self.config.presets
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::pipeline::Pipeline;

    #[test]
    fn an_override_changes_its_key_and_nothing_else() {
        let before = Live::from_config(&Config::default());
        let after = before.clone().with("limits.max_pixels", &json!(1000)).expect("a live key");
        assert_eq!(after.limits(), ImageLimits { max_pixels: 1000, ..before.limits() });
        assert_eq!((after.workers(), after.presets()), (before.workers(), before.presets()));
    }

    #[test]
    fn presets_can_be_added_in_either_form() {
        let live = Live::from_config(&Config::default());
        let document = json!({"steps": [{"op": "invert"}]});
        let live = live.with("presets.negative", &document).expect("the JSON form");
        let live = live.with("presets.default", &json!("grayscale")).expect("the compact form");
        assert_eq!(live.presets().get("negative"), Pipeline::parse("invert").ok().as_ref());
        assert_eq!(live.presets().get("default"), Pipeline::parse("grayscale").ok().as_ref());
    }

    #[test]
    fn every_value_in_force_can_be_read_and_listed() {
        let live = Live::from_config(&Config::default()).with("presets.negative", &json!("invert")).expect("a live key");
        let listed = live.list();
        assert_eq!(listed.len(), schema::sections().iter().map(|section| section.keys.len()).sum::<usize>() + 1);
        assert!(listed.contains(&("presets.negative".to_owned(), json!("invert"))));
        assert!(listed.contains(&("server.drain".to_owned(), json!("30s"))));
        assert_eq!(live.get("workers.count"), Some(json!(live.workers())));
        assert_eq!((live.get("presets.unknown"), live.get("workers.cuont")), (None, None));
    }

    #[test]
    fn what_cannot_change_says_why() {
        let refused = |path: &str, value| Live::from_config(&Config::default()).with(path, &value).expect_err("refused").to_string();
        assert_eq!(refused("workers.cuont", json!(4)), "workers.cuont is not a setting of this server; did you mean workers.count?");
        assert_eq!(refused("workers.zzz", json!(4)), "workers.zzz is not a setting of this server");
        assert!(refused("server.listen", json!("127.0.0.1:1")).contains("restart the server"));
        assert_eq!(refused("limits.max_width", json!(0)), "limits.max_width: expected a whole number from 1 to 1000000, found 0");
        assert!(refused("presets.default", json!("swap_chanels")).contains("swap_channels"), "the parser's hint is kept");
    }
}
