//! Formats that hold one image, each by its encoder.

use std::io::{BufWriter, Write};

use image::codecs::{bmp::BmpEncoder, gif::GifEncoder, jpeg::JpegEncoder, png, tiff::TiffEncoder, webp::WebPEncoder};
use image::{DynamicImage, ImageEncoder, ImageError, ImageResult};

use super::capped::Capped;
use super::holding::held_by;
use super::{Encoder, WriteSeek};
use crate::domain::limits::{Limit, LimitExceeded};
use crate::domain::pipeline::{Output, Quality};
use crate::imaging::error::ImagingError;
use crate::imaging::frame::{Frame, Properties};
use crate::imaging::profile::MAX_ICC_PROFILE;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 64 << 10;

/// Writes the frame that it is given; there must be only one.
pub(super) struct Still<'a, W> {
    pub(super) output: &'a Output,
    pub(super) properties: Properties,
    pub(super) out: Capped<W>,
}

impl<W: WriteSeek> Encoder for Still<'_, W> {
    fn frame(&mut self, frame: Frame) -> Result<(), ImagingError> {
        let image = held_by(self.output.format(), frame.image);
        let icc_profile = self.properties.icc_profile.take().filter(|profile| describes(profile, &image));
        // Some encoders write byte by byte.
        let mut buffered = BufWriter::with_capacity(BUFFER, &mut self.out);
        let written = encode(&image, icc_profile, self.output, &mut buffered);
        let flushed = written.and_then(|()| buffered.flush().map_err(ImageError::IoError));
        drop(buffered);
        flushed.map_err(|error| refusal(error, &self.out))
    }

    fn finish(self: Box<Self>) -> Result<(), ImagingError> {
        Ok(())
    }
}

fn encode(image: &DynamicImage, icc_profile: Option<Vec<u8>>, output: &Output, out: &mut impl WriteSeek) -> ImageResult<()> {
    match output {
        // Fast and adaptive is both faster and smaller than most encoders' defaults on photographs.
        Output::Png(_) => {
            write(png::PngEncoder::new_with_quality(out, png::CompressionType::Fast, png::FilterType::Adaptive), image, icc_profile)
        }
        Output::Jpeg(jpeg) => write(JpegEncoder::new_with_quality(out, quality(jpeg.quality)), image, icc_profile),
        Output::Webp(_) => write(WebPEncoder::new_lossless(out), image, icc_profile),
        Output::Gif(_) => GifEncoder::new(out).encode(image.as_bytes(), image.width(), image.height(), image.color().into()),
        Output::Bmp(_) => write(BmpEncoder::new(out), image, icc_profile),
        Output::Tiff(_) => write(TiffEncoder::new(out), image, icc_profile),
    }
}

fn write(mut encoder: impl ImageEncoder, image: &DynamicImage, icc_profile: Option<Vec<u8>>) -> ImageResult<()> {
    if let Some(profile) = icc_profile {
        // The format may have no place for a profile.
        let _ = encoder.set_icc_profile(profile);
    }
    encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into())
}

/// The quality as an encoder takes it.
fn quality(quality: Quality) -> u8 {
    u8::try_from(quality.get()).expect("a quality is 1 to 100")
}

/// Whether a colour profile is for such pixels: its header names the colour space in bytes 16 to 19 (ICC.1:2022, 7.2.6).
fn describes(profile: &[u8], image: &DynamicImage) -> bool {
    let space: &[u8] = if image.color().has_color() { b"RGB " } else { b"GRAY" };
    profile.len() <= MAX_ICC_PROFILE && profile.get(16..20) == Some(space)
}

fn refusal(error: ImageError, out: &Capped<impl WriteSeek>) -> ImagingError {
    match (out.refused(), error) {
        (Some((max, found)), _) => LimitExceeded { limit: Limit::MaxOutputBytes, max, found, step: None }.into(),
        (None, ImageError::IoError(error)) => ImagingError::Write(error),
        (None, error) => ImagingError::Operation(format!("cannot be encoded: {error}")),
    }
}
