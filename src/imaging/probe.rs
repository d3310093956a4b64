//! What the header of a file tells, without decoding a pixel.

use image::metadata::Orientation;

use super::decode::{self, Opened, jpeg};
use super::error::ImagingError;
use super::{metadata, profile};
use crate::domain::format::Format;
use crate::domain::pipeline::Scale;
use crate::domain::pipeline::cost::ImageInfo;

/// Reads the header of a file. Its name and media type do not matter, its first bytes do.
///
/// # Errors
/// When the bytes are of no known format or the header is damaged.
pub fn probe(input: &[u8]) -> Result<ImageInfo, ImagingError> {
    let Some(format) = Format::sniff(input) else {
        return Err(ImagingError::Unsupported("the bytes are of no known image format".to_owned()));
    };
    let Opened { mut decoder, scales } = decode::open_still(input, format, u64::MAX, Scale::Full)?;
    let orientation = decode::orientation(&mut decoder);
    let turned = decode::is_turned(orientation);
    let flipped = !turned && orientation != Orientation::NoTransforms;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(ImagingError::Corrupt("the image has no pixels".to_owned()));
    }
    let profile_bytes = decode::icc_profile(&mut decoder, input, format).map_or(0, |profile| profile.len() as u64);
    let pixels = u64::from(width) * u64::from(height);
    let decoded = pixels.saturating_mul(decoder.color_type().bytes_per_pixel().into());
    // The colour profile is kept twice and read; the other metadata may be copied out of the file.
    let decoder_bytes = working_bytes(input, format, (width, height), decoded)
        .saturating_add(2 * profile_bytes)
        .saturating_add(profile::working_bytes(profile_bytes))
        .saturating_add(input.len() as u64);
    let survey = decode::survey(input, format);
    // Animations are decoded with alpha, beside the canvas and what it was before.
    let animated = survey.frames > 1;
    let bytes_per_pixel = u32::from(decoder.color_type().bytes_per_pixel()).max(if animated { 4 } else { 1 });
    let decoder_bytes = decoder_bytes.saturating_add(if animated { pixels.saturating_mul(40) } else { 0 });
    let (width, height) = if turned { (height, width) } else { (width, height) };
    let (frames, duration_ms, alpha) = (survey.frames, survey.duration_ms, decoder.color_type().has_alpha());
    Ok(ImageInfo {
        format,
        width,
        height,
        bytes_per_pixel,
        encoded_bytes: input.len() as u64,
        decoder_bytes,
        header_bytes: header_bytes(input, format),
        alpha,
        turned,
        flipped,
        scales,
        frames,
        duration_ms,
    })
}

/// A packed profile is unpacked into a buffer that grows, also where it is dropped since it is too long.
fn header_bytes(input: &[u8], format: Format) -> u64 {
    match format {
        Format::Png => metadata::longest_packed(input, format, decode::PNG_METADATA).saturating_mul(2),
        _ => 0,
    }
}

/// An upper bound of what the decoder of a format allocates in proportion to the image.
fn working_bytes(input: &[u8], format: Format, (width, height): (u32, u32), decoded: u64) -> u64 {
    let pixels = u64::from(width) * u64::from(height);
    match format {
        // Row by row.
        Format::Png | Format::Bmp | Format::Qoi | Format::Pnm => 0,
        Format::Jpeg => jpeg::working_bytes(input, (width, height)),
        Format::Webp => pixels.saturating_mul(webp_bytes_per_pixel(input)),
        // A first frame that does not fill the canvas is decoded beside it.
        Format::Gif => pixels.saturating_mul(4),
        Format::Avif => decode::avif_working_bytes(input),
        // The decoder fills a buffer of its own, and CMYK has a third more samples than colours.
        Format::Tiff => decoded.saturating_mul(2),
    }
}

/// By the kind of the first chunk (and the flags of an extended file, RFC 9649, 2.7).
fn webp_bytes_per_pixel(input: &[u8]) -> u64 {
    const ANIMATION: u8 = 0x02;
    match (input.get(12..16), input.get(20)) {
        // Planes of luma and chroma.
        (Some(b"VP8 "), _) => 2,
        // Colours with alpha and the images of its transforms.
        (Some(b"VP8L"), _) => 5,
        // A canvas and a frame, and what the frame needs by itself.
        (_, Some(flags)) if flags & ANIMATION != 0 => 16,
        // Planes, and alpha that is decoded as a lossless image of its own.
        _ => 8,
    }
}
