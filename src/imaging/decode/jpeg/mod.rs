//! JPEG decoding that does not forgive: a damaged file is an error. `image` runs the decoder that it shares with this module
//! in its lenient mode, where what is missing of a photograph comes out gray.
//!
//! A file is decoded by `baseline`, at any scale, if it is of that kind; all others whole by the crate `zune-jpeg`, of which only the
//! samples are taken where they are `inks`.

mod baseline;
mod by_rows;
mod inks;
mod metadata;
mod segments;
#[cfg(test)]
mod tests;

use image::error::{DecodingError, ImageFormatHint, UnsupportedError, UnsupportedErrorKind};
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageResult};
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::domain::pipeline::Scale;
use baseline::{Baseline, Damaged};
pub(in crate::imaging) use by_rows::Rows;
use inks::Inks;
pub(in crate::imaging) use metadata::{icc_profile, metadata};
use segments::Layout;

/// A strict decoder over a whole file.
pub(super) struct JpegDecoder<'a> {
    input: &'a [u8],
    codec: Codec<'a>,
    scale: Scale,
    dimensions: (u32, u32),
    color_type: ColorType,
}

/// Who decodes the file.
enum Codec<'a> {
    Own(Box<Baseline<'a>>),
    Zune(Option<Inks>),
}

impl<'a> JpegDecoder<'a> {
    /// Reads the header. A scale other than the full one is for files of which [`JpegDecoder::scales`] is true.
    pub(super) fn new(input: &'a [u8], scale: Scale) -> ImageResult<Self> {
        if let Some(baseline) = Baseline::new(input) {
            let (dimensions, color_type) = (scale.shrink(baseline.dimensions()), baseline.color_type());
            return Ok(Self { input, codec: Codec::Own(Box::new(baseline)), scale, dimensions, color_type });
        }
        if scale != Scale::Full {
            return Err(unsupported("this JPEG at less than its full size".to_owned()));
        }
        let mut header = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(input), strict());
        header.decode_headers().map_err(error)?;
        let (width, height) = header.dimensions().ok_or_else(|| corrupt("no frame header"))?;
        let dimensions = (u32::try_from(width).unwrap_or(u32::MAX), u32::try_from(height).unwrap_or(u32::MAX));
        let color_type = match header.input_colorspace() {
            Some(ColorSpace::Luma) => ColorType::L8,
            Some(ColorSpace::YCbCr | ColorSpace::RGB | ColorSpace::CMYK | ColorSpace::YCCK) => ColorType::Rgb8,
            other => return Err(unsupported(format!("colour space {other:?}"))),
        };
        // Until it decodes, it takes three components without a transform for inks, too.
        let has_inks = header.info().is_some_and(|info| info.components == 4);
        let inks = header.input_colorspace().filter(|_| has_inks).and_then(|space| Inks::of(input, space));
        Ok(Self { input, codec: Codec::Zune(inks), scale, dimensions, color_type })
    }

    /// Whether the file can be decoded at less than its full size.
    pub(super) fn scales(&self) -> bool {
        matches!(self.codec, Codec::Own(_))
    }

    fn read_zune(&self, inks: Option<Inks>, pixels: &mut [u8]) -> ImageResult<()> {
        let space = if self.color_type == ColorType::L8 { ColorSpace::Luma } else { ColorSpace::RGB };
        match inks {
            Some(inks) => inks.read(self.input, pixels),
            None => read_samples(self.input, strict().jpeg_set_out_colorspace(space), pixels),
        }
    }
}

fn read_samples(input: &[u8], options: DecoderOptions, samples: &mut [u8]) -> ImageResult<()> {
    let end = segments::end(input).ok_or_else(|| corrupt("the file ends before the end-of-image marker"))?;
    let decoded = match segments::layout(input) {
        Some(Layout { sequential: true, restarts: false, .. }) => {
            let scan = without_end(&input[..end]);
            zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(&scan), options).decode_into(samples)
        }
        _ => zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(input), options).decode_into(samples),
    };
    decoded.map_err(error)
}

impl ImageDecoder for JpegDecoder<'_> {
    fn dimensions(&self) -> (u32, u32) {
        self.dimensions
    }

    fn color_type(&self) -> ColorType {
        self.color_type
    }

    /// That of a file of inks describes inks, and is of no use for the colours that they are converted to.
    fn icc_profile(&mut self) -> ImageResult<Option<Vec<u8>>> {
        if matches!(self.codec, Codec::Zune(Some(_))) {
            return Ok(None);
        }
        Ok(icc_profile(self.input))
    }

    fn exif_metadata(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(metadata::exif(self.input).map(<[u8]>::to_vec))
    }

    fn read_image(self, pixels: &mut [u8]) -> ImageResult<()> {
        match &self.codec {
            Codec::Own(baseline) => baseline.decode(self.scale, pixels).map_err(damaged),
            Codec::Zune(inks) => self.read_zune(*inks, pixels),
        }
    }

    fn read_image_boxed(self: Box<Self>, pixels: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(pixels)
    }
}

/// The format cannot say more than 65535 pixels a side; the server's own limits are checked elsewhere.
fn strict() -> DecoderOptions {
    DecoderOptions::default().set_strict_mode(true).set_max_width(usize::MAX).set_max_height(usize::MAX)
}

/// A scan that is not followed by the end-of-image marker but by as many zeros as the decoder reads ahead.
///
/// Once it has seen that marker the decoder takes what is missing of a scan for zeros, even in its strict mode. Without the
/// marker it runs out of bytes, which it reports.
fn without_end(scan: &[u8]) -> Vec<u8> {
    const READ_AHEAD: usize = 16;
    let mut bytes = Vec::with_capacity(scan.len() + READ_AHEAD);
    bytes.extend_from_slice(scan);
    bytes.resize(scan.len() + READ_AHEAD, 0);
    bytes
}

/// Whether the samples of a file are inks: four components, which are cyan, magenta, yellow and black, or made of them.
pub(in crate::imaging) fn has_inks(input: &[u8]) -> bool {
    segments::layout(input).is_some_and(|layout| layout.components == 4)
}

/// An upper bound of what decoding allocates beside the pixels: a copy of the file, the coefficients of all blocks where
/// the scans do not come whole, else those of a few rows, and the inks if there are any.
pub(in crate::imaging) fn working_bytes(input: &[u8], (width, height): (u32, u32)) -> u64 {
    const COEFFICIENT: u64 = 2;
    // A block has 8 pixels a side, and sampling factors go up to 4.
    let padded = |side: u32| u64::from(side).next_multiple_of(32);
    let layout = segments::layout(input).unwrap_or(Layout { components: 4, sequential: false, restarts: false });
    let rows = if layout.sequential { 64 } else { padded(height) + 64 };
    let inks = if layout.components == 4 { inks::working_bytes(input, u64::from(width) * u64::from(height)) } else { 0 };
    COEFFICIENT * u64::from(layout.components) * padded(width) * rows + input.len() as u64 + inks
}

fn damaged(scan: Damaged) -> ImageError {
    ImageError::Decoding(DecodingError::new(ImageFormat::Jpeg.into(), scan))
}

fn corrupt(what: &'static str) -> ImageError {
    ImageError::Decoding(DecodingError::new(ImageFormat::Jpeg.into(), what))
}

fn unsupported(what: String) -> ImageError {
    let format = ImageFormatHint::Exact(ImageFormat::Jpeg);
    ImageError::Unsupported(UnsupportedError::from_format_and_kind(format, UnsupportedErrorKind::GenericFeature(what)))
}

fn error(error: DecodeErrors) -> ImageError {
    match error {
        DecodeErrors::Unsupported(scheme) => unsupported(format!("{scheme:?}")),
        error => ImageError::Decoding(DecodingError::new(ImageFormat::Jpeg.into(), error)),
    }
}
