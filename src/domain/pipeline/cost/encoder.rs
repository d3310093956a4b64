//! What encoders need: upper bounds of their memory, with the result that they make.

use super::{JPEG_SYMBOLS, pixels};
use crate::domain::pipeline::output::{Jpeg, Webp};
use crate::domain::pipeline::{Output, Subsampling};

/// What an AV1 encoder needs beside the planes. Neither library has a figure for it: measured is the memory of a process that encodes
/// photographs of 0.04 to 11 megapixels as 4:4:4 with the best qualities, which take most; 35 bytes a pixel and 16 MB were enough.
const AVIF: u64 = 24 << 20;
const AVIF_OF_PIXEL: u64 = 56;

/// What it takes to choose the colours of a palette: a table of the colours of up to a million pixels, and lists of them while they
/// are split. Rows of a larger image are left out, and one more than that may be looked at.
const HISTOGRAM: u64 = 192 << 20;
const HISTOGRAM_OF_PIXEL: u64 = 160;

/// The pixels, their copy in a type that the format holds, the encoder's own buffers, and the encoded result.
pub(super) fn encoder_bytes(output: &Output, size: (u32, u32), bytes_per_pixel: u64) -> u64 {
    let pixels = pixels(size);
    let of = |bytes: u64| pixels.saturating_mul(bytes);
    let raw = of(bytes_per_pixel);
    // Gray and colour of eight bits are held by every format as they are.
    let plain = matches!(bytes_per_pixel, 1 | 3);
    let converted = |bytes: u64| if plain { 0 } else { bytes };
    // A result that is collected in a growing buffer before it is written: while it grows, the old one is there too.
    let collected = |result: u64| result.saturating_mul(4);
    let beside = match output {
        // Fast compression has one code for all images, of up to twelve bits for a byte.
        Output::Png(png) if png.colors.is_none() => converted(raw).saturating_add(collected(raw.min(of(8)).saturating_mul(3) / 2)),
        // A copy with alpha, the indices, the histogram that colours are chosen by, and a code of up to twelve bits for each.
        Output::Png(_) => of(4 + 1).saturating_add(of(HISTOGRAM_OF_PIXEL).min(HISTOGRAM)).saturating_add(collected(of(3) / 2)),
        Output::Jpeg(jpeg) => {
            let fitted = if jpeg.max_bytes.is_some() { collected(of(3)) } else { 0 };
            converted(raw.min(of(4))).saturating_add(jpeg_bytes(jpeg, size)).saturating_add(fitted)
        }
        // While the quality is looked for, the best file so far is kept.
        Output::Webp(webp) => {
            converted(of(if webp.max_bytes.is_some() { 8 } else { 4 })).saturating_add(webp_bytes(webp, pixels, bytes_per_pixel))
        }
        // Two copies with alpha, the indices, and codes of up to twelve bits for each.
        Output::Gif(_) => of(4 + 4 + 1).saturating_add(collected(of(3) / 2)),
        Output::Bmp(_) => converted(of(4)).saturating_add(of(4)),
        // Room for every pixel to be written in full.
        Output::Qoi(_) => converted(of(4)).saturating_add(of(5)),
        // The planes and the file, several times while it is put together and its quality looked for, and what the encoder works with.
        Output::Avif(_) => of(4 + 4).saturating_add(AVIF).saturating_add(of(AVIF_OF_PIXEL)),
        Output::Tiff(_) => converted(raw.saturating_mul(2)).saturating_add(raw.saturating_mul(2)),
    };
    raw.saturating_add(beside)
}

/// What an encoder needs that is given its picture by rows, without them.
pub(super) fn passing_bytes(output: &Output, size: (u32, u32)) -> u64 {
    match output {
        Output::Jpeg(jpeg) => jpeg_bytes(jpeg, size),
        // No other takes rows.
        other => encoder_bytes(other, size, 4),
    }
}

/// The encoder's own buffers and the file.
fn jpeg_bytes(jpeg: &Jpeg, size: (u32, u32)) -> u64 {
    let of = |bytes: u64| pixels(size).saturating_mul(bytes);
    if jpeg.progressive {
        // The coefficients of all blocks, two bytes each, and the components apart.
        return of(10);
    }
    // Sixteen rows of up to three samples a pixel.
    let strip = u64::from(size.0).saturating_add(16).saturating_mul(16 * 3);
    // Of each coefficient a symbol with its bits in up to three bytes. They go as the file comes, which is no longer than they are.
    let symbols = of(9).min(JPEG_SYMBOLS);
    strip.saturating_add(symbols.max(jpeg_file_bytes(jpeg, pixels(size))))
}

/// What a baseline file takes. Measured is noise of the two extremes in every channel, coded by codes that were made of a flat picture:
/// 5.6 bits a sample at a quality of 85, 7.3 at 95, 9.8 at 100. Codes that are made of it take a sixth less.
fn jpeg_file_bytes(jpeg: &Jpeg, pixels: u64) -> u64 {
    let samples_of_two_pixels = match jpeg.subsampling {
        Subsampling::Quarter => 3,
        Subsampling::Half => 4,
        Subsampling::Full => 6,
    };
    let bits_of_sample = match jpeg.quality.get() {
        ..=85 => 7,
        86..=95 => 9,
        _ => 12,
    };
    pixels.saturating_mul(samples_of_two_pixels * bits_of_sample).div_ceil(2 * 8)
}

/// What an animation needs beside one of its frames: the other frames, encoded, and canvases.
pub(super) fn animation_bytes(output: &Output, pixels: u64, frames: u32) -> u64 {
    let of = |bytes: u64| pixels.saturating_mul(bytes);
    let encoded = |bytes: u64| of(bytes).saturating_mul(frames.into());
    match output {
        // libwebp keeps four canvases and every frame, some twice, until it puts them together, and that is copied.
        Output::Webp(webp) => of(24).saturating_add(encoded(if webp.lossless { 12 } else { 4 })),
        Output::Png(_) => of(16).saturating_add(encoded(5)),
        _ => of(8).saturating_add(encoded(2)),
    }
}

/// What libwebp allocates, and the file that it makes, twice while a profile is put into it.
///
/// libwebp has no figure for it. Measured is the memory of a process that encodes noise, in which nothing repeats, with and
/// without alpha and with 1 to 900 colours; on photographs it is a third. Beside what follows the pixels, a lossless image
/// (which alpha is by itself, too) needs up to 2600 histograms of code lengths, but no more than its size has use for.
fn webp_bytes(webp: &Webp, pixels: u64, bytes_per_pixel: u64) -> u64 {
    const HISTOGRAMS: u64 = 48 << 20;
    const HISTOGRAMS_OF_PIXEL: u64 = 1200;
    let of = |bytes: u64| pixels.saturating_mul(bytes);
    let has_alpha = matches!(bytes_per_pixel, 2 | 4 | 8 | 16);
    let histograms = if webp.lossless || has_alpha { of(HISTOGRAMS_OF_PIXEL).min(HISTOGRAMS) } else { 0 };
    let alpha = if has_alpha { of(14) } else { 0 };
    let working = match (webp.lossless, webp.effort.get(), webp.quality.get()) {
        (true, ..) => of(48),
        // Without the tokens of all blocks.
        (false, 0..=2, _) => of(10),
        (false, _, ..=80) => of(24),
        (false, ..) => of(36),
    };
    working.saturating_add(alpha).saturating_add(histograms)
}
