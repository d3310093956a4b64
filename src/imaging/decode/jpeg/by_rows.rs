//! A file whose rows are given from its top, without ever keeping them all.

use image::{DynamicImage, GrayImage, RgbImage};

use super::baseline::Baseline;
use super::damaged;
use crate::domain::pipeline::Scale;
use crate::imaging::decode::refusal;
use crate::imaging::error::ImagingError;

/// A file that can be decoded so.
pub(in crate::imaging) struct Rows<'a> {
    baseline: Baseline<'a>,
    scale: Scale,
}

impl<'a> Rows<'a> {
    /// Reads the header; `None` when the file cannot be decoded from its top.
    pub(in crate::imaging::decode) fn new(input: &'a [u8], scale: Scale) -> Option<Self> {
        Some(Self { baseline: Baseline::new(input)?, scale })
    }

    /// The most rows of a strip.
    pub(in crate::imaging) fn most(&self) -> usize {
        self.baseline.strips(self.scale).most_rows()
    }

    /// Whether a pixel has red, green and blue, or one sample.
    pub(in crate::imaging) fn has_color(&self) -> bool {
        self.baseline.color_type().has_color()
    }

    /// Decodes the picture and gives it to `take` strip by strip, each as wide as the picture.
    pub(in crate::imaging) fn each(&self, mut take: impl FnMut(DynamicImage) -> Result<(), ImagingError>) -> Result<(), ImagingError> {
        let mut strips = self.baseline.strips(self.scale);
        let row = strips.row_bytes();
        loop {
            let mut pixels = vec![0; strips.most_rows() * row];
            let rows = strips.next(&mut pixels).map_err(|scan| refusal(damaged(scan), 0))?;
            if rows == 0 {
                return Ok(());
            }
            pixels.truncate(rows * row);
            take(self.strip(pixels, rows as u32))?;
        }
    }

    fn strip(&self, pixels: Vec<u8>, rows: u32) -> DynamicImage {
        let (width, _) = self.scale.shrink(self.baseline.dimensions());
        let strip = if self.has_color() {
            RgbImage::from_raw(width, rows, pixels).map(DynamicImage::from)
        } else {
            GrayImage::from_raw(width, rows, pixels).map(DynamicImage::from)
        };
        strip.expect("a strip has so many rows of the picture's width")
    }
}
