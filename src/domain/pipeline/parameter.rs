//! What a parameter declares about itself. How an argument is bound to it is in `call`.

use super::call::Argument;
use super::print::Scalar;

/// Whether a call can do without an argument, and what holds then.
#[derive(Clone, Copy, Debug)]
pub(super) enum Need {
    Required,
    Optional,
    Default(fn() -> Scalar),
}

/// A parameter of an operation or an output.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The name in both forms.
    pub name: &'static str,
    /// A shorter name that is understood as well, and that the compact form is printed with.
    pub short: Option<&'static str>,
    /// Whether the compact form may leave its name out; such parameters come first.
    pub positional: bool,
    /// What the argument means, in Markdown.
    pub text: &'static [&'static str],
    need: Need,
    expected: fn() -> String,
}

impl Parameter {
    /// A parameter that takes a `T`; required and with its name, unless said otherwise.
    pub(super) const fn declared<T: Argument>(name: &'static str, text: &'static [&'static str]) -> Self {
        Self { name, short: None, positional: false, text, need: Need::Required, expected: T::expected }
    }

    pub(super) const fn positional(self) -> Self {
        Self { positional: true, ..self }
    }

    pub(super) const fn short(self, short: &'static str) -> Self {
        Self { short: Some(short), ..self }
    }

    pub(super) const fn need(self, need: Need) -> Self {
        Self { need, ..self }
    }

    /// What a value must be, in words.
    #[must_use]
    pub fn expected(&self) -> String {
        (self.expected)()
    }

    /// Whether a call without it is refused.
    #[must_use]
    pub fn is_required(&self) -> bool {
        matches!(self.need, Need::Required)
    }

    /// The value where none is given, as the compact form prints it; `None` where that is no value at all.
    #[must_use]
    pub fn default_value(&self) -> Option<String> {
        match self.need {
            Need::Default(value) => Some(value().to_string()),
            Need::Required | Need::Optional => None,
        }
    }
}
