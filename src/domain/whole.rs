//! Whole numbers of JSON. `5.0` is one (JSON Schema 2020-12, 6.1.1), although a typed reader refuses it.

use serde::{Deserialize, Deserializer, de::Error};

/// A number that JSON may write with a fraction of nothing.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(u64),
    Fraction(f64),
}

/// Reads a whole number, or `null`.
///
/// # Errors
/// For a negative number, one with a fraction, and one beyond what a double tells exactly that is written as one.
pub(crate) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    /// 2^53: up to here a double tells every whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match Option::deserialize(deserializer).map_err(|_| D::Error::custom("expected a whole number that is not negative"))? {
        None => Ok(None),
        Some(Number::Whole(number)) => Ok(Some(number)),
        Some(Number::Fraction(number)) if number.fract() == 0.0 && (0.0..=EXACT).contains(&number) => Ok(Some(number as u64)),
        Some(Number::Fraction(number)) => Err(D::Error::custom(format!("expected a whole number that is not negative, found {number}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Amount {
        #[serde(default, deserialize_with = "optional")]
        n: Option<u64>,
    }

    #[test]
    fn a_fraction_of_nothing_is_none() {
        let read = |text: &str| serde_json::from_str::<Amount>(text).map(|amount| amount.n).map_err(|error| error.to_string());
        for (text, number) in
            [("{}", None), (r#"{"n":null}"#, None), (r#"{"n":5}"#, Some(5)), (r#"{"n":5.0}"#, Some(5)), (r#"{"n":1e3}"#, Some(1000))]
        {
            assert_eq!(read(text), Ok(number), "{text}");
        }
        assert_eq!(read(r#"{"n":18446744073709551615}"#), Ok(Some(u64::MAX)));
        for text in [r#"{"n":-1}"#, r#"{"n":1.5}"#, r#"{"n":1e300}"#, r#"{"n":"5"}"#] {
            assert!(read(text).is_err_and(|error| error.contains("expected a whole number")), "{text}");
        }
    }
}
