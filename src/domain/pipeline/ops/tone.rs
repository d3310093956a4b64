//! Operations on each pixel's lightness and colour alone.

use crate::domain::pipeline::operation::{Touches, declare};
use crate::domain::pipeline::step::Operation;

declare! {
    /// Turns light to dark and colours to their complements. Alpha stays.
    pub struct Invert = "invert", ["invert"];
}

impl Operation for Invert {
    const TOUCHES: Touches = Touches::LinearColours;
}

declare! {
    /// Removes the colours and keeps the luma (Rec. 709 weights). Alpha and bit depth stay.
    pub struct Grayscale = "grayscale", ["grayscale"];
}

impl Operation for Grayscale {
    const TOUCHES: Touches = Touches::LinearColours;

    fn scratch(&self, pixels: u64, bytes_per_pixel: u64) -> u64 {
        pixels.saturating_mul(bytes_per_pixel)
    }
}
