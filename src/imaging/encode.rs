//! From pixels to the bytes of a file, converting the pixel type only where the format cannot hold it:
//!
//! | format | holds | otherwise |
//! |---|---|---|
//! | PNG | gray, colour, alpha; 8 and 16 bits | 32-bit floats become 16 bits |
//! | JPEG | gray, colour; 8 bits | 8 bits; what is transparent is laid over white |
//! | WebP | gray, colour, alpha; 8 bits | 8 bits |
//! | GIF | 256 colours, one of them transparent | 8 bits; alpha below one half becomes transparent, the rest opaque; more than 256 colours are quantised |
//! | BMP | gray, colour, colour with alpha; 8 bits | 8 bits; gray with alpha becomes colour |
//! | TIFF | gray, colour, colour with alpha; 8, 16 and 32 bits | gray with alpha becomes colour |

use std::io::{BufWriter, Seek, Write};

use image::codecs::{bmp::BmpEncoder, gif::GifEncoder, jpeg::JpegEncoder, png, tiff::TiffEncoder, webp::WebPEncoder};
use image::{ColorType, DynamicImage, GrayImage, ImageEncoder, ImageError, ImageResult, RgbImage};

use super::ImagingError;
use super::capped::Capped;
use crate::domain::format::Format;
use crate::domain::limits::{Limit, LimitExceeded};
use crate::domain::pipeline::Output;

/// Larger profiles are left out: none that a camera or an editor writes comes near.
const MAX_ICC_PROFILE: usize = 4 << 20;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 64 << 10;

/// Refuses sizes that a format cannot express.
pub(super) fn check_size(output: Output, (width, height): (u32, u32)) -> Result<(), ImagingError> {
    let max = match output.format() {
        // libwebp reads no more, although the bit stream could say 16384.
        Format::Webp => 16_383,
        Format::Jpeg | Format::Gif => 65_535,
        Format::Png | Format::Bmp | Format::Tiff => i32::MAX.unsigned_abs(),
    };
    if width.max(height) <= max {
        return Ok(());
    }
    let format = output.format();
    Err(ImagingError::Operation(format!("{format} holds at most {max} pixels a side, the result would have {width}x{height}")))
}

/// Writes `image` in the format and quality of `output`.
pub(super) fn encode(
    image: DynamicImage,
    icc_profile: Option<Vec<u8>>,
    output: Output,
    out: &mut Capped<impl Write + Seek>,
) -> Result<(), ImagingError> {
    let image = held_by(output.format(), image);
    let icc_profile = icc_profile.filter(|profile| describes(profile, &image));
    // Some encoders write byte by byte.
    let mut buffered = BufWriter::with_capacity(BUFFER, &mut *out);
    let written = match output {
        // Fast and adaptive is both faster and smaller than most encoders' defaults on photographs.
        Output::Png => write(
            png::PngEncoder::new_with_quality(&mut buffered, png::CompressionType::Fast, png::FilterType::Adaptive),
            &image,
            icc_profile,
        ),
        Output::Jpeg { quality } => write(JpegEncoder::new_with_quality(&mut buffered, quality.get()), &image, icc_profile),
        Output::Webp => write(WebPEncoder::new_lossless(&mut buffered), &image, icc_profile),
        Output::Gif => GifEncoder::new(&mut buffered).encode(image.as_bytes(), image.width(), image.height(), image.color().into()),
        Output::Bmp => write(BmpEncoder::new(&mut buffered), &image, icc_profile),
        Output::Tiff => write(TiffEncoder::new(&mut buffered), &image, icc_profile),
    };
    let flushed = written.and_then(|()| buffered.flush().map_err(ImageError::IoError));
    drop(buffered);
    flushed.map_err(|error| refusal(error, out))
}

fn write(mut encoder: impl ImageEncoder, image: &DynamicImage, icc_profile: Option<Vec<u8>>) -> ImageResult<()> {
    if let Some(profile) = icc_profile {
        // The format may have no place for a profile.
        let _ = encoder.set_icc_profile(profile);
    }
    encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into())
}

/// The image in a pixel type that the format can hold; the same image where it already is in one.
fn held_by(format: Format, image: DynamicImage) -> DynamicImage {
    match (format, image.color()) {
        (Format::Png, ColorType::Rgb32F) => image.into_rgb16().into(),
        (Format::Png, ColorType::Rgba32F) => image.into_rgba16().into(),
        (Format::Jpeg, _) => on_white(to_8_bits(image)),
        (Format::Gif, _) => with_binary_alpha(to_8_bits(image)),
        (Format::Bmp, _) => without_gray_alpha(to_8_bits(image)),
        (Format::Webp, _) => to_8_bits(image),
        (Format::Tiff, _) => without_gray_alpha(image),
        (Format::Png, _) => image,
    }
}

fn to_8_bits(image: DynamicImage) -> DynamicImage {
    match image.color() {
        ColorType::L16 => image.into_luma8().into(),
        ColorType::La16 => image.into_luma_alpha8().into(),
        ColorType::Rgb16 | ColorType::Rgb32F => image.into_rgb8().into(),
        ColorType::Rgba16 | ColorType::Rgba32F => image.into_rgba8().into(),
        _ => image,
    }
}

fn without_gray_alpha(image: DynamicImage) -> DynamicImage {
    match image.color() {
        ColorType::La8 => image.into_rgba8().into(),
        ColorType::La16 => image.into_rgba16().into(),
        _ => image,
    }
}

/// Lays an 8-bit image over white.
fn on_white(image: DynamicImage) -> DynamicImage {
    let (width, height) = (image.width(), image.height());
    let flat = match &image {
        DynamicImage::ImageLumaA8(pixels) => GrayImage::from_raw(width, height, over_white::<1, 2>(pixels)).map(DynamicImage::from),
        DynamicImage::ImageRgba8(pixels) => RgbImage::from_raw(width, height, over_white::<3, 4>(pixels)).map(DynamicImage::from),
        _ => None,
    };
    flat.unwrap_or(image)
}

/// `C` colours and an alpha to each pixel of `N` samples.
fn over_white<const C: usize, const N: usize>(samples: &[u8]) -> Vec<u8> {
    let mut flat = Vec::with_capacity(samples.len() / N * C);
    for pixel in samples.as_chunks::<N>().0 {
        let alpha = u32::from(pixel[C]);
        flat.extend(pixel[..C].iter().map(|colour| ((u32::from(*colour) * alpha + 255 * (255 - alpha) + 127) / 255) as u8));
    }
    flat
}

/// An 8-bit colour image whose pixels are opaque or transparent, nothing between.
fn with_binary_alpha(image: DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return image.into_rgb8().into();
    }
    let mut pixels = image.into_rgba8();
    for pixel in pixels.as_chunks_mut::<4>().0 {
        if pixel[3] < 128 {
            // One transparent colour takes one place in the palette.
            *pixel = [0; 4];
        } else {
            pixel[3] = 255;
        }
    }
    pixels.into()
}

/// Whether a colour profile is for such pixels: its header names the colour space in bytes 16 to 19 (ICC.1:2022, 7.2.6).
fn describes(profile: &[u8], image: &DynamicImage) -> bool {
    let space: &[u8] = if image.color().has_color() { b"RGB " } else { b"GRAY" };
    profile.len() <= MAX_ICC_PROFILE && profile.get(16..20) == Some(space)
}

fn refusal(error: ImageError, out: &Capped<impl Write + Seek>) -> ImagingError {
    match (out.refused(), error) {
        (Some((max, found)), _) => LimitExceeded { limit: Limit::MaxOutputBytes, max, found, step: None }.into(),
        (None, ImageError::IoError(error)) => ImagingError::Write(error),
        (None, error) => ImagingError::Operation(format!("cannot be encoded: {error}")),
    }
}
