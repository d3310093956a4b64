//! The schema: every key with its kind, default, documentation, and whether it may change while the server runs.
//! It is the one list that the file, the environment, the flags, the settings API and `config.toml` are checked
//! against and made from; the sections themselves lie in `sections/`.

use std::fmt;

use serde_json::Value as Json;

use crate::config::kind::{AnyKind, BadValue};
use crate::config::raw::Raw;
use crate::config::sections::{SECTIONS, presets};

/// A group of keys: one service's settings.
pub struct Section {
    /// The name of the section, such as `workers`.
    pub name: &'static str,
    /// What it is for, in Markdown, one string a line.
    pub doc: &'static [&'static str],
    /// Its keys in the order in which people read them.
    pub keys: &'static [Key],
}

/// One key: everything that is known about it apart from its value.
pub struct Key {
    /// The full name, such as `workers.count`; `presets.<name>` stands for every preset.
    pub path: &'static str,
    /// What it means, in Markdown, one string a line.
    pub doc: &'static [&'static str],
    /// Whether a change takes effect while the server runs.
    pub live: bool,
    pub(crate) default: &'static str,
    pub(crate) kind: &'static dyn AnyKind,
}

impl Key {
    /// The last part of the path.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.split_once('.').map_or(self.path, |(_, name)| name)
    }

    /// What the key takes, in words: the end of a sentence "expected ...".
    #[must_use]
    pub fn expected(&self) -> String {
        self.kind.expects()
    }

    /// The default in its normal form.
    ///
    /// # Panics
    /// Never: a test reads the default of every key.
    #[must_use]
    pub fn default_value(&self) -> Json {
        self.kind.normal(&Raw::Untyped(self.default.to_owned())).expect("every default is valid, which a test holds")
    }

    /// The normal form of a JSON value for this key, as it should be stored.
    ///
    /// # Errors
    /// When the key does not take the value; the message says what it takes.
    pub fn check_json(&self, value: &Json) -> Result<Json, BadValue> {
        self.kind.normal(&Raw::from(value))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("path", &self.path).field("default", &self.default).field("live", &self.live).finish_non_exhaustive()
    }
}

/// Every section, in the order of `config.toml`.
#[must_use]
pub fn sections() -> &'static [&'static Section] {
    &SECTIONS
}

/// The key that a full name such as `workers.count` or `presets.thumbnail` stands for; `None` when it is none of the system's.
#[must_use]
pub fn system_key(path: &str) -> Option<&'static Key> {
    let (section, name) = path.split_once('.')?;
    let section = SECTIONS.iter().find(|candidate| candidate.name == section)?;
    match section.keys.iter().find(|key| key.name() == name) {
        None if section.name == presets::SECTION.name && presets::check_name(name).is_ok() => Some(&presets::KEY),
        found => found,
    }
}

/// The section that an unknown name was probably meant to be.
pub(crate) fn nearest_section(unknown: &str) -> Option<&'static str> {
    nearest(unknown, SECTIONS.iter().map(|section| (section.name, section.name)))
}

/// The key that an unknown one was probably meant to be: the same name in another section, or one spelled alike.
pub(crate) fn nearest_key(unknown: &str) -> Option<&'static str> {
    let keys = || SECTIONS.iter().flat_map(|section| section.keys);
    let (_, name) = unknown.split_once('.')?;
    let elsewhere = keys().find(|key| key.name() == name).map(|key| key.path);
    elsewhere.or_else(|| nearest(unknown, keys().map(|key| (key.path, key.path))))
}

/// The value whose name differs from `unknown` in less than a third of its letters.
fn nearest<T: Ord>(unknown: &str, known: impl Iterator<Item = (&'static str, T)>) -> Option<T> {
    // Long texts are no slips of a key, and the distance costs the product of both lengths.
    if unknown.len() > 64 {
        return None;
    }
    let distances = known.map(|(name, value)| (strsim::damerau_levenshtein(unknown, name), name, value));
    distances.filter(|(distance, name, _)| distance * 3 < name.len()).min().map(|(_, _, value)| value)
}

/// Declares a section: the typed struct that the code reads, and the schema of its keys, from the same lines.
///
/// Every field is `name: Type = live|fixed(kind, default)`; `live` keys may change while the server runs, and the
/// default is written as the environment would write it.
macro_rules! section {
    (
        $(#[doc = $section_doc:literal])*
        pub struct $Section:ident = $section:literal {
            $( $(#[doc = $doc:literal])* $field:ident: $Type:ty = $change:ident($kind:expr, $default:literal), )*
        }
    ) => {
        $(#[doc = $section_doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $Section { $( $(#[doc = $doc])* pub $field: $Type, )* }

        impl $Section {
            pub(crate) const SECTION: $crate::config::schema::Section = $crate::config::schema::Section {
                name: $section,
                doc: &[$($section_doc,)*],
                keys: &[$( $crate::config::schema::Key {
                    path: concat!($section, ".", stringify!($field)),
                    doc: &[$($doc,)*],
                    live: $crate::config::schema::section!(@$change),
                    default: $default,
                    kind: &$kind,
                }, )*],
            };

            /// Sets the key of this name, which must be one of the section's.
            pub(crate) fn set(&mut self, name: &str, raw: &$crate::config::raw::Raw) -> Result<(), $crate::config::kind::BadValue> {
                use $crate::config::kind::Kind as _;
                $( if name == stringify!($field) { self.$field = $kind.read(raw)?; return Ok(()); } )*
                unreachable!("[{}] has no key {name}: the schema was asked before", $section)
            }

            /// The value in force of the key of this name, which must be one of the section's.
            pub(crate) fn get(&self, name: &str) -> serde_json::Value {
                use $crate::config::kind::Kind as _;
                $( if name == stringify!($field) { return $kind.print(&self.$field); } )*
                unreachable!("[{}] has no key {name}: the schema was asked before", $section)
            }
        }

        impl Default for $Section {
            fn default() -> Self {
                use $crate::config::kind::Kind as _;
                let untyped = |text: &str| $crate::config::raw::Raw::Untyped(text.to_owned());
                Self { $( $field: $kind.read(&untyped($default)).expect("every default is valid, which a test holds"), )* }
            }
        }
    };
    (@live) => { true };
    (@fixed) => { false };
}
pub(crate) use section;
