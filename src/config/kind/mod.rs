//! The kinds of values: what a key takes, how it is read, and its one normal form. Numbers, sizes and durations lie in
//! `numbers`, what leads to other servers in `remote`, everything else in `words`; which key has which kind is the sections' business.

mod numbers;
mod remote;
mod words;

use serde_json::Value as Json;

use crate::config::raw::Raw;
pub(crate) use numbers::{Count, CountOrCores, Size, Time};
pub(crate) use remote::{Blobs, Hidden, Label, OptionalServer};
pub(crate) use words::{Address, Choice, Directory, Keep, OptionalFile, OriginList, PipelineText, Switch, Tasks};

/// A value that its key does not take; the text says what was expected and what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadValue(pub(crate) String);

/// How values of one kind are read and written.
pub(crate) trait Kind {
    /// What a valid value becomes.
    type Value;

    /// Ends the sentence "expected ...", ranges included.
    fn expected(&self) -> String;

    /// The value, where it is one of this kind.
    fn parse(&self, raw: &Raw) -> Option<Self::Value>;

    /// The value's one spelling, which reads back as the same value.
    fn print(&self, value: &Self::Value) -> Json;

    /// The value, or why not.
    fn read(&self, raw: &Raw) -> Result<Self::Value, BadValue> {
        self.parse(raw).ok_or_else(|| self.refuse(raw))
    }

    /// What to say of a value that is not of this kind.
    fn refuse(&self, raw: &Raw) -> BadValue {
        BadValue(format!("expected {}, found {raw}", self.expected()))
    }

    /// The normal form of a value, or why it is refused.
    fn normalise(&self, raw: &Raw) -> Result<Json, BadValue> {
        self.read(raw).map(|value| self.print(&value))
    }
}

/// A [`Kind`] whose value type is forgotten, so that keys of every kind fit into one table.
pub(crate) trait AnyKind: Sync {
    /// See [`Kind::expected`].
    fn expects(&self) -> String;
    /// See [`Kind::normalise`].
    fn normal(&self, raw: &Raw) -> Result<Json, BadValue>;
}

impl<K: Kind + Sync> AnyKind for K {
    fn expects(&self) -> String {
        Kind::expected(self)
    }

    fn normal(&self, raw: &Raw) -> Result<Json, BadValue> {
        Kind::normalise(self, raw)
    }
}
