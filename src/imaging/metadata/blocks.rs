//! Where metadata lies in the formats that are made of blocks with a length: PNG, WebP, GIF; and in the header of BMP.

use super::Piece;
use crate::imaging::bytes::Bytes;

/// The chunks of a PNG file that say nothing about pixels (PNG, third edition, 11.3): all that may be left out, but the frames of an
/// animation.
pub(super) fn png(input: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let mut bytes = Bytes(input.get(8..).unwrap_or_default());
    let chunks = std::iter::from_fn(move || {
        let header = bytes.take(8)?;
        let length = u32::from_be_bytes(*header.first_chunk()?) as usize;
        let chunk = bytes.take(length)?;
        bytes.take(4)?;
        Some((&header[4..], chunk))
    });
    let ancillary = chunks.filter(|(name, _)| name[0].is_ascii_lowercase() && *name != b"fdAT");
    ancillary.map(|(name, chunk)| match name {
        b"eXIf" => Piece::Exif(chunk),
        b"iCCP" | b"zTXt" | b"iTXt" => packed_text(name, chunk).map_or(Piece::Other(chunk), Piece::Packed),
        _ => Piece::Other(chunk),
    })
}

/// The packed part of a chunk that begins with a name; `None` where nothing is packed.
fn packed_text<'a>(name: &[u8], chunk: &'a [u8]) -> Option<&'a [u8]> {
    let after_word = |bytes: &'a [u8]| bytes.iter().position(|byte| *byte == 0).and_then(|end| bytes.get(end + 1..));
    let rest = after_word(chunk)?;
    match (name, rest) {
        // A flag, the method, then a language and the name in it.
        (b"iTXt", [1, 0, rest @ ..]) => after_word(after_word(rest)?),
        (b"iTXt", _) => None,
        (_, [0, packed @ ..]) => Some(packed),
        _ => None,
    }
}

/// The chunks of a WebP file that say nothing about pixels (RFC 9649, 2.7).
pub(super) fn webp(input: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let mut bytes = Bytes(input.get(12..).unwrap_or_default());
    let chunks = std::iter::from_fn(move || {
        let header = bytes.take(8)?;
        let length = u32::from_le_bytes(*header.last_chunk()?) as usize;
        let chunk = bytes.take(length)?;
        // The last byte of padding may be left out.
        let _ = bytes.take(length % 2);
        Some((&header[..4], chunk))
    });
    let others = chunks.filter(|(name, _)| !matches!(*name, b"VP8 " | b"VP8L" | b"VP8X" | b"ALPH" | b"ANIM" | b"ANMF"));
    others.map(|(name, chunk)| match name {
        // Some programs write it as it stands in a JPEG file.
        b"EXIF" => Piece::Exif(chunk.strip_prefix(b"Exif\0\0").unwrap_or(chunk)),
        _ => Piece::Other(chunk),
    })
}

/// The extensions of a GIF file that say nothing about pixels: comments, texts and those of applications (GIF89a, 24 to 26).
pub(super) fn gif(input: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let palette = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut bytes = Bytes(input);
    let header = bytes.take(13).and_then(|header| bytes.take(palette(header[10])));
    let mut bytes = Bytes(header.map_or(&[][..], |_| bytes.0));
    std::iter::from_fn(move || {
        loop {
            match bytes.byte()? {
                0x2c => {
                    let descriptor = bytes.take(9)?;
                    bytes.take(palette(descriptor[8]))?;
                    bytes.byte()?;
                    bytes.sub_blocks()?;
                }
                0x21 => {
                    let label = bytes.byte()?;
                    let extension = bytes.sub_blocks()?;
                    if matches!(label, 0x01 | 0xfe | 0xff) {
                        return Some(Piece::Other(extension));
                    }
                }
                // Padding between blocks.
                0 => {}
                _ => return None,
            }
        }
    })
}

/// The colour profile that the fifth version of the header tells (BITMAPV5HEADER).
pub(super) fn bmp(input: &[u8]) -> Option<Piece<'_>> {
    const FILE_HEADER: usize = 14;
    const VERSION_5: u32 = 124;
    let u32_at = |at: usize| input.get(FILE_HEADER + at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    if u32_at(0)? < VERSION_5 {
        return None;
    }
    let (start, length) = (FILE_HEADER + u32_at(112)? as usize, u32_at(116)? as usize);
    input.get(start..start.checked_add(length)?).map(Piece::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png_chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        [&(data.len() as u32).to_be_bytes()[..], name, data, b"-crc"].concat()
    }

    #[test]
    fn a_png_is_walked_to_its_end_and_packed_texts_are_told_from_others() {
        let chunks = [
            png_chunk(b"IHDR", &[0; 13]),
            png_chunk(b"iCCP", b"name\0\0packed profile"),
            png_chunk(b"eXIf", b"MM\0*"),
            png_chunk(b"IDAT", &[7; 100]),
            png_chunk(b"fdAT", &[7; 100]),
            png_chunk(b"zTXt", b"Comment\0\0packed text"),
            png_chunk(b"iTXt", b"Comment\0\x01\0de\0Kommentar\0packed words"),
            png_chunk(b"iTXt", b"Comment\0\0\0de\0Kommentar\0words"),
            png_chunk(b"tEXt", b"Comment\0text"),
            png_chunk(b"prVt", b"private"),
            png_chunk(b"zTXt", b"no end of the name"),
        ];
        let file = [b"\x89PNG\r\n\x1a\n".as_slice(), &chunks.concat()].concat();
        let expected = [
            Piece::Packed(b"packed profile"),
            Piece::Exif(b"MM\0*"),
            Piece::Packed(b"packed text"),
            Piece::Packed(b"packed words"),
            Piece::Other(b"Comment\0\0\0de\0Kommentar\0words"),
            Piece::Other(b"Comment\0text"),
            Piece::Other(b"private"),
            Piece::Other(b"no end of the name"),
        ];
        assert_eq!(png(&file).collect::<Vec<_>>(), expected);
        for len in 0..file.len() {
            assert!(png(&file[..len]).count() < expected.len(), "{len}");
        }
    }

    #[test]
    fn a_webp_carries_chunks_before_and_after_its_pixels() {
        let file = b"RIFF\0\0\0\0WEBPVP8X\x01\0\0\0x\0ICCP\x03\0\0\0iccpVP8 \x01\0\0\0x\0EXIF\x0a\0\0\0Exif\0\0II*\0XMP \x02\0\0\0xm";
        assert_eq!(webp(file).collect::<Vec<_>>(), [Piece::Other(b"icc"), Piece::Exif(b"II*\0"), Piece::Other(b"xm")]);
        assert_eq!(webp(b"RIFF").count() + webp(&file[..20]).count(), 0);
    }

    #[test]
    fn a_gif_carries_comments_and_extensions_between_its_pictures() {
        let header = b"GIF89a\x01\0\x01\0\x80\0\0\x01\x02\x03\x04\x05\x06";
        let control = b"\x21\xf9\x04\0\x0a\0\0\0";
        let picture = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x4c\x01\0";
        let file = [&header[..], b"\x21\xff\x0bXMP DataXMP\x03abc\0", control, picture, b"\x21\xfe\x02hi\x01!\0", b"\x3b"].concat();
        assert_eq!(gif(&file).collect::<Vec<_>>(), [Piece::Other(b"\x0bXMP DataXMP\x03abc\0"), Piece::Other(b"\x02hi\x01!\0")]);
        for len in 0..file.len() - 1 {
            assert!(gif(&file[..len]).count() < 2, "{len}");
        }
    }

    #[test]
    fn the_profile_of_a_bmp_is_found_by_its_header() {
        let mut file = vec![0; 14 + 124];
        file[14] = 124;
        file[14 + 112] = 124;
        file[14 + 116] = 3;
        assert_eq!(bmp(&file), None, "it lies beyond the file");
        file.extend(b"icc");
        assert_eq!(bmp(&file), Some(Piece::Other(b"icc")));
        file[14] = 40;
        assert_eq!(bmp(&file), None);
    }
}
