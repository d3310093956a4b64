//! The JSON form: `{"steps":[{"op":"invert"}],"output":{"format":"png"}}`. Text to calls; nothing here knows what a call means.
//!
//! Values are kept as slices of the text ([`RawValue`]), so that every fault can be pointed at, and objects as lists of
//! fields, so that a repeated field is seen. Nesting deeper than the form itself is refused without recursion.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Calls;
use super::call::{Call, Kind, Value, Word, Written, did_you_mean};
use super::error::{PipelineError, floor_char_boundary};
use super::variants::{Entry, Placed};

/// The calls of a JSON text.
pub(super) fn calls(text: &str) -> Result<Calls<'_>, PipelineError> {
    let document = Document { text };
    let (mut input, mut steps, mut output) = (None, None, None);
    for (name, value) in document.object(text, "an object with steps and output")? {
        let field = match &*name.text {
            "input" => &mut input,
            "steps" => &mut steps,
            "output" => &mut output,
            other => {
                let hint = did_you_mean(other, ["input", "steps", "output"]);
                return Err(PipelineError::new(name.at, format!("unknown field {other:?}: expected input, steps or output{hint}")));
            }
        };
        if field.replace(value).is_some() {
            return Err(PipelineError::new(name.at, format!("{} is given twice", name.text)));
        }
    }
    let steps = match steps {
        None => Vec::new(),
        Some(list) => document.array(list, "an array of steps")?,
    };
    let step = |step| document.call(step, "op", "a step such as {\"op\":\"invert\"}");
    Ok(Calls {
        input: input.map(|value| document.arguments("input", value)).transpose()?,
        steps: steps.into_iter().map(step).collect::<Result<_, _>>()?,
        output: output.map(|value| document.call(value, "format", "an output such as {\"format\":\"png\"}")).transpose()?,
    })
}

/// The variants of a JSON text: an object of pipelines, each in either form.
pub(super) fn variants(text: &str) -> Result<Vec<Entry<'_>>, PipelineError> {
    let document = Document { text };
    let fields = document.object(text, "an object of variants such as {\"thumb\":\"resize:200x/webp\"}")?;
    fields.into_iter().map(|(name, value)| Ok(Entry { name: document.placed(name), pipeline: document.pipeline(value)? })).collect()
}

/// The whole text, to tell where a slice of it stands.
#[derive(Clone, Copy)]
struct Document<'a> {
    text: &'a str,
}

impl<'a> Document<'a> {
    /// Where `slice`, which is a part of the text, stands in it.
    fn at(self, slice: &str) -> Range<usize> {
        let start = (slice.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        start..start + slice.len()
    }

    /// One object as a call: the field `tag` names it, the others are its arguments.
    fn call(self, object: &'a str, tag: &str, expected: &str) -> Result<Call<'a>, PipelineError> {
        let mut name = None;
        let mut arguments = Vec::new();
        for (field, value) in self.object(object, expected)? {
            let value = self.value(value)?;
            if field.text != tag {
                arguments.push(Written { name: Some(field), value });
            } else if value.kind != Kind::String {
                return Err(PipelineError::new(value.word.at, format!("{tag}: expected a text")));
            } else if name.replace(value.word).is_some() {
                return Err(PipelineError::new(field.at, format!("{tag} is given twice")));
            }
        }
        let missing = || PipelineError::new(self.at(object), format!("expected {expected}: {tag} is missing"));
        Ok(Call { name: name.ok_or_else(missing)?, arguments })
    }

    /// One object as the arguments of a call.
    fn arguments(self, name: &'a str, object: &'a str) -> Result<Call<'a>, PipelineError> {
        let fields = self.object(object, "an object of settings")?.into_iter();
        let arguments =
            fields.map(|(name, value)| Ok(Written { name: Some(name), value: self.value(value)? })).collect::<Result<_, _>>()?;
        Ok(Call { name: Word { text: Cow::Borrowed(name), at: self.at(object) }, arguments })
    }

    /// A pipeline inside of a document: an object is one as it stands, a text holds either form.
    fn pipeline(self, raw: &'a str) -> Result<Placed<'a>, PipelineError> {
        match raw.as_bytes().first() {
            Some(b'{') => Ok(Placed { text: Cow::Borrowed(raw), at: self.at(raw), verbatim: true }),
            Some(b'"') => Ok(self.placed(Word { text: self.string(raw)?, at: self.at(raw) })),
            _ => Err(PipelineError::new(self.at(raw), "expected a pipeline: a text or an object")),
        }
    }

    /// A text in quotes. Where nothing in it is escaped, its bytes are those of the document.
    fn placed(self, Word { text, at }: Word<'a>) -> Placed<'a> {
        match text {
            Cow::Borrowed(inner) => Placed { at: self.at(inner), text, verbatim: true },
            Cow::Owned(_) => Placed { text, at, verbatim: false },
        }
    }

    fn value(self, raw: &'a str) -> Result<Value<'a>, PipelineError> {
        let (kind, text) = match raw.as_bytes().first() {
            Some(b'"') => (Kind::String, self.string(raw)?),
            Some(b't' | b'f') => (Kind::Bool, Cow::Borrowed(raw)),
            Some(b'{') => (Kind::Other("an object"), Cow::Borrowed(raw)),
            Some(b'[') => (Kind::Other("an array"), Cow::Borrowed(raw)),
            Some(b'n') => (Kind::Other("null"), Cow::Borrowed(raw)),
            _ => (Kind::Number, Cow::Borrowed(raw)),
        };
        Ok(Value { word: Word { text, at: self.at(raw) }, kind })
    }

    fn string(self, raw: &'a str) -> Result<Cow<'a, str>, PipelineError> {
        match raw.get(1..raw.len().saturating_sub(1)) {
            Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
            _ => serde_json::from_str(raw).map(Cow::Owned).map_err(|error| self.syntax(raw, &error)),
        }
    }

    /// The fields of an object in their order.
    fn object(self, raw: &'a str, expected: &str) -> Result<Vec<(Word<'a>, &'a str)>, PipelineError> {
        let Fields(fields) = serde_json::from_str(raw).map_err(|error| self.mismatch(raw, expected, &error))?;
        let field = |(name, value): (&'a RawValue, &'a RawValue)| {
            let name = Word { text: self.string(name.get())?, at: self.at(name.get()) };
            Ok((name, value.get()))
        };
        fields.into_iter().map(field).collect()
    }

    fn array(self, raw: &'a str, expected: &str) -> Result<Vec<&'a str>, PipelineError> {
        let items: Vec<&RawValue> = serde_json::from_str(raw).map_err(|error| self.mismatch(raw, expected, &error))?;
        Ok(items.into_iter().map(RawValue::get).collect())
    }

    fn mismatch(self, raw: &str, expected: &str, error: &serde_json::Error) -> PipelineError {
        if error.is_data() { PipelineError::new(self.at(raw), format!("expected {expected}")) } else { self.syntax(raw, error) }
    }

    /// A fault in the JSON itself, as `serde_json` tells it: a line and a column, both counted from one, of `raw`.
    fn syntax(self, raw: &str, error: &serde_json::Error) -> PipelineError {
        let line = raw.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
        let offset = if error.is_eof() { raw.len() } else { line + error.column().saturating_sub(1) };
        let at = floor_char_boundary(self.text, self.at(raw).start + offset.min(raw.len()));
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
        PipelineError::new(at..at, format!("not valid JSON: {message}"))
    }
}

/// An object's fields as they stand in the text.
struct Fields<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Vec<(&'de RawValue, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(List).map(Self)
    }
}
