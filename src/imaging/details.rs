//! What the header of a file says for people: colours, depth, orientation, chosen tags. What processing must know is in `probe`.

use image::{ColorType, ExtendedColorType};

use super::decode::{self, Opened, jpeg};
use super::error::ImagingError;
use super::{metadata, profile};
use crate::domain::format::Format;
use crate::domain::pipeline::Scale;
use crate::domain::probe::{ColorSpace, Details};

/// Reads the header of a file once more, for people. Texts have at most [`Details::MAX_TEXT`] characters.
///
/// # Errors
/// When the bytes are of no known format or the header is damaged.
pub fn details(input: &[u8]) -> Result<Details, ImagingError> {
    let Some(format) = Format::sniff(input) else {
        return Err(ImagingError::Unsupported("the bytes are of no known image format".to_owned()));
    };
    let Opened { mut decoder, .. } = decode::open_still(input, format, u64::MAX, Scale::Full)?;
    let (color, original) = (decoder.color_type(), decoder.original_color_type());
    let inks = matches!(original, ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16) || format == Format::Jpeg && jpeg::has_inks(input);
    let icc_profile = match format {
        // That of inks does not come out of the decoder.
        Format::Jpeg => jpeg::icc_profile(input),
        _ => decode::icc_profile(&mut decoder, input, format),
    };
    let color_space = match &icc_profile {
        _ if inks => ColorSpace::Cmyk,
        _ if !color.has_color() => ColorSpace::Gray,
        Some(profile) if !profile::is_srgb(profile) => ColorSpace::Rgb,
        _ => ColorSpace::Srgb,
    };
    Ok(Details {
        color_space,
        profile: icc_profile.as_deref().and_then(profile::name),
        bit_depth: bit_depth(input, format, color, original),
        alpha: color.has_alpha(),
        orientation: decode::orientation(&mut decoder).to_exif(),
        exif: metadata::exif_tags(input, format),
    })
}

/// Bits of a sample in the file, which may be fewer than a decoder makes of them.
fn bit_depth(input: &[u8], format: Format, color: ColorType, original: ExtendedColorType) -> u8 {
    /// Where a PNG file says it (PNG, third edition, 11.2.1).
    const IHDR_DEPTH: usize = 24;
    let of = |bits: u16, channels: u8| u8::try_from(bits / u16::from(channels.max(1))).unwrap_or(u8::MAX);
    match (format, input.get(IHDR_DEPTH)) {
        (Format::Png, Some(depth)) => *depth,
        (Format::Tiff, _) => of(original.bits_per_pixel(), original.channel_count()),
        _ => of(color.bits_per_pixel(), color.channel_count()),
    }
}
