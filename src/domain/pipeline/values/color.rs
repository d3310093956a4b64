//! Colours as people write them on the web.

#[cfg(test)]
use proptest::strategy::{BoxedStrategy, Strategy};

use crate::domain::pipeline::call::{Argument, Value};
use crate::domain::pipeline::print::Scalar;

/// A colour in sRGB with its opacity: 8 bits each of red, green, blue and alpha (255 is opaque).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Color(pub [u8; 4]);

impl Color {
    /// Opaque white.
    pub const WHITE: Self = Self([255; 4]);
    /// Opaque black.
    pub const BLACK: Self = Self([0, 0, 0, 255]);
    /// Nothing.
    pub const TRANSPARENT: Self = Self([0; 4]);

    const NAMES: [(&'static str, Self); 3] = [("white", Self::WHITE), ("black", Self::BLACK), ("transparent", Self::TRANSPARENT)];
}

/// A colour in sRGB that hides what is behind it: 8 bits each of red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpaqueColor(pub [u8; 3]);

impl OpaqueColor {
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// Red, green and blue, 1 being the full range.
    #[must_use]
    pub fn channels(self) -> [f32; 3] {
        self.0.map(|channel| f32::from(channel) / 255.0)
    }
}

impl Argument for OpaqueColor {
    fn expected() -> String {
        "an opaque colour: white, black, or hexadecimal digits as rgb or rrggbb".to_owned()
    }

    fn words() -> Vec<&'static str> {
        vec!["white", "black"]
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        match Color::read(value)?.0 {
            [r, g, b, 255] => Some(Self([r, g, b])),
            _ => None,
        }
    }

    fn scalar(&self) -> Scalar {
        let [r, g, b] = self.0;
        Color([r, g, b, 255]).scalar()
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        proptest::array::uniform3(proptest::num::u8::ANY).prop_map(Self).boxed()
    }
}

impl Argument for Color {
    fn expected() -> String {
        "a colour: white, black, transparent, or hexadecimal digits as rgb, rrggbb or rrggbbaa".to_owned()
    }

    fn words() -> Vec<&'static str> {
        Self::NAMES.map(|(name, _)| name).to_vec()
    }

    fn read(value: &Value<'_>) -> Option<Self> {
        // All digits of a colour may be decimal ones; JSON may then have it as a number, which has lost leading zeros.
        let text = value.text()?;
        if let Some((_, named)) = Self::NAMES.iter().find(|(name, _)| *name == text) {
            return Some(*named);
        }
        let digits = text.strip_prefix('#').unwrap_or(text);
        let digits: Vec<u8> =
            digits.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<_>>()?;
        match digits[..] {
            [r, g, b] => Some(Self([r * 17, g * 17, b * 17, 255])),
            [r, s, g, h, b, c] => Some(Self([r * 16 + s, g * 16 + h, b * 16 + c, 255])),
            [r, s, g, h, b, c, a, d] => Some(Self([r * 16 + s, g * 16 + h, b * 16 + c, a * 16 + d])),
            _ => None,
        }
    }

    /// A name where there is one, else six or eight digits.
    fn scalar(&self) -> Scalar {
        let [r, g, b, a] = self.0;
        Scalar::Word(match Self::NAMES.iter().find(|(_, color)| color == self) {
            Some((name, _)) => (*name).to_owned(),
            None if a == 255 => format!("{r:02x}{g:02x}{b:02x}"),
            None => format!("{r:02x}{g:02x}{b:02x}{a:02x}"),
        })
    }

    #[cfg(test)]
    fn any() -> BoxedStrategy<Self> {
        proptest::array::uniform4(proptest::num::u8::ANY).prop_map(Self).boxed()
    }
}
