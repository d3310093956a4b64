//! Operations on each pixel's hue and saturation. Those that make colours turn a gray image into one of colours.

use super::pixel_types::with_colour;
use crate::domain::pipeline::operation::{Touches, declare};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::{ColorMatrix, Decimal, Factor, OpaqueColor, Portion};

declare! {
    /// Makes colours stronger or weaker, as CSS `saturate()` does. A gray image stays as it is.
    pub struct Saturation = "saturation", ["saturation:1.8", "saturation:0.4"];
    /// 0 leaves no colour, 1 changes nothing.
    factor: Factor, required, positional;
}

impl Operation for Saturation {
    const TOUCHES: Touches = Touches::Colours;
}

declare! {
    /// Turns the hue of every colour around the colour circle, as CSS `hue-rotate()` does. A gray image stays as it is.
    pub struct Hue = "hue", ["hue:90"];
    /// The angle: red goes by yellow to green.
    degrees: Decimal<-360_000, 360_000>, required, positional;
}

impl Operation for Hue {
    const TOUCHES: Touches = Touches::Colours;
}

declare! {
    /// Mixes every pixel with the colour times the pixel's luma (Rec. 709 weights): black stays, white becomes the colour.
    pub struct Tint = "tint", ["tint:ff8800", "tint:ff8800,strength=0.3"];
    /// The colour.
    color: OpaqueColor, required, positional;
    /// 0 leaves the pixel, 1 nothing of its own colour.
    strength: Portion, default = Portion::literal::<1_000>();
}

declare! {
    /// Replaces every pixel by a colour between two, by its luma (Rec. 709 weights).
    pub struct Duotone = "duotone", ["duotone:002255,ffe0aa"];
    /// What black becomes.
    shadows: OpaqueColor, required, positional;
    /// What white becomes.
    highlights: OpaqueColor, required, positional;
}

declare! {
    /// The brown of old photographs, as CSS `sepia()` makes it.
    pub struct Sepia = "sepia", ["sepia", "sepia:0.5"];
    /// 0 leaves the pixel, 1 nothing of its own colour.
    strength: Portion, default = Portion::literal::<1_000>(), positional;
}

declare! {
    /// Maps red, green and blue by a matrix.
    pub struct Recolor = "color_matrix", ["color_matrix:0;1;0;0;0;1;1;0;0", "color_matrix:1;0;0;0.1;0;1;0;0;0;0;1;-0.1"];
    /// A row each for red, green and blue of the result: the factors of red, green and blue, and what is added (1 is the full range).
    matrix: ColorMatrix, required, positional;
}

/// Operations that make colours: a gray image grows.
macro_rules! colouring {
    ($($type:ident: $touches:ident),*) => { $(impl Operation for $type {
        const TOUCHES: Touches = Touches::$touches;

        fn scratch(&self, pixels: u64, bytes_per_pixel: u64) -> u64 {
            match with_colour(bytes_per_pixel) {
                same if same == bytes_per_pixel => 0,
                larger => pixels.saturating_mul(larger),
            }
        }

        fn bytes_per_pixel_after(&self, bytes_per_pixel: u64) -> u64 {
            with_colour(bytes_per_pixel)
        }
    })* };
}
// A tint and a duotone lie between colours of the range: nothing is clamped, so they are linear.
colouring!(Tint: LinearColours, Duotone: LinearColours, Sepia: Colours, Recolor: Colours);
