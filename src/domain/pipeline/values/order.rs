//! Permutations of channels.

use std::fmt;

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};

use crate::domain::pipeline::call::{Argument, Value};
use crate::domain::pipeline::print::Scalar;

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

    fn scalar(&self) -> Scalar {
        Scalar::Word(self.to_string())
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        proptest::strategy::Just([0, 1, 2]).prop_shuffle().prop_map(Self).boxed()
    }
}
