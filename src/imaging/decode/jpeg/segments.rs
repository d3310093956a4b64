//! The segments of a JPEG file (ITU-T T.81, annex B), without decoding: enough to tell what a decoder will need, and
//! whether the file has an end.

use crate::imaging::jpeg::marker;
use marker::{DRI, EOI, RST0, SOI, SOS, TEM};

/// One segment: its marker, where that stands, what follows its length, and where it ends.
pub(super) struct Segment<'a> {
    pub(super) marker: u8,
    start: usize,
    pub(super) payload: &'a [u8],
    pub(super) end: usize,
}

/// The segments of a file up to its end-of-image marker. Entropy-coded data is passed over.
pub(super) struct Segments<'a> {
    input: &'a [u8],
    position: usize,
}

impl<'a> Segments<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self { input, position: 0 }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.position + self.input.get(self.position..)?.iter().position(|byte| *byte == 0xff)?;
            let (&marker, rest) = self.input.get(start + 1..)?.split_first()?;
            match marker {
                // Stuffing in entropy-coded data, restart markers between it.
                0x00 | TEM | RST0..=SOI => self.position = start + 2,
                // A byte that fills: the marker comes after it.
                0xff => self.position = start + 1,
                EOI => {
                    self.position = self.input.len();
                    return Some(Segment { marker, start, payload: &[], end: start + 2 });
                }
                marker => {
                    let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
                    let payload = rest.get(2..length)?;
                    self.position = start + 2 + length;
                    return Some(Segment { marker, start, payload, end: self.position });
                }
            }
        }
    }
}

/// Where the end-of-image marker stands: what a cut-off file lacks.
pub(super) fn end(input: &[u8]) -> Option<usize> {
    Segments::new(input).find(|segment| segment.marker == EOI).map(|segment| segment.start)
}

/// What the header says about the work of decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Colour components.
    pub(super) components: u8,
    /// Whether the first scan holds all of the image, so that it can be decoded row by row.
    pub(super) sequential: bool,
    /// Whether restart markers divide the scan.
    pub(super) restarts: bool,
}

/// Reads the header up to the first scan.
pub(super) fn layout(input: &[u8]) -> Option<Layout> {
    let (mut frame, mut restarts) = (None, false);
    for Segment { marker, payload, .. } in Segments::new(input) {
        match marker {
            // DHT, JPG and DAC lie among the numbers of the frame headers.
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf => frame = Some((marker, *payload.get(5)?)),
            DRI => restarts = payload != [0, 0],
            SOS => {
                let ((frame, components), in_scan) = (frame?, *payload.first()?);
                let sequential = matches!(frame, 0xc0 | 0xc1) && in_scan == components;
                return Some(Layout { components, sequential, restarts });
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
        let place = FILE.len() - 3;
        assert_eq!(end(FILE), Some(place));
        for len in 0..place + 2 {
            assert_eq!(end(&FILE[..len]), None, "{len}");
        }
    }

    #[test]
    fn a_progressive_frame_is_not_sequential() {
        let expected = Layout { components: 3, sequential: false, restarts: false };
        assert_eq!(layout(FILE), Some(expected));
        let mut baseline = FILE.to_vec();
        baseline[12] = 0xc0;
        assert_eq!(layout(&baseline), Some(expected), "one component in the first scan");
        baseline[26] = 3;
        assert_eq!(layout(&baseline), Some(Layout { sequential: true, ..expected }));
        assert_eq!(layout(b"\xff\xd8\xff\xda\x00\x04\x01x"), None);
    }
}
