//! Presets: pipelines with a name of their own, from the configuration.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::call::did_you_mean;
use super::{OutputChoice, Pipeline, PipelineError, Step};
use crate::domain::name::is_name;

/// The name of a preset: a lower-case letter, then up to 63 lower-case letters, digits, `_` or `-`; never the name of an
/// operation or a format, so that a pipeline's text has one meaning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PresetName(String);

impl PresetName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text cannot name a preset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPresetName {
    /// Characters or length.
    #[error("{0:?} is not a preset's name: expected a lower-case letter, then up to 63 of a-z, 0-9, _ and -")]
    Spelling(String),
    /// It already means something in a pipeline.
    #[error("{0:?} cannot name a preset: it is the name of an operation or a format")]
    Taken(String),
}

impl FromStr for PresetName {
    type Err = InvalidPresetName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !is_name(text) {
            Err(InvalidPresetName::Spelling(text.to_owned()))
        } else if OutputChoice::is_named(text) || Step::names().any(|name| name == text) {
            Err(InvalidPresetName::Taken(text.to_owned()))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl From<PresetName> for String {
    fn from(name: PresetName) -> Self {
        name.0
    }
}

impl TryFrom<String> for PresetName {
    type Error = InvalidPresetName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl Borrow<str> for PresetName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PresetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The presets of a server. As data: a map from name to pipeline, each in either form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Presets(BTreeMap<PresetName, Pipeline>);

impl Presets {
    /// The pipeline of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Pipeline> {
        self.0.get(name)
    }

    /// The pipeline of that name, spaces around it aside.
    ///
    /// # Errors
    /// When there is none, with the names that there are.
    pub fn find(&self, name: &str) -> Result<&Pipeline, PipelineError> {
        let known = || self.0.keys().map(PresetName::as_str);
        self.get(name.trim_ascii()).ok_or_else(|| {
            let names = known().collect::<Vec<_>>().join(", ");
            PipelineError::new(
                0..name.len(),
                format!("unknown preset: expected one of {names}{}", did_you_mean(name.trim_ascii(), known())),
            )
        })
    }

    /// Adds or replaces a preset; returns the pipeline that had the name.
    pub fn insert(&mut self, name: PresetName, pipeline: Pipeline) -> Option<Pipeline> {
        self.0.insert(name, pipeline)
    }

    /// Every preset, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&PresetName, &Pipeline)> {
        self.0.iter()
    }
}

impl FromIterator<(PresetName, Pipeline)> for Presets {
    fn from_iter<I: IntoIterator<Item = (PresetName, Pipeline)>>(presets: I) -> Self {
        Self(presets.into_iter().collect())
    }
}
