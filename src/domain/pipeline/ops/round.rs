//! Round shapes.

use super::pixel_types::with_alpha;
use crate::domain::pipeline::operation::{Touches, declare};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::Length;

declare! {
    /// Rounds the corners: what lies outside becomes transparent, and pixels on the border as far as they lie outside. Alpha is added to
    /// an image that has none.
    pub struct Round = "round", ["round:16", "round:20%"];
    /// The radius, in pixels or in percent of the shorter side. Half of that side is the most there can be.
    radius: Length<1>, required, positional;
}

impl Operation for Round {
    const TOUCHES: Touches = Touches::Both;

    fn scratch(&self, pixels: u64, bytes_per_pixel: u64) -> u64 {
        pixels.saturating_mul(with_alpha(bytes_per_pixel))
    }

    /// How much of each pixel of a row is inside.
    fn scratch_of_column(&self, _bytes_per_pixel: u64) -> u64 {
        4
    }

    fn bytes_per_pixel_after(&self, bytes_per_pixel: u64) -> u64 {
        with_alpha(bytes_per_pixel)
    }
}

declare! {
    /// Cuts out the largest circle around the middle: the result is a square, transparent outside of the circle. Alpha is added to an image
    /// that has none.
    pub struct Circle = "circle", ["circle"];
}

impl Operation for Circle {
    const TOUCHES: Touches = Touches::Both;

    fn size_after(&self, (width, height): (u32, u32)) -> (u32, u32) {
        (width.min(height), width.min(height))
    }

    /// The square, and the same with alpha.
    fn scratch(&self, pixels: u64, bytes_per_pixel: u64) -> u64 {
        pixels.saturating_mul(with_alpha(bytes_per_pixel)).saturating_mul(2)
    }

    /// How much of each pixel of a row is inside.
    fn scratch_of_column(&self, _bytes_per_pixel: u64) -> u64 {
        4
    }

    fn bytes_per_pixel_after(&self, bytes_per_pixel: u64) -> u64 {
        with_alpha(bytes_per_pixel)
    }
}
