//! What a file says about its animation, found by walking over its blocks without decoding any.

use crate::domain::format::Format;
use crate::imaging::bytes::Bytes;

/// The frames of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imaging) struct Survey {
    /// How many there are; 1 for all that is not animated.
    pub(in crate::imaging) frames: u32,
    /// How long all of them are shown, in milliseconds.
    pub(in crate::imaging) duration_ms: u64,
    /// How often the animation plays; 0: forever.
    pub(in crate::imaging) plays: u32,
    /// Whether the file has an end; one that is cut off has none.
    pub(in crate::imaging) whole: bool,
}

/// Walks over a file.
pub(in crate::imaging) fn survey(input: &[u8], format: Format) -> Survey {
    let mut survey = Survey { frames: 0, duration_ms: 0, plays: 1, whole: false };
    survey.whole = match format {
        Format::Gif => gif(input, &mut survey),
        Format::Webp => webp(input, &mut survey),
        Format::Png => png(input, &mut survey),
        Format::Jpeg | Format::Bmp | Format::Tiff | Format::Qoi | Format::Pnm | Format::Avif => None,
    }
    .is_some();
    survey.frames = survey.frames.max(1);
    survey
}

/// GIF89a, sections 17 to 27. The application extension of Netscape counts the repetitions after the first play.
fn gif(input: &[u8], survey: &mut Survey) -> Option<()> {
    let mut bytes = Bytes(input);
    let palette = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let header = bytes.take(13)?;
    bytes.take(palette(header[10]))?;
    let mut delay = 0;
    loop {
        match bytes.byte()? {
            0x2c => {
                let descriptor = bytes.take(9)?;
                survey.frames = survey.frames.saturating_add(1);
                bytes.take(palette(descriptor[8]))?;
                bytes.byte()?;
                bytes.first_of_sub_blocks()?;
                survey.duration_ms += std::mem::take(&mut delay);
            }
            0x21 => match bytes.byte()? {
                0xf9 => {
                    let block = bytes.first_of_sub_blocks()?;
                    delay = block.get(1..3).map_or(0, |delay| u64::from(u16::from_le_bytes([delay[0], delay[1]])) * 10);
                }
                0xff if matches!(bytes.0.get(1..12), Some(b"NETSCAPE2.0" | b"ANIMEXTS1.0")) => {
                    bytes.take(12)?;
                    if let Some([1, low, high, ..]) = bytes.first_of_sub_blocks() {
                        let repetitions = u32::from(u16::from_le_bytes([*low, *high]));
                        survey.plays = if repetitions == 0 { 0 } else { repetitions + 1 };
                    }
                }
                _ => {
                    bytes.first_of_sub_blocks()?;
                }
            },
            0x3b => return Some(()),
            // Padding between blocks.
            0 => {}
            _ => return None,
        }
    }
}

/// RFC 9649, section 2.7.
fn webp(input: &[u8], survey: &mut Survey) -> Option<()> {
    let mut bytes = Bytes(input.get(12..)?);
    while !bytes.0.is_empty() {
        let header = bytes.take(8)?;
        let length = u32::from_le_bytes(*header.last_chunk()?) as usize;
        let chunk = bytes.take(length)?;
        // The last byte of padding may be left out.
        let _ = bytes.take(length % 2);
        match &header[..4] {
            b"ANIM" => survey.plays = u16::from_le_bytes(*chunk.get(4..)?.first_chunk()?).into(),
            b"ANMF" => {
                let duration = chunk.get(12..15)?;
                survey.frames = survey.frames.saturating_add(1);
                survey.duration_ms += u64::from(u32::from_le_bytes([duration[0], duration[1], duration[2], 0]));
            }
            _ => {}
        }
    }
    Some(())
}

/// PNG, third edition, sections 11.2 and 11.3.6. Animations of 16 bits are taken for the image that they begin with.
fn png(input: &[u8], survey: &mut Survey) -> Option<()> {
    let mut bytes = Bytes(input.get(8..)?);
    loop {
        let header = bytes.take(8)?;
        let length = u32::from_be_bytes(*header.first_chunk()?) as usize;
        let chunk = bytes.take(length)?;
        bytes.take(4)?;
        let short = |at: usize| chunk.get(at..).and_then(|bytes| bytes.first_chunk()).map(|bytes| u16::from_be_bytes(*bytes));
        match &header[4..] {
            b"IHDR" if chunk.get(8) == Some(&16) => return None,
            b"acTL" => {
                survey.frames = u32::from_be_bytes(*chunk.first_chunk()?);
                survey.plays = u32::from_be_bytes(*chunk.get(4..)?.first_chunk()?);
            }
            // Without an animation before the image, what comes after it is none.
            b"IDAT" if survey.frames == 0 => return Some(()),
            b"fcTL" => {
                let (numerator, denominator) = (u64::from(short(20)?), u64::from(short(22)?));
                survey.duration_ms += numerator * 1000 / if denominator == 0 { 100 } else { denominator };
            }
            b"IEND" => return Some(()),
            _ => {}
        }
    }
}
