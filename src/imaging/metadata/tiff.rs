//! The structure of a TIFF file, which EXIF data has, too: directories of tagged values (TIFF 6.0, section 2). Nothing is believed:
//! a value that is not all in the file is none, and a directory is never followed further than it is asked for.

use super::Piece;

/// The types of values, and how many bytes one takes.
mod kind {
    pub(super) const BYTE: u16 = 1;
    pub(super) const ASCII: u16 = 2;
    pub(super) const SHORT: u16 = 3;
    pub(super) const LONG: u16 = 4;
    pub(super) const RATIONAL: u16 = 5;
    pub(super) const UNDEFINED: u16 = 7;
    pub(super) const SIGNED_LONG: u16 = 9;
    pub(super) const SIGNED_RATIONAL: u16 = 10;

    pub(super) fn bytes(kind: u16) -> Option<usize> {
        match kind {
            BYTE | ASCII | UNDEFINED => Some(1),
            SHORT => Some(2),
            LONG | SIGNED_LONG => Some(4),
            RATIONAL | SIGNED_RATIONAL => Some(8),
            _ => None,
        }
    }
}

/// Points to the directory of EXIF in the first one.
pub(super) const EXIF: u16 = 34_665;
/// Points to the directory of the place where a photograph was taken.
pub(super) const GPS: u16 = 34_853;
const ICC_PROFILE: u16 = 34_675;
/// Quantisation tables, which belong to the pixels.
const JPEG_TABLES: u16 = 347;

/// Texts and values without a type that do not fit into their entries, in the first directory and in that of EXIF: XMP, IPTC, colour
/// profiles, what Photoshop and cameras keep.
pub(super) fn pieces(input: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let first = Directory::first(input);
    let exif = first.and_then(|first| first.below(EXIF));
    let values = first.into_iter().chain(exif).flat_map(Directory::entries);
    let metadata = values.filter(|entry| matches!(entry.kind, kind::BYTE | kind::ASCII | kind::UNDEFINED) && entry.tag != JPEG_TABLES);
    metadata.filter(|entry| entry.value.len() > 4).map(|entry| Piece::Other(entry.value))
}

/// The colour profile of a TIFF file.
pub(in crate::imaging) fn icc_profile(input: &[u8]) -> Option<&[u8]> {
    let entry = Directory::first(input)?.find(ICC_PROFILE)?;
    matches!(entry.kind, kind::BYTE | kind::UNDEFINED).then_some(entry.value)
}

/// A directory of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Directory<'a> {
    bytes: Bytes<'a>,
    start: usize,
}

/// A file, in its order of bytes.
#[derive(Clone, Copy, Debug)]
struct Bytes<'a> {
    input: &'a [u8],
    little_endian: bool,
}

/// A tagged value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) tag: u16,
    kind: u16,
    value: &'a [u8],
    little_endian: bool,
}

impl Bytes<'_> {
    fn short(self, at: usize) -> Option<u16> {
        let bytes = *self.input.get(at..)?.first_chunk()?;
        Some(if self.little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn long(self, at: usize) -> Option<u32> {
        let bytes = *self.input.get(at..)?.first_chunk()?;
        Some(if self.little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }
}

impl<'a> Directory<'a> {
    /// The first directory; `None` where the input does not begin like a TIFF file.
    pub(super) fn first(input: &'a [u8]) -> Option<Self> {
        let little_endian = match input {
            [b'I', b'I', 42, 0, ..] => true,
            [b'M', b'M', 0, 42, ..] => false,
            _ => return None,
        };
        let bytes = Bytes { input, little_endian };
        Some(Self { bytes, start: bytes.long(4)? as usize })
    }

    /// Its values, at most 65535; those of an unknown type are left out, and those that lie beyond the file.
    pub(super) fn entries(self) -> impl Iterator<Item = Entry<'a>> {
        let count = self.bytes.short(self.start).unwrap_or(0);
        (0..usize::from(count)).filter_map(move |index| self.entry(self.start + 2 + 12 * index))
    }

    /// The value of a tag.
    pub(super) fn find(self, tag: u16) -> Option<Entry<'a>> {
        self.entries().find(|entry| entry.tag == tag)
    }

    /// The directory that the value of a tag points to.
    pub(super) fn below(self, tag: u16) -> Option<Self> {
        Some(Self { start: self.find(tag)?.number()? as usize, ..self })
    }

    fn entry(self, at: usize) -> Option<Entry<'a>> {
        let Bytes { input, little_endian } = self.bytes;
        let kind = self.bytes.short(at + 2)?;
        let length = (self.bytes.long(at + 4)? as usize).checked_mul(kind::bytes(kind)?)?;
        // What has room in the entry is there.
        let start = if length <= 4 { at + 8 } else { self.bytes.long(at + 8)? as usize };
        let value = input.get(start..start.checked_add(length)?)?;
        Some(Entry { tag: self.bytes.short(at)?, kind, value, little_endian })
    }
}

impl<'a> Entry<'a> {
    /// The bytes of a text, without the zeros that end it.
    pub(super) fn text(self) -> Option<&'a [u8]> {
        let end = self.value.iter().rposition(|byte| *byte != 0)? + 1;
        (self.kind == kind::ASCII).then(|| &self.value[..end])
    }

    /// The first of its whole numbers.
    pub(super) fn number(self) -> Option<u32> {
        let bytes = Bytes { input: self.value, little_endian: self.little_endian };
        match self.kind {
            kind::SHORT => bytes.short(0).map(u32::from),
            kind::LONG => bytes.long(0),
            _ => None,
        }
    }

    /// The first of its fractions: numerator and denominator.
    pub(super) fn fraction(self) -> Option<(u32, u32)> {
        let bytes = Bytes { input: self.value, little_endian: self.little_endian };
        if self.kind == kind::RATIONAL { Some((bytes.long(0)?, bytes.long(4)?)) } else { None }
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
            &entry(EXIF, 4, 1, 74),
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
        let first = Directory::first(&file).unwrap();
        assert_eq!((first.find(256).unwrap().number(), first.find(305).unwrap().text()), (Some(77), Some(&b"abc"[..])));
        assert!(first.find(305).unwrap().number().is_none() && first.find(256).unwrap().text().is_none());
        let own_end = [&b"MM\0*\0\0\0\x08\xff\xff"[..], &entry(EXIF, 4, 1, 8)].concat();
        assert_eq!(pieces(&own_end).count(), 0, "a directory that points to itself ends, too");
    }

    #[test]
    fn a_profile_is_found_in_either_byte_order_and_never_beyond_the_file() {
        let little = b"II*\0\x08\0\0\0\x01\0\x73\x87\x07\0\x05\0\0\0\x16\0\0\0tacsp";
        let big = b"MM\0*\0\0\0\x08\0\x01\x87\x73\0\x01\0\0\0\x05\0\0\0\x16tacsp";
        for whole in [little, big] {
            assert_eq!(icc_profile(whole), Some(&b"tacsp"[..]));
            for len in 0..whole.len() {
                assert_eq!(icc_profile(&whole[..len]), None, "{len}");
            }
        }
    }
}
