//! Sizes and their ratios.

use std::fmt;

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};

use super::{Length, Scaling};
use crate::domain::pipeline::call::{Argument, Value};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Size<S = Side> {
    /// A width.
    Width(S),
    /// A height.
    Height(S),
    /// Both.
    Both(S, S),
}

/// What the sides of a size can be.
pub(in crate::domain::pipeline) trait SideOfSize: Argument + fmt::Debug + 'static {
    /// What a size must be, as it follows "expected" in a message.
    fn expected_size() -> String;
}

impl SideOfSize for Side {
    fn expected_size() -> String {
        format!("a size such as 400x300, 400x or x300, sides 1 to {}", u16::MAX)
    }
}

impl SideOfSize for Length<1> {
    fn expected_size() -> String {
        format!("a size such as 400x300, 50%x50%, 400x or x300, sides 1 to {} or at most 100%", u16::MAX)
    }
}

impl<S> Size<S> {
    /// From two sides of which one may be missing.
    pub(in crate::domain::pipeline) fn of(width: Option<S>, height: Option<S>) -> Option<Self> {
        match (width, height) {
            (Some(width), Some(height)) => Some(Self::Both(width, height)),
            (Some(width), None) => Some(Self::Width(width)),
            (None, Some(height)) => Some(Self::Height(height)),
            (None, None) => None,
        }
    }
}

impl<S: SideOfSize> Argument for Size<S> {
    fn expected() -> String {
        S::expected_size()
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        let (width, height) = value.text()?.split_once('x')?;
        let side = |text: &str| if text.is_empty() { Some(None) } else { S::read(&Value::bare(text)).map(Some) };
        Self::of(side(width)?, side(height)?)
    }

    fn scalar(&self) -> Scalar {
        let (width, height) = match self {
            Self::Width(width) => (Some(width), None),
            Self::Height(height) => (None, Some(height)),
            Self::Both(width, height) => (Some(width), Some(height)),
        };
        let side = |side: Option<&S>| side.map(|side| Box::new(side.scalar()));
        Scalar::Size { width: side(width), height: side(height) }
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        use proptest::prop_oneof;
        prop_oneof![
            S::any().prop_map(Self::Width),
            S::any().prop_map(Self::Height),
            (S::any(), S::any()).prop_map(|(width, height)| Self::Both(width, height)),
        ]
        .boxed()
    }
}

/// A size in pixels, or a part of the size that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain::pipeline) enum SizeOrScale {
    Size(Size),
    Scale(Scaling),
}

impl From<Size> for SizeOrScale {
    fn from(size: Size) -> Self {
        Self::Size(size)
    }
}

impl Argument for SizeOrScale {
    fn expected() -> String {
        format!("{}, or {}", Size::<Side>::expected(), Scaling::expected())
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        Scaling::read(value).map(Self::Scale).or_else(|| Size::read(value).map(Self::Size))
    }

    fn scalar(&self) -> Scalar {
        match self {
            Self::Size(size) => size.scalar(),
            Self::Scale(percent) => percent.scalar(),
        }
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        proptest::prop_oneof![Size::any().prop_map(Self::Size), Scaling::any().prop_map(Self::Scale)].boxed()
    }
}

/// The ratio of a width to a height, as `16x9`. It is printed as it was written, not reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    width: Side,
    height: Side,
}

impl Ratio {
    /// The largest part of an image of that size (in pixels) that has the ratio: each side to the nearest pixel, at least 1.
    #[must_use]
    pub fn inside(self, (width, height): (u32, u32)) -> (u32, u32) {
        let (across, down) = (self.width.get(), self.height.get());
        if u64::from(width) * u64::from(down) > u64::from(height) * u64::from(across) {
            (ratio(height, across.into(), down.into()).min(width), height)
        } else {
            (width, ratio(width, down.into(), across.into()).min(height))
        }
    }

    /// The smallest size that has the ratio and contains an image of that size (in pixels): each side to the nearest pixel.
    #[must_use]
    pub fn around(self, (width, height): (u32, u32)) -> (u32, u32) {
        let (across, down) = (u64::from(self.width.get()), u64::from(self.height.get()));
        if u64::from(width) * down > u64::from(height) * across {
            (width, ratio(width, down, across).max(height))
        } else {
            (ratio(height, across, down).max(width), height)
        }
    }
}

impl Argument for Ratio {
    fn expected() -> String {
        format!("a ratio of width to height such as 16x9, both 1 to {}", u16::MAX)
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        match Size::read(value)? {
            Size::Both(width, height) => Some(Self { width, height }),
            _ => None,
        }
    }

    fn scalar(&self) -> Scalar {
        Scalar::Word(format!("{}x{}", self.width, self.height))
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        (Side::any(), Side::any()).prop_map(|(width, height)| Self { width, height }).boxed()
    }
}

/// `value * numerator / denominator`, rounded to the nearest, at least 1, saturating.
pub(in crate::domain::pipeline) fn ratio(value: u32, numerator: u64, denominator: u64) -> u32 {
    let denominator = u128::from(denominator.max(1));
    let rounded = (u128::from(value) * u128::from(numerator) + denominator / 2) / denominator;
    u32::try_from(rounded).unwrap_or(u32::MAX).max(1)
}
