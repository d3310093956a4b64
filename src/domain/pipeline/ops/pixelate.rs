//! Large pixels.

use crate::domain::pipeline::operation::{Touches, declare};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::Whole;

declare! {
    /// Gives every square the mean of its pixels. The first square is at the top left; those at the right and at the bottom may be cut off.
    /// What is transparent has no weight.
    pub struct Pixelate = "pixelate", ["pixelate:8"];
    /// The side of a square, in pixels.
    size: Whole<2, 10_000>, required, positional;
}

impl Operation for Pixelate {
    const TOUCHES: Touches = Touches::Both;

    /// A row of floats of single precision, and one of double.
    fn scratch_of_column(&self, bytes_per_pixel: u64) -> u64 {
        12 * bytes_per_pixel.min(4)
    }
}
