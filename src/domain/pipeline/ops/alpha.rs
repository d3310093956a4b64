//! Operations on opacity.

use super::pixel_types::with_alpha;
use crate::domain::pipeline::operation::{Touches, declare};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::{OpaqueColor, Portion};

declare! {
    /// Multiplies alpha, which is added to an image that has none.
    pub struct Opacity = "opacity", ["opacity:0.5"];
    /// The factor: 0 makes everything transparent, 1 changes nothing.
    factor: Portion, required, positional;
}

impl Operation for Opacity {
    const TOUCHES: Touches = Touches::LinearColours;

    fn scratch(&self, pixels: u64, bytes_per_pixel: u64) -> u64 {
        pixels.saturating_mul(with_alpha(bytes_per_pixel))
    }

    fn bytes_per_pixel_after(&self, bytes_per_pixel: u64) -> u64 {
        with_alpha(bytes_per_pixel)
    }
}

declare! {
    /// Lays the image over a colour. The result has no alpha; an image without stays as it is.
    pub struct Flatten = "flatten", ["flatten", "flatten:ffcc00"];
    /// The colour behind the image. One that is not gray turns a gray image with alpha into one of colours.
    background as "bg": OpaqueColor, default = OpaqueColor::WHITE, positional;
}

impl Operation for Flatten {
    const TOUCHES: Touches = Touches::LinearColours;

    fn scratch(&self, pixels: u64, bytes_per_pixel: u64) -> u64 {
        pixels.saturating_mul(self.bytes_per_pixel_after(bytes_per_pixel))
    }

    fn bytes_per_pixel_after(&self, bytes_per_pixel: u64) -> u64 {
        let [r, g, b] = self.background.0;
        match bytes_per_pixel {
            // Perhaps gray with alpha, which becomes colour.
            2 | 4 if r != g || g != b => 6,
            bytes => bytes,
        }
    }
}
