//! PNG: pixels as they are, or by a palette.

mod palette;

use std::borrow::Cow;
use std::io::Write;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, RgbaImage};
use png::{BitDepth, ColorType, DeflateCompression, Encoder, EncodingError, Filter, Info};

use super::still::{self, Carried};
use crate::domain::pipeline::{Compression, output};
use crate::imaging::error::ImagingError;
use palette::Indexed;

/// How hard the crate `png` compresses.
pub(super) fn compression(compression: Compression) -> png::Compression {
    match compression {
        Compression::Fast => png::Compression::Fast,
        Compression::Balanced => png::Compression::Balanced,
        Compression::Best => png::Compression::High,
    }
}

/// Encodes an image, by a palette if the output is to have few colours.
pub(super) fn encode(image: &DynamicImage, carried: Carried, output: &output::Png, out: &mut impl Write) -> Result<(), ImagingError> {
    match (output.colors, image) {
        (Some(most), DynamicImage::ImageRgba8(image)) => {
            let indexed = Indexed::new(image, most.get().unsigned_abs() as usize, output.dither.get());
            write_indexed(image, &indexed, carried, output.compression, out).map_err(refusal)
        }
        _ => {
            let compression = match output.compression {
                Compression::Fast => CompressionType::Fast,
                Compression::Balanced => CompressionType::Default,
                Compression::Best => CompressionType::Best,
            };
            // Adaptive filters with fast compression are both faster and smaller than most encoders' defaults on photographs.
            let encoder = PngEncoder::new_with_quality(out, compression, FilterType::Adaptive);
            still::write(encoder, image, carried)
        }
    }
}

fn write_indexed(
    image: &RgbaImage,
    indexed: &Indexed,
    carried: Carried,
    strength: Compression,
    out: &mut impl Write,
) -> Result<(), EncodingError> {
    let (depth, bits) = match indexed.palette.len() {
        0..=2 => (BitDepth::One, 1),
        3..=4 => (BitDepth::Two, 2),
        5..=16 => (BitDepth::Four, 4),
        _ => (BitDepth::Eight, 8),
    };
    let alpha: Vec<u8> = indexed.palette.iter().map(|colour| colour[3]).take_while(|alpha| *alpha < 255).collect();
    let mut info = Info::with_size(image.width(), image.height());
    (info.color_type, info.bit_depth) = (ColorType::Indexed, depth);
    info.palette = Some(indexed.palette.iter().flat_map(|colour| [colour[0], colour[1], colour[2]]).collect());
    info.trns = (!alpha.is_empty()).then(|| alpha.into());
    info.icc_profile = carried.icc_profile.map(Cow::Owned);
    info.exif_metadata = carried.exif.map(Cow::Owned);
    let mut encoder = Encoder::with_info(out, info)?;
    // The fastest way is for filtered rows: it finds nothing but runs of zeros, and makes a file of indices up to thirty times as long.
    encoder.set_deflate_compression(DeflateCompression::Level(match strength {
        Compression::Fast => 3,
        Compression::Balanced => 6,
        Compression::Best => 9,
    }));
    // Neighbours in a palette are not alike (PNG, third edition, 12.7).
    encoder.set_filter(Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&packed(&indexed.indices, image.width() as usize, bits))?;
    writer.finish()
}

/// The indices of each row in as few bytes as they fit into, the first in the highest bits.
fn packed(indices: &[u8], width: usize, bits: usize) -> Cow<'_, [u8]> {
    if bits == 8 {
        return Cow::Borrowed(indices);
    }
    let in_byte = 8 / bits;
    let byte = |indices: &[u8]| {
        let places = (1..=in_byte).map(|place| 8 - place * bits);
        indices.iter().zip(places).fold(0, |byte, (index, shift)| byte | index << shift)
    };
    indices.chunks(width).flat_map(|row| row.chunks(in_byte)).map(byte).collect()
}

/// What the encoder's error means.
pub(super) fn refusal(error: EncodingError) -> ImagingError {
    match error {
        EncodingError::IoError(error) => super::capped::write_error(error),
        error => ImagingError::Operation(format!("cannot be encoded: {error}")),
    }
}
