//! What a file carries beside its pixels: EXIF, XMP, colour profiles, texts. It is found by walking over the blocks of the file;
//! no decoder is asked, and nothing is unpacked but to be counted.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | the pieces of metadata, and the limit on their size |
//! | `blocks` | where they lie in PNG, WebP, GIF and BMP |
//! | `tiff` | where they lie in TIFF, whose structure EXIF has, too |
//! | `exif` | what is carried over of EXIF data, and what is told of it |
//!
//! Where they lie in JPEG is in `decode::jpeg`, which reads its segments anyway.

mod blocks;
mod exif;
mod tiff;

use flate2::{Decompress, FlushDecompress, Status};

use super::decode::jpeg;
use super::error::ImagingError;
use crate::domain::format::Format;
use crate::domain::limits::ImageLimits;
use crate::domain::pipeline::Metadata;
use crate::domain::probe::ExifTags;
pub(super) use tiff::icc_profile as icc_profile_of_tiff;

/// One piece of metadata as it lies in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// EXIF data: a structure like that of a TIFF file.
    Exif(&'a [u8]),
    /// Something that zlib has packed: a colour profile or a text.
    Packed(&'a [u8]),
    /// Anything else.
    Other(&'a [u8]),
}

impl Piece<'_> {
    /// Its length, unpacked; counted as far as the first byte beyond `most`.
    fn length(self, most: u64) -> u64 {
        match self {
            Self::Exif(bytes) | Self::Other(bytes) => bytes.len() as u64,
            Self::Packed(bytes) => unpacked(bytes, most),
        }
    }
}

/// Refuses a file that carries more metadata than `limits` allow, before a decoder reads any of it: a few kilobytes may unpack to
/// gigabytes. A file that is damaged is searched as far as it can be read.
///
/// # Errors
/// [`ImagingError::Limit`] when there is too much.
pub fn check_metadata(input: &[u8], limits: &ImageLimits) -> Result<(), ImagingError> {
    let Some(format) = Format::sniff(input) else { return Ok(()) };
    let most = limits.max_metadata_bytes;
    let mut found = 0_u64;
    for piece in pieces(input, format) {
        found = found.saturating_add(piece.length(most.saturating_sub(found)));
        limits.check_metadata(found)?;
    }
    Ok(())
}

/// The bytes of the longest piece that is packed, counted as far as the first beyond `most`.
pub(super) fn longest_packed(input: &[u8], format: Format, most: u64) -> u64 {
    let packed = pieces(input, format).filter(|piece| matches!(piece, Piece::Packed(_)));
    packed.map(|piece| piece.length(most)).max().unwrap_or(0)
}

/// The EXIF data that a result gets of a file: nothing, or who made the image and who holds the rights.
pub(super) fn kept(input: &[u8], format: Format, metadata: Metadata) -> Option<Vec<u8>> {
    match metadata {
        Metadata::Strip => None,
        Metadata::Copyright => exif(input, format).and_then(exif::rights_only),
    }
}

/// Chosen tags of the EXIF data of a file.
pub(super) fn exif_tags(input: &[u8], format: Format) -> Option<ExifTags> {
    exif(input, format).and_then(exif::tags)
}

/// The EXIF data of a file.
fn exif(input: &[u8], format: Format) -> Option<&[u8]> {
    match format {
        Format::Tiff => Some(input),
        format => pieces(input, format).find_map(|piece| if let Piece::Exif(exif) = piece { Some(exif) } else { None }),
    }
}

/// Every piece of metadata in a file, in the order in which they lie there.
fn pieces(input: &[u8], format: Format) -> Box<dyn Iterator<Item = Piece<'_>> + '_> {
    match format {
        Format::Jpeg => Box::new(jpeg::metadata(input)),
        Format::Png => Box::new(blocks::png(input)),
        Format::Webp => Box::new(blocks::webp(input)),
        Format::Gif => Box::new(blocks::gif(input)),
        Format::Bmp => Box::new(blocks::bmp(input).into_iter()),
        Format::Tiff => Box::new(tiff::pieces(input)),
        // Of AVIF neither a profile, which `probe` counts, nor other metadata is unpacked or carried over.
        Format::Qoi | Format::Pnm | Format::Avif => Box::new(std::iter::empty()),
    }
}

/// How many bytes zlib data unpacks to, counted as far as the first beyond `most`; of damaged data, what comes before the damage.
fn unpacked(packed: &[u8], most: u64) -> u64 {
    let mut zlib = Decompress::new(true);
    let mut buffer = [0; 16 << 10];
    while zlib.total_out() <= most {
        let rest = usize::try_from(zlib.total_in()).ok().and_then(|read| packed.get(read..)).unwrap_or_default();
        let before = (zlib.total_in(), zlib.total_out());
        match zlib.decompress(rest, &mut buffer, FlushDecompress::None) {
            Ok(Status::Ok) if (zlib.total_in(), zlib.total_out()) != before => {}
            Ok(Status::Ok | Status::BufError | Status::StreamEnd) | Err(_) => break,
        }
    }
    zlib.total_out()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn packed(length: usize) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![b'x'; length]).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn packed_bytes_are_counted_and_a_bomb_is_not_unpacked_to_its_end() {
        let bomb = packed(64 << 20);
        assert!(bomb.len() < 100_000);
        assert_eq!(unpacked(&bomb, u64::MAX), 64 << 20);
        let stopped = unpacked(&bomb, 1_000_000);
        assert!((1_000_001..=1_000_000 + (16 << 10)).contains(&stopped), "{stopped}");
        for (damaged, most) in [(&bomb[..bomb.len() / 2], 64 << 20), (b"no zlib data", 0), (b"", 0)] {
            assert!(unpacked(damaged, u64::MAX) <= most);
        }
    }
}
