//! The median of neighbours.

use crate::domain::pipeline::operation::{Touches, declare};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::Whole;

declare! {
    /// Gives every pixel the median of the square around it, each channel by itself, alpha too: specks vanish, edges stay. Floats are taken as if they
    /// had 16 bits. Beyond the edges the image goes on as its last pixels are.
    pub struct Median = "median", ["median:2", "median"];
    /// The radius in pixels: the side of the square is twice that and one more.
    radius: Whole<1, 100>, default = Whole::literal::<1>(), positional;
}

impl Operation for Median {
    const TOUCHES: Touches = Touches::Both;

    /// The result; of floats, the image and the result with 16 bits.
    fn scratch(&self, pixels: u64, bytes_per_pixel: u64) -> u64 {
        pixels.saturating_mul(bytes_per_pixel)
    }

    /// Three rows of 16 bits.
    fn scratch_of_column(&self, bytes_per_pixel: u64) -> u64 {
        6 * bytes_per_pixel.min(4)
    }
}
