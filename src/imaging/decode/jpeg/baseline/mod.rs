//! Baseline JPEG (ITU-T T.81: sequential, Huffman codes, 8 bits, one scan; gray or YCbCr), at full size or at a half, a
//! quarter or an eighth of it. Everything else is left to another decoder.
//!
//! The way of the data: `intervals` of the scan without stuffing, `bits` of them, `huffman` symbols, a `block` of
//! coefficients, samples by the `idct`, a `plane` of them as high as one row of MCUs, rows of full width (`upsample`),
//! pixels (`color`). Beside the pixels and the scan only that strip is in memory.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod bits;
mod block;
mod color;
mod frame;
mod huffman;
mod idct;
mod intervals;
mod kernels;
mod plane;
mod strips;
#[cfg(test)]
mod tests;
mod upsample;

use image::ColorType;

use frame::Frame;
use strips::Strips;

use crate::domain::pipeline::Scale;

/// What is wrong with the entropy-coded data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Damaged(&'static str);

/// A file that this decoder decodes.
pub(super) struct Baseline<'a> {
    frame: Frame<'a>,
}

impl<'a> Baseline<'a> {
    /// Reads the header; `None` when it is not one of this decoder's, or damaged.
    pub(super) fn new(input: &'a [u8]) -> Option<Self> {
        Frame::read(input).map(|frame| Self { frame })
    }

    /// Width and height of the picture in pixels.
    pub(super) fn dimensions(&self) -> (u32, u32) {
        (self.frame.width.into(), self.frame.height.into())
    }

    /// Gray or colour, of eight bits.
    pub(super) fn color_type(&self) -> ColorType {
        if self.frame.components.len() == 1 { ColorType::L8 } else { ColorType::Rgb8 }
    }

    /// The picture from its top, at a scale.
    pub(super) fn strips(&self, scale: Scale) -> Strips<'_> {
        Strips::new(&self.frame, scale)
    }

    /// Decodes to `pixels`, one byte a pixel for gray, else red, green and blue, as many as `scale` leaves.
    ///
    /// # Errors
    /// When the scan is damaged or cut off.
    ///
    /// # Panics
    /// When `pixels` has another length.
    pub(super) fn decode(&self, scale: Scale, pixels: &mut [u8]) -> Result<(), Damaged> {
        Strips::new(&self.frame, scale).decode(pixels)
    }
}
