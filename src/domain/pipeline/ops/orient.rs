//! Rotations by quarter turns and mirrors.

use crate::domain::pipeline::operation::{Touches, declare};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::{Direction, Rotation};

declare! {
    /// Rotates by quarter turns, clockwise.
    pub struct Rotate = "rotate", ["rotate:90"];
    /// The angle.
    degrees: Rotation, required, positional;
}

impl Operation for Rotate {
    const TOUCHES: Touches = Touches::Places;

    fn size_after(&self, (width, height): (u32, u32)) -> (u32, u32) {
        match self.degrees {
            Rotation::Half => (width, height),
            Rotation::Right | Rotation::Left => (height, width),
        }
    }

    fn scratch(&self, pixels: u64, bytes_per_pixel: u64) -> u64 {
        match self.degrees {
            Rotation::Half => 0,
            Rotation::Right | Rotation::Left => pixels.saturating_mul(bytes_per_pixel),
        }
    }
}

declare! {
    /// Mirrors the image.
    pub struct Flip = "flip", ["flip:horizontal", "flip:vertical"];
    /// What changes places: left and right, or top and bottom.
    direction: Direction, required, positional;
}

impl Operation for Flip {
    const TOUCHES: Touches = Touches::Places;
}
