//! What there is of an image on its way through steps: how large it is for the pipeline, and how many pixels that are.

use super::{ImageInfo, pixels};
use crate::domain::pipeline::{Input, Scale, Step};

/// An image on its way.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::domain::pipeline) struct Held {
    /// The width and height that it has for the pipeline.
    pub(in crate::domain::pipeline) size: (u32, u32),
    /// Those of its pixels, until a resize brings them to its size.
    pub(in crate::domain::pipeline) pixels: (u32, u32),
    /// An upper bound of the bytes of one of them.
    pub(super) bytes_per_pixel: u64,
}

impl Held {
    /// The bytes of its pixels. Saturates.
    pub(super) fn bytes(self) -> u64 {
        pixels(self.pixels).saturating_mul(self.bytes_per_pixel)
    }

    /// What is decoded of a file at a scale.
    pub(in crate::domain::pipeline) fn decoded(info: &ImageInfo, input: &Input, scale: Scale) -> Self {
        let size = info.size(input);
        Self { size, pixels: scale.shrink(size), bytes_per_pixel: info.bytes_per_pixel.into() }
    }

    /// Whether a step is left to the resize that comes after it: a crop of what was decoded at a scale.
    pub(in crate::domain::pipeline) fn waits(self, step: &Step) -> bool {
        self.pixels != self.size && matches!(step, Step::Crop(_))
    }

    /// What becomes of it by a step.
    pub(in crate::domain::pipeline) fn after(self, step: &Step) -> Self {
        let size = step.size_after(self.size);
        let pixels = if size == self.size || self.waits(step) { self.pixels } else { size };
        Self { size, pixels, bytes_per_pixel: step.bytes_per_pixel_after(self.bytes_per_pixel) }
    }
}
