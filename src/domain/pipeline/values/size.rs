//! Sizes in pixels.

use std::fmt;

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};

use crate::domain::pipeline::call::{Argument, Value, digits};
use crate::domain::pipeline::print::Scalar;

/// A width or a height in pixels that can be asked for: 1 to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Side(u16);

impl Side {
    /// `None` unless `pixels` is 1 to 65535.
    #[must_use]
    pub fn new(pixels: u32) -> Option<Self> {
        u16::try_from(pixels).ok().filter(|pixels| *pixels > 0).map(Self)
    }

    /// The length in pixels.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.into()
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Argument for Side {
    fn expected() -> String {
        format!("a whole number of pixels, 1 to {}", u16::MAX)
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        Self::new(value.integer()?.try_into().ok()?)
    }

    fn scalar(&self) -> Scalar {
        Scalar::Number(i64::from(self.0) * 1000)
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        (1..=u16::MAX).prop_map(Self).boxed()
    }
}

/// A width, a height, or both, as `400x300`, `400x` or `x300`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain::pipeline) enum Size {
    Width(Side),
    Height(Side),
    Both(Side, Side),
}

impl Argument for Size {
    fn expected() -> String {
        format!("a size such as 400x300, 400x or x300, sides 1 to {}", u16::MAX)
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        let side = |text: &str| Side::new(digits(text)?.try_into().ok()?);
        match value.text()?.split_once('x')? {
            (width, "") => side(width).map(Self::Width),
            ("", height) => side(height).map(Self::Height),
            (width, height) => Some(Self::Both(side(width)?, side(height)?)),
        }
    }

    fn scalar(&self) -> Scalar {
        Scalar::Size(*self)
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        use proptest::prop_oneof;
        prop_oneof![
            Side::any().prop_map(Self::Width),
            Side::any().prop_map(Self::Height),
            (Side::any(), Side::any()).prop_map(|(width, height)| Self::Both(width, height)),
        ]
        .boxed()
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Width(width) => write!(f, "{width}x"),
            Self::Height(height) => write!(f, "x{height}"),
            Self::Both(width, height) => write!(f, "{width}x{height}"),
        }
    }
}
