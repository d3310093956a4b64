//! The container of a WebP file (RFC 9649, section 2.7): putting a colour profile and EXIF data into a file that has none.

/// Flags of the extended header.
const ICC_PROFILE: u8 = 1 << 5;
const ALPHA: u8 = 1 << 4;
const EXIF: u8 = 1 << 3;

/// The header of the file, `RIFF`, its length, `WEBP`.
const HEADER: usize = 12;

/// The file with a colour profile before its image data and EXIF data after it; as it is where there is neither. `file` is what an
/// encoder has made: a simple or an extended file that has neither; `size` is its width and height, `alpha` whether its pixels have any.
pub(super) fn with_metadata(
    file: Vec<u8>,
    (width, height): (u32, u32),
    alpha: bool,
    (icc_profile, exif): (Option<&[u8]>, Option<&[u8]>),
) -> Vec<u8> {
    if icc_profile.is_none() && exif.is_none() {
        return file;
    }
    let chunks = &file[HEADER..];
    let (extended, rest) = if chunks.starts_with(b"VP8X") { chunks.split_at(18) } else { (&[][..], chunks) };
    let flags = extended.get(8).copied().unwrap_or(if alpha { ALPHA } else { 0 });
    let flags = flags | icc_profile.map_or(0, |_| ICC_PROFILE) | exif.map_or(0, |_| EXIF);
    let carried = icc_profile.map_or(0, <[u8]>::len) + exif.map_or(0, <[u8]>::len);
    let mut out = Vec::with_capacity(file.len() + carried + 64);
    out.extend_from_slice(b"RIFF\0\0\0\0WEBPVP8X");
    out.extend_from_slice(&10_u32.to_le_bytes());
    out.extend_from_slice(&[flags, 0, 0, 0]);
    for side in [width, height] {
        out.extend_from_slice(&side.saturating_sub(1).to_le_bytes()[..3]);
    }
    if let Some(profile) = icc_profile {
        chunk(&mut out, b"ICCP", profile);
    }
    out.extend_from_slice(rest);
    // The encoder may have left out the last byte of padding.
    out.resize(out.len().next_multiple_of(2), 0);
    if let Some(exif) = exif {
        chunk(&mut out, b"EXIF", exif);
    }
    let length = (out.len() - 8) as u32;
    out[4..8].copy_from_slice(&length.to_le_bytes());
    out
}

fn chunk(out: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(&(data.len() as u32).to_le_bytes());
    out.extend_from_slice(data);
    // Chunks begin at even places.
    out.resize(out.len().next_multiple_of(2), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simple_file_becomes_an_extended_one() {
        let file = with_metadata(b"RIFF\x0c\0\0\0WEBPVP8L\0\0\0\0".to_vec(), (0x10203, 2), true, (Some(b"abc"), None));
        assert_eq!(file, b"RIFF\x2a\0\0\0WEBPVP8X\x0a\0\0\0\x30\0\0\0\x02\x02\x01\x01\0\0ICCP\x03\0\0\0abc\0VP8L\0\0\0\0");
    }

    #[test]
    fn the_flags_of_an_extended_file_stay() {
        let before = b"RIFF\x12\0\0\0WEBPVP8X\x0a\0\0\0\x12\0\0\0\x07\0\0\x01\0\0ANIM";
        let file = with_metadata(before.to_vec(), (8, 2), false, (Some(b"abcd"), None));
        assert_eq!(file, b"RIFF\x26\0\0\0WEBPVP8X\x0a\0\0\0\x32\0\0\0\x07\0\0\x01\0\0ICCP\x04\0\0\0abcdANIM");
    }

    #[test]
    fn exif_data_comes_last() {
        let before = b"RIFF\x0c\0\0\0WEBPVP8L\0\0\0\0".to_vec();
        let file = with_metadata(before.clone(), (1, 1), false, (None, Some(b"MM\0*x")));
        assert_eq!(file, b"RIFF\x2c\0\0\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\0\0\0\0\0\0VP8L\0\0\0\0EXIF\x05\0\0\0MM\0*x\0");
        assert_eq!(with_metadata(before.clone(), (1, 1), false, (None, None)), before);
    }
}
