//! Where metadata lies in a TIFF file: the first directory (TIFF 6.0, section 2) and that of EXIF, to which it points.

use super::Piece;

const ASCII: u16 = 2;
const BYTE: u16 = 1;
const UNDEFINED: u16 = 7;
/// Quantisation tables, which belong to the pixels.
const JPEG_TABLES: u16 = 347;
const EXIF_DIRECTORY: u16 = 34_665;

/// Texts and values without a type that do not fit into their entries: XMP, IPTC, colour profiles, what Photoshop keeps.
pub(super) fn pieces(input: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let tiff = Tiff { input, little_endian: input.starts_with(b"II") };
    let first = tiff.u32_at(4);
    let exif = first.and_then(|first| tiff.entries(first).find(|entry| tiff.u16_at(*entry) == Some(EXIF_DIRECTORY)));
    let exif = exif.and_then(|entry| tiff.u32_at(entry + 8));
    first.into_iter().chain(exif).flat_map(move |directory| tiff.entries(directory)).filter_map(move |entry| tiff.value(entry)).map(Piece::Other)
}

#[derive(Clone, Copy)]
struct Tiff<'a> {
    input: &'a [u8],
    little_endian: bool,
}

impl<'a> Tiff<'a> {
    fn u16_at(self, at: usize) -> Option<u16> {
        let bytes = *self.input.get(at..)?.first_chunk()?;
        Some(if self.little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn u32_at(self, at: usize) -> Option<usize> {
        let bytes = *self.input.get(at..)?.first_chunk()?;
        usize::try_from(if self.little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }).ok()
    }

    /// Where the entries of a directory stand; at most 65535.
    fn entries(self, directory: usize) -> impl Iterator<Item = usize> + use<'a> {
        let count = self.u16_at(directory).unwrap_or(0);
        (0..usize::from(count)).map(move |index| directory + 2 + 12 * index)
    }

    /// The value of an entry, if it is metadata.
    fn value(self, entry: usize) -> Option<&'a [u8]> {
        let is_metadata = matches!(self.u16_at(entry + 2)?, ASCII | BYTE | UNDEFINED) && self.u16_at(entry)? != JPEG_TABLES;
        let (length, start) = (self.u32_at(entry + 4)?, self.u32_at(entry + 8)?);
        self.input.get(start..start.checked_add(length)?).filter(|_| is_metadata && length > 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_both_directories_are_found_and_never_beyond_the_file() {
        let entry = |tag: u16, kind: u16, count: u32, value: u32| {
            [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value.to_be_bytes()].concat()
        };
        // The first directory ends at 8 + 2 + 5 * 12 + 4 = 74, the second at 74 + 2 + 12 + 4 = 92.
        let file = [
            &b"MM\0*\0\0\0\x08\0\x05"[..],
            &entry(256, 4, 1, 77),
            &entry(700, 1, 9, 92),
            &entry(JPEG_TABLES, 7, 9, 92),
            &entry(305, 2, 4, 0x6162_6300),
            &entry(EXIF_DIRECTORY, 4, 1, 74),
            &[0; 4],
            b"\0\x01",
            &entry(0x927c, 7, 6, 101),
            &[0; 4],
            b"xmppacketmakers",
        ]
        .concat();
        assert_eq!(pieces(&file).collect::<Vec<_>>(), [Piece::Other(b"xmppacket"), Piece::Other(b"makers")]);
        for len in 0..file.len() {
            assert!(pieces(&file[..len]).count() < 2, "{len}");
        }
        let own_end = [&b"MM\0*\0\0\0\x08\xff\xff"[..], &entry(EXIF_DIRECTORY, 4, 1, 8)].concat();
        assert_eq!(pieces(&own_end).count(), 0, "a directory that points to itself ends, too");
    }
}
