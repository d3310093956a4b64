//! What the header of a file tells, without decoding a pixel.

use super::ImagingError;
use super::decode;
use crate::domain::format::Format;
use crate::domain::pipeline::cost::ImageInfo;

/// What a decoder may allocate for metadata while it reads a header: more than any honest colour profile has.
const HEADER_MEMORY: u64 = 16 << 20;

/// Reads the header of a file. Its name and media type do not matter, its first bytes do.
///
/// # Errors
/// When the bytes are of no known format or the header is damaged.
pub fn probe(input: &[u8]) -> Result<ImageInfo, ImagingError> {
    let Some(format) = Format::sniff(input) else {
        return Err(ImagingError::Unsupported("the bytes are of no known image format".to_owned()));
    };
    let mut decoder = decode::open(input, format, HEADER_MEMORY)?;
    let turned = decode::is_turned(decode::orientation(&mut decoder));
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(ImagingError::Corrupt("the image has no pixels".to_owned()));
    }
    let (width, height) = if turned { (height, width) } else { (width, height) };
    let bytes_per_pixel = decoder.color_type().bytes_per_pixel().into();
    Ok(ImageInfo { format, width, height, bytes_per_pixel, encoded_bytes: input.len() as u64, decoder_bytes: 0, turned })
}
