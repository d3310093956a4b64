//! What is to be made of one image: a pipeline for each named result. Read from and printed in two forms, as a pipeline is:
//!
//! * compact: `large=resize:1600x/jpeg thumb=resize:200x200,fit=cover/webp`, divided by white space,
//! * JSON: `{"large":"resize:1600x/jpeg","thumb":{"steps":[...]}}`, each in either form.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use super::error::{PipelineError, floor_char_boundary};
use super::{Accepted, Pipeline, Presets, VariantName, json};
use crate::domain::asset::{AssetRef, AssetVersion};

/// Pipelines by the names of their results: at least one, at most [`Variants::MAX`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Variants(BTreeMap<VariantName, Pipeline>);

impl Variants {
    /// How many variants one task may have.
    pub const MAX: usize = 16;

    /// How many bytes their text may have, in either form, with all defaults: about as many as that of a single pipeline, so that
    /// variants fit into what one does. A single one always has room for its name.
    pub const MAX_TEXT: usize = Pipeline::MAX_TEXT + 2 * VariantName::MAX_LEN + Pipeline::ROOM_FOR_ACCEPTED;

    /// The variants of a task that was given a single pipeline: its result has the name [`VariantName::RESULT`].
    #[must_use]
    pub fn only(pipeline: Pipeline) -> Self {
        Self(BTreeMap::from([(VariantName::RESULT, pipeline)]))
    }

    /// Variants with these names.
    ///
    /// # Errors
    /// When there are none, more than [`Variants::MAX`], or one of their forms has no room in [`Variants::MAX_TEXT`]. The position is 0.
    pub fn new(variants: impl IntoIterator<Item = (VariantName, Pipeline)>) -> Result<Self, PipelineError> {
        let variants = Self(variants.into_iter().collect());
        if variants.0.is_empty() {
            return Err(PipelineError::new(0..0, "expected variants such as thumb=resize:200x/webp, found none"));
        }
        if variants.0.len() > Self::MAX {
            return Err(PipelineError::new(0..0, format!("a task has at most {} variants", Self::MAX)));
        }
        if variants.assets().len() > Pipeline::MAX_ASSETS {
            return Err(PipelineError::new(0..0, format!("the variants of a task name at most {} assets", Pipeline::MAX_ASSETS)));
        }
        let json = serde_json::to_string(&variants).map_or(usize::MAX, |json| json.len());
        let room: usize = variants.0.values().map(|pipeline| pipeline.room_for_versions() + pipeline.room_for_accepted()).sum();
        if json.max(variants.to_string().len()) + room > Self::MAX_TEXT {
            let message = format!("variants have at most {} bytes with their defaults, in either form", Self::MAX_TEXT);
            return Err(PipelineError::new(0..0, message));
        }
        Ok(variants)
    }

    /// The assets that the pipelines name, each once, in the order in which they come first.
    #[must_use]
    pub fn assets(&self) -> Vec<AssetRef> {
        Pipeline::assets_of(self.0.values())
    }

    /// The same variants with one version of every asset: the one that `version` says.
    ///
    /// # Errors
    /// The first that `version` gives.
    pub fn pinned<E>(self, mut version: impl FnMut(&AssetRef) -> Result<AssetVersion, E>) -> Result<Self, E> {
        let pinned = |(name, pipeline): (VariantName, Pipeline)| Ok((name, pipeline.pinned(&mut version)?));
        self.0.into_iter().map(pinned).collect::<Result<_, _>>().map(Self)
    }

    /// The same variants for a client that takes these formats, see [`Pipeline::accepting`].
    #[must_use]
    pub fn accepting(self, accepted: Accepted) -> Self {
        Self(self.0.into_iter().map(|(name, pipeline)| (name, pipeline.accepting(accepted))).collect())
    }

    /// The pipeline of a task that has only one, under the name that needs not be given.
    #[must_use]
    pub fn as_only(&self) -> Option<&Pipeline> {
        self.get(VariantName::RESULT).filter(|_| self.0.len() == 1)
    }

    /// The pipeline of that name.
    #[must_use]
    pub fn get(&self, name: VariantName) -> Option<&Pipeline> {
        self.0.get(&name)
    }

    /// Every variant, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (VariantName, &Pipeline)> {
        self.0.iter().map(|(name, pipeline)| (*name, pipeline))
    }

    /// Reads either form: JSON where the first character that is not white space is `{`, else compact. A pipeline may be the name of
    /// one of `presets`.
    ///
    /// # Errors
    /// When the text is no variants; the error points at the place.
    pub fn parse_with(text: &str, presets: &Presets) -> Result<Self, PipelineError> {
        if text.len() > Self::MAX_TEXT {
            let at = floor_char_boundary(text, Self::MAX_TEXT);
            return Err(PipelineError::new(at..text.len(), format!("the text of variants has at most {} bytes", Self::MAX_TEXT)));
        }
        let entries = if text.trim_ascii_start().starts_with('{') { json::variants(text)? } else { compact(text)? };
        let mut variants = BTreeMap::new();
        for Entry { name, pipeline } in entries {
            let (name, at) =
                (name.text.parse::<VariantName>().map_err(|error| PipelineError::new(name.at.clone(), error.to_string()))?, name.at);
            if variants.len() == Self::MAX {
                return Err(PipelineError::new(at, format!("a task has at most {} variants", Self::MAX)));
            }
            if variants.insert(name, pipeline.read(presets)?).is_some() {
                return Err(PipelineError::new(at, format!("{name} is given twice")));
            }
        }
        Self::new(variants)
    }
}

/// A variant that is not read yet.
pub(super) struct Entry<'a> {
    pub(super) name: Placed<'a>,
    pub(super) pipeline: Placed<'a>,
}

/// A part of a text and where it stands.
pub(super) struct Placed<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) at: Range<usize>,
    /// Whether every byte of the part is one of the text.
    pub(super) verbatim: bool,
}

impl Placed<'_> {
    /// The pipeline of that text; a fault in it is pointed at in the whole, or else the part is.
    fn read(&self, presets: &Presets) -> Result<Pipeline, PipelineError> {
        Pipeline::parse_with(&self.text, presets).map_err(|error| {
            let span = error.span();
            let at = if self.verbatim { self.at.start + span.start..self.at.start + span.end } else { self.at.clone() };
            PipelineError::new(at, error.message())
        })
    }
}

/// Splits the compact form. White space cannot stand inside of a pipeline there: it is escaped.
fn compact(text: &str) -> Result<Vec<Entry<'_>>, PipelineError> {
    let part = |part: &str| (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    text.split_ascii_whitespace()
        .map(|entry| {
            let at = part(entry)..part(entry) + entry.len();
            let Some((name, pipeline)) = entry.split_once('=') else {
                return Err(PipelineError::new(at, "expected a variant such as thumb=resize:200x/webp"));
            };
            let placed = |text| Placed { text: Cow::Borrowed(text), at: part(text)..part(text) + text.len(), verbatim: true };
            Ok(Entry { name: placed(name), pipeline: placed(pipeline) })
        })
        .collect()
}

impl FromStr for Variants {
    type Err = PipelineError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse_with(text, &Presets::default())
    }
}

/// The canonical compact form, by name; `parse` reads it back.
impl fmt::Display for Variants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter()
            .enumerate()
            .try_for_each(|(index, (name, pipeline))| write!(f, "{}{name}={pipeline}", if index == 0 { "" } else { " " }))
    }
}

/// The JSON form.
impl Serialize for Variants {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// From an object, as a document has it; the text of a user is for [`Variants::parse_with`], which points into it.
impl<'de> Deserialize<'de> for Variants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(BTreeMap::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
