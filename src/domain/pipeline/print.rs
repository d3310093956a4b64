//! Printing a pipeline in its canonical spelling, in both forms: every argument is printed, defaults too, so that a
//! stored pipeline keeps its meaning when a default changes.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::escape;
use super::operation::Declared;
use super::parameter::Parameter;
use super::{Input, OutputChoice, Pipeline, Step};

/// A value to print.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    /// One of the words that a type knows.
    Word(String),
    /// A text of the user's, of any characters.
    Text(String),
    /// A number of thousandths.
    Number(i64),
    Bool(bool),
    /// Numbers of thousandths.
    List(Vec<i64>),
    /// `400x300` in the compact form, `width` and `height` in JSON.
    Size {
        width: Option<Box<Scalar>>,
        height: Option<Box<Scalar>>,
    },
}

/// `12.345`, `-0.5` or `7`: no more digits than it takes.
fn decimal(f: &mut fmt::Formatter<'_>, thousandths: i64) -> fmt::Result {
    let (whole, rest) = (thousandths.unsigned_abs() / 1000, thousandths.unsigned_abs() % 1000);
    f.write_str(if thousandths < 0 { "-" } else { "" })?;
    match rest {
        0 => write!(f, "{whole}"),
        _ => f.write_str(format!("{whole}.{rest:03}").trim_end_matches('0')),
    }
}

/// As the compact form spells it.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Text(text) => escape::write(f, text),
            Self::Number(number) => decimal(f, *number),
            Self::Bool(value) => value.fmt(f),
            Self::List(numbers) => numbers.iter().enumerate().try_for_each(|(index, number)| {
                f.write_str(if index == 0 { "" } else { ";" })?;
                decimal(f, *number)
            }),
            Self::Size { width, height } => {
                width.as_ref().map_or(Ok(()), |width| width.fmt(f))?;
                f.write_str("x")?;
                height.as_ref().map_or(Ok(()), |height| height.fmt(f))
            }
        }
    }
}

/// A number of thousandths as JSON: whole where it is whole.
struct Decimal(i64);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 1000 {
            0 => serializer.serialize_i64(self.0 / 1000),
            // The nearest float of at most three decimals is printed with just these.
            _ => serializer.serialize_f64(self.0 as f64 / 1000.0),
        }
    }
}

/// An argument to print.
pub(super) struct Field {
    name: &'static str,
    short: Option<&'static str>,
    positional: bool,
    value: Scalar,
}

impl Field {
    pub(super) fn new(parameter: &Parameter, value: Scalar) -> Self {
        Self { name: parameter.name, short: parameter.short, positional: parameter.positional, value }
    }
}

/// The values that there are, each beside its parameter.
pub(super) fn fields(parameters: &[Parameter], values: Vec<Option<Scalar>>) -> Vec<Field> {
    parameters.iter().zip(values).filter_map(|(parameter, value)| Some(Field::new(parameter, value?))).collect()
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.positional {
            write!(f, "{}=", self.short.unwrap_or(self.name))?;
        }
        self.value.fmt(f)
    }
}

fn call(f: &mut fmt::Formatter<'_>, name: &str, fields: &[Field]) -> fmt::Result {
    f.write_str(name)?;
    fields.iter().enumerate().try_for_each(|(index, field)| write!(f, "{}{field}", if index == 0 { ':' } else { ',' }))
}

/// The canonical compact form; `parse` reads it back.
impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let input = self.input.iter().map(|input| (Input::NAME, input.fields()));
        let steps = self.steps().iter().map(|step| (step.name(), step.fields()));
        let output = self.output().into_iter().map(|output| (output.name(), output.fields()));
        input.chain(steps).chain(output).enumerate().try_for_each(|(index, (name, fields))| {
            f.write_str(if index == 0 { "" } else { "/" })?;
            call(f, name, &fields)
        })
    }
}

/// The step alone, in the compact form.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        call(f, self.name(), &self.fields())
    }
}

/// The output alone, in the compact form.
impl fmt::Display for super::Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        call(f, self.format().name(), &self.fields())
    }
}

fn object<S: Serializer>(serializer: S, tag: Option<(&str, &str)>, fields: &[Field]) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    if let Some((tag, name)) = tag {
        map.serialize_entry(tag, name)?;
    }
    for Field { name, value, .. } in fields {
        entry(&mut map, name, value)?;
    }
    map.end()
}

fn entry<M: SerializeMap>(map: &mut M, name: &str, value: &Scalar) -> Result<(), M::Error> {
    match value {
        Scalar::Word(word) | Scalar::Text(word) => map.serialize_entry(name, word),
        Scalar::Number(number) => map.serialize_entry(name, &Decimal(*number)),
        Scalar::List(numbers) => map.serialize_entry(name, &numbers.iter().map(|number| Decimal(*number)).collect::<Vec<_>>()),
        Scalar::Bool(value) => map.serialize_entry(name, value),
        Scalar::Size { width, height } => {
            let mut sides = [("width", width), ("height", height)].into_iter();
            sides.try_for_each(|(name, side)| side.as_ref().map_or(Ok(()), |side| entry(map, name, side)))
        }
    }
}

impl Serialize for Input {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, None, &self.fields())
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, Some(("op", self.name())), &self.fields())
    }
}

impl Serialize for OutputChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object(serializer, Some(("format", self.name())), &self.fields())
    }
}

/// The JSON form; `output` is left out where the result keeps the format of the original.
impl Serialize for Pipeline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(input) = &self.input {
            map.serialize_entry("input", input)?;
        }
        map.serialize_entry("steps", self.steps())?;
        if let Some(output) = self.output() {
            map.serialize_entry("output", output)?;
        }
        map.end()
    }
}
