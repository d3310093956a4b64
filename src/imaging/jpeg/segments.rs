//! The segments of a JPEG file (ITU-T T.81, annex B), without decoding: enough to tell what a decoder will need, and
//! whether the file has an end.

const TEM: u8 = 0x01;
const RST0: u8 = 0xd0;
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;

/// The segments of a file: the marker of each and what follows its length. Entropy-coded data is passed over.
struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Segments<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.rest.iter().position(|byte| *byte == 0xff)?;
            let (marker, rest) = self.rest.get(start + 1..)?.split_first()?;
            match *marker {
                // Stuffing in entropy-coded data, restart markers between it, bytes that fill.
                0x00 | TEM | RST0..=SOI => self.rest = rest,
                0xff => self.rest = &self.rest[start + 1..],
                EOI => {
                    self.rest = &[];
                    return Some((EOI, &[]));
                }
                marker => {
                    let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
                    let payload = rest.get(2..length)?;
                    self.rest = &rest[length..];
                    return Some((marker, payload));
                }
            }
        }
    }
}

/// Whether the end-of-image marker is there: what a cut-off file lacks.
pub(super) fn ends(input: &[u8]) -> bool {
    Segments { rest: input }.any(|(marker, _)| marker == EOI)
}

/// What the header says about the work of decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Colour components.
    pub(super) components: u8,
    /// Whether the first scan holds all of the image, so that it can be decoded row by row.
    pub(super) sequential: bool,
}

/// Reads the frame header and the first scan header.
pub(super) fn layout(input: &[u8]) -> Option<Layout> {
    let mut frame = None;
    for (marker, payload) in (Segments { rest: input }) {
        match marker {
            // DHT, JPG and DAC lie among the numbers of the frame headers.
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf => frame = Some((marker, *payload.get(5)?)),
            SOS => {
                let ((frame, components), in_scan) = (frame?, *payload.first()?);
                return Some(Layout { components, sequential: matches!(frame, 0xc0 | 0xc1) && in_scan == components });
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"\xff\xd8\xff\xe1\x00\x06\xff\xd9\xff\xd9\xff\xff\xc2\x00\x09\x08\x00\x01\x00\x01\x03x\xff\xda\x00\x04\x01x\x12\xff\x00\xff\xd3\x34\xff\xd9\x77";

    #[test]
    fn an_end_inside_a_segment_is_not_the_end() {
        assert!(ends(FILE));
        for len in 0..FILE.len() - 1 {
            assert!(!ends(&FILE[..len]), "{len}");
        }
    }

    #[test]
    fn a_progressive_frame_is_not_sequential() {
        assert_eq!(layout(FILE), Some(Layout { components: 3, sequential: false }));
        let mut baseline = FILE.to_vec();
        baseline[12] = 0xc0;
        assert_eq!(layout(&baseline), Some(Layout { components: 3, sequential: false }), "one component in the first scan");
        baseline[26] = 3;
        assert_eq!(layout(&baseline), Some(Layout { components: 3, sequential: true }));
        assert_eq!(layout(b"\xff\xd8\xff\xda\x00\x04\x01x"), None);
    }
}
