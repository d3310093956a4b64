//! The colour profile of a TIFF file. `image` reads tags through a limit that follows the size of the pixels, and so finds
//! none in a small image; here it is a slice of the file.

const ICC_PROFILE: u16 = 34_675;
const BYTE: u16 = 1;
const UNDEFINED: u16 = 7;

/// The profile in the first directory (TIFF 6.0, section 2).
pub(super) fn icc_profile(input: &[u8]) -> Option<&[u8]> {
    let little_endian = input.starts_with(b"II");
    let u16_at = |at: usize| {
        let bytes = *input.get(at..)?.first_chunk()?;
        Some(if little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let u32_at = |at: usize| {
        let bytes = *input.get(at..)?.first_chunk()?;
        usize::try_from(if little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }).ok()
    };
    let directory = u32_at(4)?;
    let entries = usize::from(u16_at(directory)?);
    let mut places = (0..entries).map(|index| directory + 2 + 12 * index);
    let entry = places.find(|entry| u16_at(*entry) == Some(ICC_PROFILE))?;
    if !matches!(u16_at(entry + 2)?, BYTE | UNDEFINED) {
        return None;
    }
    let (length, start) = (u32_at(entry + 4)?, u32_at(entry + 8)?);
    input.get(start..start.checked_add(length)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_found_in_either_byte_order_and_never_beyond_the_file() {
        let little = b"II*\0\x08\0\0\0\x01\0\x73\x87\x07\0\x03\0\0\0\x16\0\0\0icc";
        let big = b"MM\0*\0\0\0\x08\0\x01\x87\x73\0\x01\0\0\0\x03\0\0\0\x16icc";
        for whole in [little, big] {
            assert_eq!(icc_profile(whole), Some(&b"icc"[..]));
            for len in 0..whole.len() {
                assert_eq!(icc_profile(&whole[..len]), None, "{len}");
            }
        }
    }
}
