//! The types of arguments: each holds valid values only, and knows its spelling in both forms.

use std::fmt;

use super::call::{Argument, Value, digits};

/// A type whose values are words.
trait Words: Copy + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

impl<T: Words> Argument for T {
    fn expected() -> String {
        format!("one of {}", Self::words().join(", "))
    }

    fn words() -> Vec<&'static str> {
        T::WORDS.iter().map(|(word, _)| *word).collect()
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        let text = value.text()?;
        T::WORDS.iter().find(|(word, _)| *word == text).map(|(_, value)| *value)
    }
}

/// Where each colour channel of the result comes from: a permutation of red, green and blue.
///
/// Printed as three letters; the first names the channel that becomes red, the second green, the third blue.
/// `bgr` swaps red and blue; `rgb` changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChannelOrder([u8; 3]);

impl ChannelOrder {
    /// Red and blue swapped; the order where none is given.
    pub const BGR: Self = Self([2, 1, 0]);

    /// The order that takes result channel `i` from channel `sources[i]` (0 red, 1 green, 2 blue);
    /// `None` unless each channel is there once.
    #[must_use]
    pub fn new(sources: [u8; 3]) -> Option<Self> {
        (0..3).all(|channel| sources.contains(&channel)).then_some(Self(sources))
    }

    /// For red, green and blue of the result: the index (0 red, 1 green, 2 blue) of the channel that it comes from.
    #[must_use]
    pub fn sources(self) -> [usize; 3] {
        self.0.map(usize::from)
    }
}

impl fmt::Display for ChannelOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sources().into_iter().try_for_each(|source| f.write_str(["r", "g", "b"][source]))
    }
}

impl Argument for ChannelOrder {
    fn expected() -> String {
        "the letters r, g and b in any order, such as bgr".to_owned()
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        let letters: [u8; 3] = value.text()?.as_bytes().try_into().ok()?;
        let index = |letter: u8| b"rgb".iter().position(|known| *known == letter).and_then(|i| u8::try_from(i).ok());
        Self::new([index(letters[0])?, index(letters[1])?, index(letters[2])?])
    }
}

/// A clockwise rotation by quarter turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// A quarter turn clockwise.
    Right,
    /// A half turn.
    Half,
    /// A quarter turn counter-clockwise.
    Left,
}

impl Rotation {
    /// The clockwise angle in degrees: 90, 180 or 270.
    #[must_use]
    pub fn degrees(self) -> u16 {
        match self {
            Self::Right => 90,
            Self::Half => 180,
            Self::Left => 270,
        }
    }
}

impl Argument for Rotation {
    fn expected() -> String {
        "90, 180 or 270 (degrees clockwise)".to_owned()
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        [Self::Right, Self::Half, Self::Left].into_iter().find(|rotation| value.integer() == Some(rotation.degrees().into()))
    }
}

/// The direction in which an image is mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Left and right change places.
    Horizontal,
    /// Top and bottom change places.
    Vertical,
}

impl Words for Direction {
    const WORDS: &'static [(&'static str, Self)] = &[("horizontal", Self::Horizontal), ("vertical", Self::Vertical)];
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How an image is brought to a box of a width and a height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fit {
    /// The aspect ratio stays; the result is as large as fits into the box.
    #[default]
    Inside,
    /// The aspect ratio stays; the result is as small as contains the box.
    Outside,
    /// The result fills the box; what sticks out is cropped evenly on both sides.
    Cover,
    /// The result fills the box; the aspect ratio becomes the box's.
    Fill,
}

impl Words for Fit {
    const WORDS: &'static [(&'static str, Self)] =
        &[("inside", Self::Inside), ("outside", Self::Outside), ("cover", Self::Cover), ("fill", Self::Fill)];
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

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
}

/// A width, a height, or both, as `400x300`, `400x` or `x300`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
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

/// The quality of a lossy encoder: 1 (smallest file) to 100 (best picture).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quality(u8);

impl Quality {
    /// `None` unless `quality` is 1 to 100.
    #[must_use]
    pub fn new(quality: u8) -> Option<Self> {
        (1..=100).contains(&quality).then_some(Self(quality))
    }

    /// The quality as a number, 1 to 100.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for Quality {
    /// 85: the usual balance, and good enough to send an image through twice.
    fn default() -> Self {
        Self(85)
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Argument for Quality {
    fn expected() -> String {
        "a whole number, 1 to 100".to_owned()
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        Self::new(value.integer()?.try_into().ok()?)
    }
}
