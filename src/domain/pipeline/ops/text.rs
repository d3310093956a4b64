//! Texts.

use super::pixel_types::with_colour;
use crate::domain::pipeline::operation::{Touches, declare};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::{Gravity, Length, OpaqueColor, Portion, Text, Whole};

declare! {
    /// Writes a text over the image: a watermark or a caption. The font is Noto Sans, with the letters of Latin, Greek and Cyrillic; any other
    /// is an error. A text of several lines is aligned by its place, and what is outside of the image is cut off. A colour that is no gray turns a
    /// gray image into one of colours.
    pub struct Caption = "text", ["text:Safelight,size=24", "text:50%25%20off,size=10%,g=center", "text:draft,opacity=0.3,tile=true"];
    /// The text; lines are separated by a line feed (`%0A`).
    text: Text<256>, required, positional;
    /// The height of a letter with its accents, the em: in pixels or in percent of the image's shorter side.
    size: Length<1>, default = Length::Pixels(Whole::literal::<32>());
    /// The colour.
    color: OpaqueColor, default = OpaqueColor::WHITE;
    /// How much it hides what is behind it: 0 nothing, 1 all.
    opacity: Portion, default = Portion::literal::<1_000>();
    /// Where in the image it is.
    gravity as "g": Gravity, default = Gravity::Southeast;
    /// How far it is from the edges, in pixels or in percent of the image's shorter side; of a tile, from the next one.
    margin: Length<0>, default = Length::Pixels(Whole::literal::<16>());
    /// Whether it is repeated all over the image.
    tile: bool, default = false;
}

impl Caption {
    /// Whether a gray image stays gray.
    #[must_use]
    pub fn keeps_gray(&self) -> bool {
        let [r, g, b] = self.color.0;
        r == g && g == b
    }
}

impl Operation for Caption {
    const TOUCHES: Touches = Touches::Both;

    /// The image with colours, and a glyph twice, each pixel a float: no side of one is larger than two em.
    fn scratch(&self, pixels: u64, bytes_per_pixel: u64) -> u64 {
        let em = self.size.along(u32::try_from(pixels.isqrt()).unwrap_or(u32::MAX));
        let glyph = u64::from(em).pow(2).saturating_mul(4 * 2 * 4);
        let coloured = if self.keeps_gray() { 0 } else { pixels.saturating_mul(with_colour(bytes_per_pixel)) };
        glyph.saturating_add(coloured)
    }

    fn bytes_per_pixel_after(&self, bytes_per_pixel: u64) -> u64 {
        if self.keeps_gray() { bytes_per_pixel } else { with_colour(bytes_per_pixel) }
    }
}
