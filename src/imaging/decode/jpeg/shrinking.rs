//! A file that is shrunk while it is decoded.

use image::ColorType;

use super::baseline::Baseline;
use super::damaged;
use crate::domain::pipeline::Scale;
use crate::imaging::decode::{Decoder, refusal};
use crate::imaging::error::ImagingError;
use crate::imaging::frame::{Delay, Frame, Shrunk};
use crate::imaging::gradual::{Gradual, Shrinking};

/// The only frame of a file, with the pixels that a resize makes of it.
pub(in crate::imaging::decode) struct ShrinkingDecoder<'a> {
    /// Until the frame is decoded.
    baseline: Option<Baseline<'a>>,
    scale: Scale,
    shrinking: Shrinking,
    /// Width and height of the picture, upright.
    original: (u32, u32),
}

impl<'a> ShrinkingDecoder<'a> {
    /// Reads the header; `None` when the file cannot be decoded from its top.
    pub(in crate::imaging::decode) fn new(input: &'a [u8], scale: Scale, shrinking: Shrinking, original: (u32, u32)) -> Option<Self> {
        Some(Self { baseline: Some(Baseline::new(input)?), scale, shrinking, original })
    }
}

impl Decoder for ShrinkingDecoder<'_> {
    fn next_frame(&mut self) -> Result<Option<Frame>, ImagingError> {
        let Some(baseline) = self.baseline.take() else { return Ok(None) };
        let mut strips = baseline.strips(self.scale);
        let mut gradual = Gradual::new(self.shrinking, baseline.color_type() == ColorType::Rgb8, strips.most_rows());
        let mut rows = vec![0; strips.most_rows() * strips.row_bytes()];
        loop {
            match strips.next(&mut rows).map_err(|scan| refusal(damaged(scan), 0))? {
                0 => break,
                count => gradual.push(&rows[..count * strips.row_bytes()])?,
            }
        }
        let image = gradual.finish()?;
        Ok(Some(Frame { image, shrunk: Some(Shrunk::resized(self.original)), delay: Delay::NONE }))
    }
}
