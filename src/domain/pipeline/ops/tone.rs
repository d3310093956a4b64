//! Operations on each pixel's lightness.

use crate::domain::pipeline::operation::{Touches, declare};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::{Decimal, Factor, Whole};

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

declare! {
    /// Multiplies every colour channel, as CSS `brightness()` does.
    pub struct Brightness = "brightness", ["brightness:1.3", "brightness:0.5"];
    /// The factor: below 1 darker, above lighter.
    factor: Factor, required, positional;
}

impl Operation for Brightness {
    const TOUCHES: Touches = Touches::Colours;
}

declare! {
    /// Moves every colour channel away from the middle of its range or towards it, as CSS `contrast()` does.
    pub struct Contrast = "contrast", ["contrast:1.5", "contrast:0.5"];
    /// The factor of the distance from the middle: below 1 flatter, above steeper.
    factor: Factor, required, positional;
}

impl Operation for Contrast {
    const TOUCHES: Touches = Touches::Colours;
}

declare! {
    /// Raises every colour channel to the power 1/`gamma`. Black and white stay where they are.
    pub struct Gamma = "gamma", ["gamma:2.2"];
    /// Above 1 the middle becomes lighter, below darker.
    gamma: Decimal<100, 10_000>, required, positional;
}

impl Operation for Gamma {
    const TOUCHES: Touches = Touches::Colours;
}

declare! {
    /// Makes every pixel white whose luma (Rec. 709 weights) reaches a level, and all others black. The result is gray; alpha stays.
    pub struct Threshold = "threshold", ["threshold", "threshold:30"];
    /// The level, in percent of the full range.
    level: Decimal<0, 100_000>, default = Decimal::literal::<50_000>(), positional;
}

impl Operation for Threshold {
    const TOUCHES: Touches = Touches::Colours;

    fn scratch(&self, pixels: u64, bytes_per_pixel: u64) -> u64 {
        pixels.saturating_mul(bytes_per_pixel)
    }
}

declare! {
    /// Leaves so many evenly spaced levels of every colour channel: each takes an equal part of the range (SVG `feFuncR`,
    /// `discrete`).
    pub struct Posterize = "posterize", ["posterize:4"];
    /// How many levels.
    levels: Whole<2, 256>, required, positional;
}

impl Operation for Posterize {
    const TOUCHES: Touches = Touches::Colours;
}

declare! {
    /// Stretches the range that the image uses to the full one: the darkest luma becomes black, the lightest white, and all colour
    /// channels are stretched alike. Pixels that cannot be seen (alpha 0) do not count. Of an animation the first frame decides for all.
    pub struct Normalize = "normalize", ["normalize", "normalize:0"];
    /// How many of the darkest and of the lightest pixels do not count, each in percent of all.
    clip: Decimal<0, 49_000>, default = Decimal::literal::<1_000>(), positional;
}

impl Operation for Normalize {
    const TOUCHES: Touches = Touches::Both;

    /// The histogram: as many counts as there are levels of 16 bits.
    fn scratch(&self, _pixels: u64, _bytes_per_pixel: u64) -> u64 {
        (1 << 16) * size_of::<u64>() as u64
    }
}
