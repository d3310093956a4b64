//! JPEG decoding that does not forgive: `image` runs the same decoder in its lenient mode, where what is missing of a
//! photograph comes out gray.

mod segments;

use image::error::{DecodingError, ImageFormatHint, UnsupportedError, UnsupportedErrorKind};
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageResult};
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// A strict decoder over a whole file.
pub(super) struct JpegDecoder<'a> {
    input: &'a [u8],
    decoder: zune_jpeg::JpegDecoder<ZCursor<&'a [u8]>>,
    dimensions: (u32, u32),
    color_type: ColorType,
}

impl<'a> JpegDecoder<'a> {
    /// Reads the header.
    pub(super) fn new(input: &'a [u8]) -> ImageResult<Self> {
        // The format cannot say more than 65535; the server's own limits are checked elsewhere.
        let options = DecoderOptions::default().set_strict_mode(true).set_max_width(usize::MAX).set_max_height(usize::MAX);
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(input), options);
        decoder.decode_headers().map_err(error)?;
        let (width, height) = decoder.dimensions().ok_or_else(|| corrupt("no frame header"))?;
        let dimensions = (u32::try_from(width).unwrap_or(u32::MAX), u32::try_from(height).unwrap_or(u32::MAX));
        let (color_type, space) = match decoder.input_colorspace() {
            Some(ColorSpace::Luma) => (ColorType::L8, ColorSpace::Luma),
            Some(ColorSpace::YCbCr | ColorSpace::RGB | ColorSpace::CMYK | ColorSpace::YCCK) => (ColorType::Rgb8, ColorSpace::RGB),
            other => return Err(unsupported(format!("colour space {other:?}"))),
        };
        decoder.set_options(options.jpeg_set_out_colorspace(space));
        Ok(Self { input, decoder, dimensions, color_type })
    }
}

impl ImageDecoder for JpegDecoder<'_> {
    fn dimensions(&self) -> (u32, u32) {
        self.dimensions
    }

    fn color_type(&self) -> ColorType {
        self.color_type
    }

    fn icc_profile(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.decoder.icc_profile())
    }

    fn exif_metadata(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.decoder.exif().cloned())
    }

    fn read_image(mut self, pixels: &mut [u8]) -> ImageResult<()> {
        if !segments::ends(self.input) {
            return Err(corrupt("the file ends before the end-of-image marker"));
        }
        self.decoder.decode_into(pixels).map_err(error)
    }

    fn read_image_boxed(self: Box<Self>, pixels: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(pixels)
    }
}

/// An upper bound of what decoding allocates beside the pixels: the coefficients of all blocks where the scans do not come
/// whole, else those of a few rows.
pub(super) fn working_bytes(input: &[u8], (width, height): (u32, u32)) -> u64 {
    const COEFFICIENT: u64 = 2;
    // A block has 8 pixels a side, and sampling factors go up to 4.
    let padded = |side: u32| u64::from(side).next_multiple_of(32);
    let layout = segments::layout(input).unwrap_or(segments::Layout { components: 4, sequential: false });
    let rows = if layout.sequential { 64 } else { padded(height) + 64 };
    COEFFICIENT * u64::from(layout.components) * padded(width) * rows
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
