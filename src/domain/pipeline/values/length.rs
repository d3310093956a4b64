//! Lengths that depend on an image.

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};

use super::number::thousandths;
use super::{Decimal, Whole};
use crate::domain::pipeline::call::{Argument, Value};
use crate::domain::pipeline::print::Scalar;

/// `MIN` to `MAX` thousandths of a percent, written with a `%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Percent<const MIN: i32, const MAX: i32>(Decimal<MIN, MAX>);

impl<const MIN: i32, const MAX: i32> Percent<MIN, MAX> {
    /// What it makes of what.
    #[must_use]
    pub fn fraction(self) -> (u64, u64) {
        (self.0.thousandths().unsigned_abs().into(), 100_000)
    }

    /// So much of a length, rounded to the nearest pixel; saturates.
    #[must_use]
    pub fn of(self, length: u32) -> u32 {
        let exact = u64::from(self.0.thousandths().unsigned_abs()) * u64::from(length);
        u32::try_from((exact + 50_000) / 100_000).unwrap_or(u32::MAX)
    }
}

impl<const MIN: i32, const MAX: i32> Argument for Percent<MIN, MAX> {
    fn expected() -> String {
        let bound = |thousandths: i32| Scalar::Number(thousandths.into());
        format!("a percentage, {}% to {}%, with at most 3 decimals", bound(MIN), bound(MAX))
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        let number = thousandths(value.text()?.strip_suffix('%')?)?;
        Decimal::new(number.try_into().ok()?).map(Self)
    }

    fn scalar(&self) -> Scalar {
        Scalar::Word(format!("{}%", self.0.scalar()))
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        Decimal::any().prop_map(Self).boxed()
    }
}

/// So much of a size: a thousandth of a percent to ten times as much.
pub type Scaling = Percent<1, 1_000_000>;

/// A length along an image: at least `MIN` pixels or thousandths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Length<const MIN: i32> {
    /// So many pixels.
    Pixels(Whole<MIN, 65_535>),
    /// So much of the image's own.
    Percent(Percent<MIN, 100_000>),
}

impl<const MIN: i32> Length<MIN> {
    /// No length at all.
    pub const ZERO: Length<0> = Length::Pixels(Whole::literal::<0>());

    /// In pixels, along a side of `length` pixels.
    #[must_use]
    pub fn along(self, length: u32) -> u32 {
        match self {
            Self::Pixels(pixels) => pixels.get().unsigned_abs(),
            Self::Percent(percent) => percent.of(length),
        }
    }
}

impl<const MIN: i32> Argument for Length<MIN> {
    fn expected() -> String {
        format!("a whole number of pixels, {MIN} to 65535, or a percentage such as 12.5%, at most 100%")
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        Percent::read(value).map(Self::Percent).or_else(|| Whole::read(value).map(Self::Pixels))
    }

    fn scalar(&self) -> Scalar {
        match self {
            Self::Pixels(pixels) => pixels.scalar(),
            Self::Percent(percent) => percent.scalar(),
        }
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        proptest::prop_oneof![Whole::any().prop_map(Self::Pixels), Percent::any().prop_map(Self::Percent)].boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_rounded_to_the_nearest_pixel() {
        let percent = |thousandths| Percent::<0, 100_000>(Decimal::new(thousandths).unwrap());
        assert_eq!(percent(50_000).of(5), 3);
        assert_eq!(percent(49_999).of(5), 2);
        assert_eq!(percent(100_000).of(u32::MAX), u32::MAX);
        assert_eq!(percent(0).of(9), 0);
    }
}
