//! From pixels to the bytes of a file, converting the pixel type only where the format cannot hold it:
//!
//! | format | holds | otherwise |
//! |---|---|---|
//! | PNG | gray, colour, alpha; 8 and 16 bits; or up to 256 colours with alpha of 8 bits | 32-bit floats become 16 bits; more colours are quantised |
//! | JPEG | gray, colour; 8 bits | 8 bits; what is transparent is laid over white |
//! | WebP | colour, alpha; 8 bits | 8 bits; gray becomes colour |
//! | GIF | 256 colours, one of them transparent | 8 bits; alpha below one half becomes transparent, the rest opaque; more than 256 colours are quantised |
//! | BMP | gray, colour, colour with alpha; 8 bits | 8 bits; gray with alpha becomes colour |
//! | TIFF | gray, colour, colour with alpha; 8, 16 and 32 bits | gray with alpha becomes colour |
//! | QOI | colour, alpha; 8 bits | 8 bits; gray becomes colour |
//! | AVIF | gray, colour, alpha; 8 bits | 8 bits |

mod animation;
#[cfg(any(feature = "avif", feature = "libaom"))]
mod avif;
mod capped;
mod fitting;
mod holding;
mod jpeg;
mod png;
mod still;
mod webp;
mod with_exif;

use std::io::{Seek, Write};

use image::DynamicImage;

use super::error::ImagingError;
use super::frame::{Frame, Properties};
use super::profile::MAX_ICC_PROFILE;
use crate::domain::pipeline::Output;
use capped::Capped;

/// Where a result goes.
pub(super) trait WriteSeek: Write + Seek {}

impl<W: Write + Seek> WriteSeek for W {}

/// A file that is written frame by frame.
pub(super) trait Encoder {
    /// Adds a frame; all have the same size.
    fn frame(&mut self, frame: Frame) -> Result<(), ImagingError>;

    /// Writes what is still to be written, and flushes it.
    fn finish(self: Box<Self>) -> Result<(), ImagingError>;
}

/// Starts a file of at most `max_bytes` in `out`, which stands at its start, in the format and with the settings of `output`.
pub(super) fn start<'a>(output: &'a Output, properties: Properties, out: impl WriteSeek + 'a, max_bytes: u64) -> Box<dyn Encoder + 'a> {
    let out = Capped::new(out, max_bytes);
    match output {
        Output::Gif(_) if properties.frames > 1 => Box::new(animation::Gif::new(&properties, out)),
        Output::Png(png) if properties.frames > 1 => Box::new(animation::Apng::new(png, properties, out)),
        Output::Webp(webp) if properties.frames > 1 => Box::new(webp::Animated::new(webp, properties, out)),
        _ => Box::new(still::Still { output, properties, out }),
    }
}

/// Like [`start`], for a picture of that size whose frames are strips of it; for an output that takes rows, see
/// [`by_rows`](crate::domain::pipeline::Tree::by_rows). All others take it for an animation.
pub(super) fn start_rows<'a>(
    output: &'a Output,
    size: (u32, u32),
    properties: Properties,
    out: impl WriteSeek + 'a,
    max_bytes: u64,
) -> Box<dyn Encoder + 'a> {
    match output {
        Output::Jpeg(settings) => Box::new(jpeg::ByRows::new(output, settings, size, properties, Capped::new(out, max_bytes))),
        _ => start(output, properties, out, max_bytes),
    }
}

/// Bytes that are gathered before they are written.
const BUFFER: usize = 64 << 10;

/// The colour profile, if it is for such pixels: its header names the colour space in bytes 16 to 19 (ICC.1:2022, 7.2.6).
/// It can be taken once.
fn profile_for(properties: &mut Properties, image: &DynamicImage) -> Option<Vec<u8>> {
    let space: &[u8] = if image.color().has_color() { b"RGB " } else { b"GRAY" };
    properties.icc_profile.take().filter(|profile| profile.len() <= MAX_ICC_PROFILE && profile.get(16..20) == Some(space))
}

/// Refuses sizes that a format cannot express.
pub(super) fn check_size(output: &Output, size: (u32, u32)) -> Result<(), ImagingError> {
    output.check_size(size).map_err(|error| ImagingError::Operation(error.to_string()))
}
