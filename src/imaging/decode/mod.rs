//! From the bytes of a file to pixels: one decoder per format, all behind one trait.

mod animation;
#[cfg(feature = "libaom")]
mod avif;
pub(super) mod jpeg;
mod pnm;
mod survey;

use std::io::Cursor;

use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, qoi::QoiDecoder, tiff::TiffDecoder, webp::WebPDecoder};
use image::error::LimitErrorKind;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, Limits};

use super::error::ImagingError;
use super::frame::{Delay, Frame, Properties};
use super::metadata;
use crate::domain::format::Format;
use crate::domain::pipeline::{Frames, Scale};
use animation::Animation;
use jpeg::{JpegDecoder, Rows};
use pnm::PnmDecoder;
pub(super) use survey::survey;

/// A file that is decoded frame by frame.
pub(super) trait Decoder {
    /// The next frame as it is stored (not turned), or `None` after the last.
    fn next_frame(&mut self) -> Result<Option<Frame>, ImagingError>;
}

/// What a PNG decoder may allocate for metadata and rows: more than any honest colour profile takes, less than a giant
/// that packs well.
pub(super) const PNG_METADATA: u64 = 16 << 20;

/// Opens a file for decoding at a scale; reads its header only. The decoder may allocate `memory` bytes, as far as it can be
/// told to. A scale other than the full one is for files of which `ImageInfo::scales` is true. All frames are for animations.
pub(super) fn open(
    input: &[u8],
    format: Format,
    memory: u64,
    scale: Scale,
    frames: Frames,
) -> Result<(Box<dyn Decoder + '_>, Properties), ImagingError> {
    let Opened { mut decoder, .. } = open_still(input, format, memory, scale)?;
    let (orientation, icc_profile) = (orientation(&mut decoder), icc_profile(&mut decoder, input, format));
    let (first, count, plays) = match frames {
        Frames::All => {
            let survey = survey(input, format);
            if survey.frames > 1 && !survey.whole {
                return Err(ImagingError::Corrupt("the animation ends before its last frame does".to_owned()));
            }
            (0, survey.frames, survey.plays)
        }
        Frames::One(number) => (number.into(), 1, 1),
    };
    let properties = Properties { orientation, icc_profile, exif: None, frames: count, plays };
    let decoder: Box<dyn Decoder> = match (first, count) {
        (0, 1) => Box::new(Still { decoder: Some(decoder), memory }),
        _ => Box::new(Animation::new(input, format, memory, first, count)?),
    };
    Ok((decoder, properties))
}

/// The rows of a file of which `ImageInfo::scales` is true, at a scale, as they are stored (not turned).
pub(super) fn open_rows(input: &[u8], scale: Scale) -> Result<Rows<'_>, ImagingError> {
    Rows::new(input, scale).ok_or_else(|| ImagingError::Unsupported("this file from its top".to_owned()))
}

/// A file of which one image is taken.
struct Still<'a> {
    decoder: Option<Box<dyn ImageDecoder + 'a>>,
    memory: u64,
}

impl Decoder for Still<'_> {
    fn next_frame(&mut self) -> Result<Option<Frame>, ImagingError> {
        let Some(decoder) = self.decoder.take() else { return Ok(None) };
        let image = DynamicImage::from_decoder(decoder).map_err(|error| refusal(error, self.memory))?;
        Ok(Some(Frame { image, shrunk: None, delay: Delay::NONE }))
    }
}

/// A file whose header was read.
pub(super) struct Opened<'a> {
    pub(super) decoder: Box<dyn ImageDecoder + 'a>,
    /// Whether it can be decoded at less than its full size.
    pub(super) scales: bool,
}

/// Opens the (first) image of a file, see [`open`].
pub(super) fn open_still(input: &[u8], format: Format, memory: u64, scale: Scale) -> Result<Opened<'_>, ImagingError> {
    let cursor = Cursor::new(input);
    let mut scales = false;
    let limited = |bytes| {
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(bytes);
        limits
    };
    let opened = match format {
        Format::Png => PngDecoder::with_limits(cursor, limited(PNG_METADATA)).map(boxed),
        Format::Jpeg => JpegDecoder::new(input, scale).map(|decoder| {
            scales = decoder.scales();
            boxed(decoder)
        }),
        Format::Webp if !riff_is_whole(input) => return Err(ImagingError::Corrupt("the file is shorter than its header says".to_owned())),
        Format::Webp => WebPDecoder::new(cursor).map(boxed),
        Format::Gif => GifDecoder::new(cursor).map(boxed),
        Format::Bmp => BmpDecoder::new(cursor).map(boxed),
        Format::Tiff => TiffDecoder::new(cursor).map(boxed),
        Format::Qoi => QoiDecoder::new(cursor).map(boxed),
        Format::Pnm => PnmDecoder::new(input).map(boxed),
        #[cfg(feature = "libaom")]
        Format::Avif => avif::AvifDecoder::new(input).map(boxed),
        #[cfg(not(feature = "libaom"))]
        Format::Avif => return Err(ImagingError::Unsupported(NO_AVIF.to_owned())),
    };
    let mut decoder = opened.map_err(|error| refusal(error, memory))?;
    decoder.set_limits(limited(memory)).map_err(|error| refusal(error, memory))?;
    Ok(Opened { decoder, scales })
}

/// What a build says that cannot read it.
#[cfg(not(feature = "libaom"))]
const NO_AVIF: &str = "this build cannot read avif: build Safelight with the feature `libaom` (needs libaom-dev)";

/// An upper bound of what decoding an AVIF allocates beside the pixels; nothing where it is refused.
pub(super) fn avif_working_bytes(input: &[u8]) -> u64 {
    #[cfg(feature = "libaom")]
    return avif::working_bytes(input);
    #[cfg(not(feature = "libaom"))]
    {
        let _ = input;
        0
    }
}

fn boxed<'a>(decoder: impl ImageDecoder + 'a) -> Box<dyn ImageDecoder + 'a> {
    Box::new(decoder)
}

/// Whether a RIFF file has as many bytes as its header says (RFC 9649, 2.4); the last of them may be padding that was left out.
fn riff_is_whole(input: &[u8]) -> bool {
    let size = input.get(4..8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
    input.len() as u64 + 1 >= u64::from(size) + 8
}

/// The orientation that the file asks for; metadata that cannot be read asks for none.
pub(super) fn orientation(decoder: &mut dyn ImageDecoder) -> Orientation {
    decoder.orientation().unwrap_or(Orientation::NoTransforms)
}

/// The colour profile of the file; one that cannot be read is none.
pub(super) fn icc_profile(decoder: &mut dyn ImageDecoder, input: &[u8], format: Format) -> Option<Vec<u8>> {
    match format {
        // `image` reads tags through a limit that follows the size of the pixels, and so finds none in a small image.
        Format::Tiff => metadata::icc_profile_of_tiff(input).map(<[u8]>::to_vec),
        Format::Png | Format::Jpeg | Format::Webp | Format::Gif | Format::Bmp | Format::Qoi | Format::Pnm | Format::Avif => {
            decoder.icc_profile().ok().flatten()
        }
    }
}

/// Whether width and height change places under an orientation.
pub(super) fn is_turned(orientation: Orientation) -> bool {
    use Orientation::{FlipHorizontal, FlipVertical, NoTransforms, Rotate90, Rotate90FlipH, Rotate180, Rotate270, Rotate270FlipH};
    match orientation {
        NoTransforms | Rotate180 | FlipHorizontal | FlipVertical => false,
        Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH => true,
    }
}

/// What a decoder's error means. The input is in memory, so an I/O error is the data's fault as well.
pub(super) fn refusal(error: ImageError, memory: u64) -> ImagingError {
    match error {
        ImageError::Unsupported(error) => ImagingError::Unsupported(error.to_string()),
        ImageError::Limits(error) if error.kind() == LimitErrorKind::InsufficientMemory => ImagingError::Memory(memory),
        error => ImagingError::Corrupt(error.to_string()),
    }
}
