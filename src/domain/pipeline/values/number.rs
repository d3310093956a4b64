//! Numbers within bounds that their type tells.

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};

use crate::domain::pipeline::call::{Argument, Value};
use crate::domain::pipeline::print::Scalar;

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Whole<const MIN: i32, const MAX: i32>(i32);

impl<const MIN: i32, const MAX: i32> Whole<MIN, MAX> {
    /// `None` unless `number` is within the bounds.
    #[must_use]
    pub fn new(number: i32) -> Option<Self> {
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }

    /// A number that is written in the source; one out of bounds does not compile.
    #[must_use]
    pub const fn literal<const NUMBER: i32>() -> Self {
        const { assert!(MIN <= NUMBER && NUMBER <= MAX, "the number is out of bounds") };
        Self(NUMBER)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0
    }
}

impl<const MIN: i32, const MAX: i32> Argument for Whole<MIN, MAX> {
    fn expected() -> String {
        format!("a whole number, {MIN} to {MAX}")
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        match thousandths(value.number()?)? {
            number if number % 1000 == 0 && !value.word.text.contains('.') => Self::new(i32::try_from(number / 1000).ok()?),
            _ => None,
        }
    }

    fn scalar(&self) -> Scalar {
        Scalar::Number(i64::from(self.0) * 1000)
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        (MIN..=MAX).prop_map(Self).boxed()
    }
}

/// A number from `MIN` to `MAX` thousandths, with at most three decimals: it is kept exactly, so that pipelines can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal<const MIN: i32, const MAX: i32>(i32);

impl<const MIN: i32, const MAX: i32> Decimal<MIN, MAX> {
    /// `None` unless that many thousandths are within the bounds.
    #[must_use]
    pub fn new(thousandths: i32) -> Option<Self> {
        (MIN..=MAX).contains(&thousandths).then_some(Self(thousandths))
    }

    /// So many thousandths, written in the source; out of bounds it does not compile.
    #[must_use]
    pub const fn literal<const THOUSANDTHS: i32>() -> Self {
        const { assert!(MIN <= THOUSANDTHS && THOUSANDTHS <= MAX, "the number is out of bounds") };
        Self(THOUSANDTHS)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f32 {
        self.0 as f32 / 1000.0
    }

    /// The number times a thousand.
    #[must_use]
    pub fn thousandths(self) -> i32 {
        self.0
    }
}

impl<const MIN: i32, const MAX: i32> Argument for Decimal<MIN, MAX> {
    fn expected() -> String {
        let bound = |thousandths: i32| Scalar::Number(thousandths.into());
        format!("a number, {} to {}, with at most 3 decimals", bound(MIN), bound(MAX))
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        Self::new(i32::try_from(thousandths(value.number()?)?).ok()?)
    }

    fn scalar(&self) -> Scalar {
        Scalar::Number(self.0.into())
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        (MIN..=MAX).prop_map(Self).boxed()
    }
}

/// The thousandths of a number such as `-12.5`; `+1`, `.5`, `1.` and `1e3` are none.
pub(super) fn thousandths(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, decimals) = digits.split_once('.').map_or((digits, None), |(whole, decimals)| (whole, Some(decimals)));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !decimals.is_none_or(|decimals| are_digits(decimals) && decimals.len() <= 3) {
        return None;
    }
    let fraction: i64 = format!("{:0<3}", decimals.unwrap_or_default()).parse().ok()?;
    Some(sign * (whole.parse::<i64>().ok()?.checked_mul(1000)? + fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_are_read_as_they_are_printed() {
        for (text, number) in [("0", 0), ("-0.5", -500), ("12.345", 12_345), ("7", 7000), ("0.01", 10)] {
            assert_eq!(thousandths(text), Some(number));
            assert_eq!(Scalar::Number(number).to_string(), text);
        }
        for none in ["", "-", "+1", ".5", "1.", "1e3", "1.2345", "--1", "1 ", "99999999999999999999"] {
            assert_eq!(thousandths(none), None, "{none}");
        }
    }
}
