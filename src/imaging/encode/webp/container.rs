//! The container of a WebP file (RFC 9649, section 2.7): putting a colour profile into a file that has none.

/// Flags of the extended header.
const ICC_PROFILE: u8 = 1 << 5;
const ALPHA: u8 = 1 << 4;

/// The header of the file, `RIFF`, its length, `WEBP`.
const HEADER: usize = 12;

/// The file with a profile before its image data. `file` is what an encoder has made: a simple or an extended file
/// without a profile; `size` is its width and height, `alpha` whether its pixels have any.
pub(super) fn with_profile(file: &[u8], (width, height): (u32, u32), alpha: bool, profile: &[u8]) -> Vec<u8> {
    let chunks = &file[HEADER..];
    let (extended, rest) = if chunks.starts_with(b"VP8X") { chunks.split_at(18) } else { (&[][..], chunks) };
    let flags = extended.get(8).copied().unwrap_or(if alpha { ALPHA } else { 0 }) | ICC_PROFILE;
    let mut out = Vec::with_capacity(file.len() + profile.len() + 64);
    out.extend_from_slice(b"RIFF\0\0\0\0WEBPVP8X");
    out.extend_from_slice(&10_u32.to_le_bytes());
    out.extend_from_slice(&[flags, 0, 0, 0]);
    for side in [width, height] {
        out.extend_from_slice(&side.saturating_sub(1).to_le_bytes()[..3]);
    }
    out.extend_from_slice(b"ICCP");
    out.extend_from_slice(&(profile.len() as u32).to_le_bytes());
    out.extend_from_slice(profile);
    // Chunks begin at even places.
    out.resize(out.len().next_multiple_of(2), 0);
    out.extend_from_slice(rest);
    let length = (out.len() - 8) as u32;
    out[4..8].copy_from_slice(&length.to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simple_file_becomes_an_extended_one() {
        let file = with_profile(b"RIFF\x0c\0\0\0WEBPVP8L\0\0\0\0", (0x10203, 2), true, b"abc");
        assert_eq!(file, b"RIFF\x2a\0\0\0WEBPVP8X\x0a\0\0\0\x30\0\0\0\x02\x02\x01\x01\0\0ICCP\x03\0\0\0abc\0VP8L\0\0\0\0");
    }

    #[test]
    fn the_flags_of_an_extended_file_stay() {
        let before = b"RIFF\x12\0\0\0WEBPVP8X\x0a\0\0\0\x12\0\0\0\x07\0\0\x01\0\0ANIM";
        let file = with_profile(before, (8, 2), false, b"abcd");
        assert_eq!(file, b"RIFF\x26\0\0\0WEBPVP8X\x0a\0\0\0\x32\0\0\0\x07\0\0\x01\0\0ICCP\x04\0\0\0abcdANIM");
    }
}
