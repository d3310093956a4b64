//! A value as its source wrote it, before its kind has read it. What a value means is the kind's business.

use std::fmt;

use toml::de::DeValue;

/// One value from the file, the environment, a flag or a JSON body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Raw {
    /// From a source without types (environment, flag, default): the kind decides what the characters mean.
    Untyped(String),
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// A JSON object, as its text.
    Object(String),
    /// Something that no key takes, by the name of its type.
    Other(&'static str),
}

impl Raw {
    /// The value as text, where it is text.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Untyped(text) | Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a JSON object, where the value is one.
    pub(crate) fn object(&self) -> Option<&str> {
        match self {
            Self::Object(text) => Some(text),
            _ => None,
        }
    }

    /// The value as a whole number, where it is one; a quoted number is text.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Untyped(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The value as true or false, where it is that.
    pub(crate) fn boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            Self::Untyped(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl From<&DeValue<'_>> for Raw {
    fn from(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Integer(digits) => {
                i64::from_str_radix(digits.as_str(), digits.radix()).map_or(Self::Other("a number beyond 64 bits"), Self::Integer)
            }
            DeValue::Boolean(value) => Self::Boolean(*value),
            DeValue::Float(_) => Self::Other("a fraction"),
            DeValue::Datetime(_) => Self::Other("a date"),
            DeValue::Array(_) => Self::Other("an array"),
            DeValue::Table(_) => Self::Other("a table"),
        }
    }
}

impl From<&serde_json::Value> for Raw {
    fn from(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Number(number) => {
                let other = if number.is_f64() { "a fraction" } else { "a number beyond 64 bits" };
                number.as_i64().map_or(Self::Other(other), Self::Integer)
            }
            serde_json::Value::Bool(value) => Self::Boolean(*value),
            serde_json::Value::Null => Self::Other("null"),
            serde_json::Value::Array(_) => Self::Other("an array"),
            serde_json::Value::Object(_) => Self::Object(value.to_string()),
        }
    }
}

/// As an error message quotes it: escaped, and cut where it is long.
impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 80;
        match self {
            Self::Untyped(text) | Self::Text(text) if text.chars().nth(SHOWN).is_some() => {
                write!(f, "{:?}...", text.chars().take(SHOWN).collect::<String>())
            }
            Self::Untyped(text) | Self::Text(text) => write!(f, "{text:?}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Object(_) => f.write_str("an object"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_untyped_text_may_be_a_number() {
        assert_eq!(Raw::Untyped("4".into()).integer(), Some(4));
        assert_eq!(Raw::Integer(4).integer(), Some(4));
        assert_eq!(Raw::Text("4".into()).integer(), None, "a quoted number in the file is a mistake worth telling");
    }

    #[test]
    fn toml_integers_keep_their_value_in_every_radix() {
        for (text, value) in [("0x10", 16), ("1_000", 1000), ("-3", -3), ("0b101", 5)] {
            let parsed = DeValue::parse(text).expect("valid TOML");
            assert_eq!(Raw::from(parsed.get_ref()), Raw::Integer(value), "{text}");
        }
        let parsed = DeValue::parse("99999999999999999999").expect("the parser leaves the size to us");
        assert_eq!(Raw::from(parsed.get_ref()), Raw::Other("a number beyond 64 bits"));
    }

    #[test]
    fn a_quoted_value_is_escaped_and_cut() {
        assert_eq!(Raw::Text("a\nb".into()).to_string(), r#""a\nb""#);
        assert_eq!(Raw::Text("x".repeat(81)).to_string(), format!("\"{}\"...", "x".repeat(80)));
    }
}
