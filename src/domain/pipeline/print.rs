//! Printing a pipeline in its canonical spelling, in both forms: every argument is printed, defaults too, so that a
//! stored pipeline keeps its meaning when a default changes.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::values::Size;
use super::{Output, Pipeline, Step};

/// A value to print.
pub(super) enum Scalar {
    Word(String),
    Integer(u64),
    Bool(bool),
    /// `400x300` in the compact form, `width` and `height` in JSON.
    Size(Size),
}

impl From<u64> for Scalar {
    fn from(number: u64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Scalar {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

macro_rules! printed_as_words {
    ($($type:ty),*) => { $(impl From<$type> for Scalar {
        fn from(value: $type) -> Self {
            Self::Word(value.to_string())
        }
    })* };
}
printed_as_words!(&super::ChannelOrder, &super::Direction, super::Fit);

/// An argument to print.
pub(super) struct Field {
    name: &'static str,
    short: Option<&'static str>,
    positional: bool,
    value: Scalar,
}

impl Field {
    pub(super) fn named(name: &'static str, value: impl Into<Scalar>) -> Self {
        Self { name, short: None, positional: false, value: value.into() }
    }

    pub(super) fn positional(name: &'static str, value: impl Into<Scalar>) -> Self {
        Self { positional: true, ..Self::named(name, value) }
    }

    pub(super) fn size(size: Size) -> Self {
        Self { name: "size", short: None, positional: true, value: Scalar::Size(size) }
    }

    /// The name that the compact form uses.
    pub(super) fn short(self, short: &'static str) -> Self {
        Self { short: Some(short), ..self }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.positional {
            write!(f, "{}=", self.short.unwrap_or(self.name))?;
        }
        match &self.value {
            Scalar::Word(word) => f.write_str(word),
            Scalar::Integer(number) => number.fmt(f),
            Scalar::Bool(value) => value.fmt(f),
            Scalar::Size(size) => size.fmt(f),
        }
    }
}

fn call(f: &mut fmt::Formatter<'_>, name: &str, fields: &[Field]) -> fmt::Result {
    f.write_str(name)?;
    fields.iter().enumerate().try_for_each(|(index, field)| write!(f, "{}{field}", if index == 0 { ':' } else { ',' }))
}

/// The canonical compact form; `parse` reads it back.
impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps().iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "/" })?;
            call(f, step.name(), &step.fields())?;
        }
        let Some(output) = self.output() else { return Ok(()) };
        f.write_str(if self.steps().is_empty() { "" } else { "/" })?;
        call(f, output.format().name(), &output.fields())
    }
}

fn object<S: Serializer>(serializer: S, tag: &str, name: &str, fields: &[Field]) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry(tag, name)?;
    for Field { name, value, .. } in fields {
        match value {
            Scalar::Word(word) => map.serialize_entry(name, word)?,
            Scalar::Integer(number) => map.serialize_entry(name, number)?,
            Scalar::Bool(value) => map.serialize_entry(name, value)?,
            Scalar::Size(size) => {
                let (width, height) = match *size {
                    Size::Width(width) => (Some(width), None),
                    Size::Height(height) => (None, Some(height)),
                    Size::Both(width, height) => (Some(width), Some(height)),
                };
                for (name, side) in [("width", width), ("height", height)] {
                    side.map_or(Ok(()), |side| map.serialize_entry(name, &side.get()))?;
                }
            }
        }
    }
    map.end()
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, "op", self.name(), &self.fields())
    }
}

impl Serialize for Output {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, "format", self.format().name(), &self.fields())
    }
}

/// The JSON form; `output` is left out where the result keeps the format of the original.
impl Serialize for Pipeline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("steps", self.steps())?;
        if let Some(output) = self.output() {
            map.serialize_entry("output", &output)?;
        }
        map.end()
    }
}
