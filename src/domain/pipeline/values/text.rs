//! Texts of the user's.

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};

use crate::domain::pipeline::call::{Argument, Kind, Value};
use crate::domain::pipeline::escape;
use crate::domain::pipeline::print::Scalar;

/// A text of 1 to `MAX` characters, none of them a control character but the line feed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// `None` where the text is empty, too long, or has control characters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let printable = !text.chars().any(|character| character.is_control() && character != '\n');
        (printable && (1..=MAX).contains(&text.chars().count())).then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Argument for Text<MAX> {
    fn expected() -> String {
        format!("a text of 1 to {MAX} characters (in the compact form percent-encoded as in a URL)")
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        match value.kind {
            Kind::Bare => Self::new(&escape::read(&value.word.text)?),
            Kind::String => Self::new(&value.word.text),
            Kind::Number | Kind::Bool | Kind::Other(_) => None,
        }
    }

    fn scalar(&self) -> Scalar {
        Scalar::Text(self.0.clone())
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        proptest::string::string_regex("[\\PC\n]{1,24}")
            .expect("a regular expression")
            .prop_filter_map("printable", |text| Self::new(&text))
            .boxed()
    }
}
