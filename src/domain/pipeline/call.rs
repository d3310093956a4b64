//! What both forms of a pipeline are read into first: calls with their places in the text. The meaning of a call is
//! given by the declarations in `ops` and `output`; this file binds a call's arguments to their parameters.

use std::borrow::Cow;
use std::ops::Range;

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};

use super::error::PipelineError;
use super::parameter::Parameter;
use super::print::Scalar;
use super::values::{SideOfSize, Size};

/// A piece of the text and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Word<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) at: Range<usize>,
}

/// How a value was written; the compact form knows only `Bare`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bare,
    String,
    Number,
    Bool,
    /// `null`, an array or an object: no parameter takes one.
    Other(&'static str),
}

/// The value of an argument, not yet read as any type.
#[derive(Clone, Debug)]
pub(super) struct Value<'a> {
    pub(super) word: Word<'a>,
    pub(super) kind: Kind,
}

impl<'a> Value<'a> {
    /// A part of a value that was written without quotes.
    pub(super) fn bare(text: &'a str) -> Self {
        Self { word: Word { text: Cow::Borrowed(text), at: 0..text.len() }, kind: Kind::Bare }
    }

    pub(super) fn text(&self) -> Option<&str> {
        matches!(self.kind, Kind::Bare | Kind::String).then_some(&*self.word.text)
    }

    /// The value as a whole number without sign; `+1`, `1.0` and `1e3` are none.
    pub(super) fn integer(&self) -> Option<u64> {
        digits(self.number()?)
    }

    /// The spelling of a value that may be a number.
    pub(super) fn number(&self) -> Option<&str> {
        matches!(self.kind, Kind::Bare | Kind::Number).then_some(&*self.word.text)
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        if !matches!(self.kind, Kind::Bare | Kind::Bool) {
            return None;
        }
        match &*self.word.text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    fn found(&self) -> String {
        match self.kind {
            Kind::Other(what) => what.to_owned(),
            Kind::Number | Kind::Bool => self.word.text.to_string(),
            Kind::Bare if self.word.text.is_empty() => "nothing".to_owned(),
            Kind::Bare => format!("{:?}", self.word.text),
            Kind::String => format!("the text {:?}", self.word.text),
        }
    }
}

/// Digits only, as a number.
pub(super) fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// A type that an argument can have.
pub(super) trait Argument: Sized {
    /// What a value must be, as it follows "expected" in a message.
    fn expected() -> String;

    /// The words to look for a near miss in; empty where values are not words.
    fn words() -> Vec<&'static str> {
        Vec::new()
    }

    /// The value as this type, or `None` where it is not what [`Argument::expected`] says.
    fn read(value: &Value<'_>) -> Option<Self>;

    /// The value to print.
    fn scalar(&self) -> Scalar;

    /// Any value of the type, for the properties.
    #[cfg(test)]
    fn any() -> BoxedStrategy<Self>;
}

impl Argument for bool {
    fn expected() -> String {
        "true or false".to_owned()
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        value.boolean()
    }

    fn scalar(&self) -> Scalar {
        Scalar::Bool(*self)
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        proptest::bool::ANY.boxed()
    }
}

/// One argument as it was written.
#[derive(Clone, Debug)]
pub(super) struct Written<'a> {
    /// `None`: by position.
    pub(super) name: Option<Word<'a>>,
    pub(super) value: Value<'a>,
}

/// A name with arguments: a step or the output.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    pub(super) name: Word<'a>,
    pub(super) arguments: Vec<Written<'a>>,
}

impl<'a> Call<'a> {
    /// A call without arguments.
    pub(super) fn bare(name: &'a str) -> Self {
        Self { name: Word { text: Cow::Borrowed(name), at: 0..name.len() }, arguments: Vec::new() }
    }
}

/// The arguments of one call, each bound to its parameter, each at most once.
pub(super) struct Arguments<'a> {
    call: Word<'a>,
    bound: Vec<(&'static Parameter, Value<'a>)>,
}

impl<'a> Arguments<'a> {
    /// Binds what was written to `parameters`.
    pub(super) fn bind(call: Call<'a>, parameters: &'static [Parameter]) -> Result<Self, PipelineError> {
        let Call { name: call, arguments } = call;
        let mut bound: Vec<(&'static Parameter, Value<'a>)> = Vec::new();
        let mut names_began = false;
        for (index, Written { name, value }) in arguments.into_iter().enumerate() {
            let at = name.as_ref().map_or(&value.word.at, |name| &name.at).clone();
            let parameter = match &name {
                Some(name) => {
                    names_began = true;
                    by_name(name, &call, parameters)?
                }
                None if names_began => {
                    return Err(PipelineError::new(at, "expected name=value: an argument without a name comes before those with one"));
                }
                None => match parameters.get(index) {
                    Some(parameter) if parameter.positional => parameter,
                    _ => return Err(not_positional(at, &call, parameters)),
                },
            };
            if bound.iter().any(|(other, _)| other.name == parameter.name) {
                return Err(PipelineError::new(at, format!("{} is given twice", parameter.name)));
            }
            bound.push((parameter, value));
        }
        Ok(Self { call, bound })
    }

    /// The argument `name` as a `T`, and where it stands; `None` where it was not given.
    pub(super) fn optional_at<T: Argument>(&mut self, name: &str) -> Result<Option<(T, Range<usize>)>, PipelineError> {
        let Some(index) = self.bound.iter().position(|(parameter, _)| parameter.name == name) else { return Ok(None) };
        let (parameter, value) = self.bound.swap_remove(index);
        match T::read(&value) {
            Some(read) => Ok(Some((read, value.word.at))),
            None => {
                let hint = value.text().map(|text| did_you_mean(text, T::words())).unwrap_or_default();
                let message = format!("{}: expected {}, found {}{hint}", parameter.name, T::expected(), value.found());
                Err(PipelineError::new(value.word.at, message))
            }
        }
    }

    /// The argument `name` as a `T`; `None` where it was not given.
    pub(super) fn optional<T: Argument>(&mut self, name: &str) -> Result<Option<T>, PipelineError> {
        Ok(self.optional_at(name)?.map(|(read, _)| read))
    }

    /// The argument `name` as a `T`, or an error where it was not given.
    pub(super) fn required<T: Argument>(&mut self, name: &str) -> Result<T, PipelineError> {
        match self.optional(name)? {
            Some(read) => Ok(read),
            None => Err(self.missing(name, &T::expected())),
        }
    }

    /// A size: by itself, or as a width and a height of which one may be missing; `None` where there is neither.
    pub(super) fn size<S: SideOfSize, T: Argument + From<Size<S>>>(&mut self) -> Result<Option<T>, PipelineError> {
        let size = self.optional("size")?;
        let (width, height) = (self.optional_at("width")?, self.optional_at("height")?);
        match (&size, width.as_ref().or(height.as_ref())) {
            (Some(_), Some((_, at))) => Err(PipelineError::new(at.clone(), "a side is given twice: once in the size, once by its name")),
            _ => Ok(size.or_else(|| Size::of(width.map(|(width, _)| width), height.map(|(height, _)| height)).map(T::from))),
        }
    }

    /// Refuses an argument that was not read: it means nothing beside the others.
    pub(super) fn refuse(&self, name: &str, why: &str) -> Result<(), PipelineError> {
        match self.bound.iter().find(|(parameter, _)| parameter.name == name) {
            Some((_, value)) => Err(PipelineError::new(value.word.at.clone(), why)),
            None => Ok(()),
        }
    }

    /// The error for an argument that the call cannot do without.
    pub(super) fn missing(&self, name: &str, expected: &str) -> PipelineError {
        PipelineError::new(self.call.at.clone(), format!("{} needs {name}: expected {expected}", self.call.text))
    }
}

fn by_name(name: &Word<'_>, call: &Word<'_>, parameters: &'static [Parameter]) -> Result<&'static Parameter, PipelineError> {
    let found = parameters.iter().find(|parameter| parameter.name == name.text || parameter.short == Some(&*name.text));
    found.ok_or_else(|| {
        let names: Vec<_> = parameters.iter().map(|parameter| parameter.name).collect();
        let hint = did_you_mean(&name.text, names.iter().copied());
        let message = match names[..] {
            [] => format!("{} takes no argument, found {:?}", call.text, name.text),
            _ => format!("{} has no argument {:?}: expected one of {}{hint}", call.text, name.text, names.join(", ")),
        };
        PipelineError::new(name.at.clone(), message)
    })
}

fn not_positional(at: Range<usize>, call: &Word<'_>, parameters: &[Parameter]) -> PipelineError {
    let message = match parameters {
        [] => format!("{} takes no argument", call.text),
        _ => {
            let names: Vec<_> = parameters.iter().filter(|parameter| !parameter.positional).map(|parameter| parameter.name).collect();
            match names[..] {
                [] => format!("{} takes no further argument", call.text),
                _ => format!("expected name=value with one of {}", names.join(", ")),
            }
        }
    };
    PipelineError::new(at, message)
}

/// `; did you mean "…"?` with the nearest of `words`, or nothing where none is near.
pub(super) fn did_you_mean<'w>(text: &str, words: impl IntoIterator<Item = &'w str>) -> String {
    // Long texts are no slips of a key, and the distance costs the product of both lengths.
    if text.len() > 64 {
        return String::new();
    }
    let lower = text.to_ascii_lowercase();
    let near = words.into_iter().map(|word| (strsim::damerau_levenshtein(&lower, word), word));
    let near = near.filter(|(distance, word)| *distance <= word.len().div_ceil(3)).min();
    near.map(|(_, word)| format!("; did you mean {word:?}?")).unwrap_or_default()
}
