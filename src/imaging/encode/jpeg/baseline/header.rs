//! The header of a file: everything before its entropy-coded data (T.81, annex B).

use std::borrow::Cow;

use super::codes::Codes;
use crate::imaging::jpeg::marker;
use crate::imaging::jpeg::zigzag::NATURAL;

/// What begins each part of a colour profile (ICC.1, B.4).
const ICC: &[u8] = b"ICC_PROFILE\0";

/// The most bytes of a segment behind its length.
const SEGMENT: usize = 65_533;

/// What the header says about the picture.
pub(super) struct Frame<'a> {
    /// Width and height in pixels.
    pub(super) size: (u16, u16),
    /// Blocks of luma in one MCU, along each axis.
    pub(super) sampling: (usize, usize),
    pub(super) has_color: bool,
    /// Quantisation steps of luma and of chroma, row by row.
    pub(super) tables: [[u8; 64]; 2],
    pub(super) icc_profile: Option<Cow<'a, [u8]>>,
}

impl Frame<'_> {
    /// The bytes of the header, with the codes of the DC and the AC coefficients of each pair of tables.
    pub(super) fn header(&self, codes: &[[Codes; 2]]) -> Vec<u8> {
        let mut header = vec![0xff, marker::SOI];
        // Version 1.1, pixels without a unit that are as wide as high, no thumbnail (T.871, 10.1).
        segment(&mut header, marker::APP0, &[b"JFIF\0", &[1, 1, 0, 0, 1, 0, 1, 0, 0]]);
        self.profile(&mut header);
        let pairs = codes.len();
        for (id, table) in (0..).zip(&self.tables[..pairs]) {
            segment(&mut header, marker::DQT, &[&[id], &NATURAL.map(|place| table[usize::from(place)])]);
        }
        let [[w1, w0], [h1, h0]] = [self.size.0, self.size.1].map(u16::to_be_bytes);
        let factors = (self.sampling.0 << 4 | self.sampling.1) as u8;
        let components = if self.has_color { vec![[1, factors, 0], [2, 0x11, 1], [3, 0x11, 1]] } else { vec![[1, factors, 0]] };
        let count = [components.len() as u8];
        segment(&mut header, marker::SOF0, &[&[8, h1, h0, w1, w0], &count, components.as_flattened()]);
        for (id, [dc, ac]) in (0..).zip(codes) {
            segment(&mut header, marker::DHT, &[&[id], &dc.counts, &dc.symbols]);
            segment(&mut header, marker::DHT, &[&[0x10 | id], &ac.counts, &ac.symbols]);
        }
        let tables: Vec<[u8; 2]> = components.iter().map(|[id, _, table]| [*id, table << 4 | table]).collect();
        segment(&mut header, marker::SOS, &[&count, tables.as_flattened(), &[0, 63, 0]]);
        header
    }

    /// The profile in as many parts as it takes; one that takes more than can be numbered is left out.
    fn profile(&self, header: &mut Vec<u8>) {
        let parts = self.icc_profile.as_deref().unwrap_or_default().chunks(SEGMENT - ICC.len() - 2);
        let Ok(count) = u8::try_from(parts.len()) else { return };
        for (number, part) in (1..=count).zip(parts) {
            segment(header, marker::APP2, &[ICC, &[number, count], part]);
        }
    }
}

fn segment(header: &mut Vec<u8>, marker: u8, payload: &[&[u8]]) {
    let length: usize = payload.iter().map(|part| part.len()).sum();
    header.extend([0xff, marker]);
    header.extend((length as u16 + 2).to_be_bytes());
    payload.iter().for_each(|part| header.extend_from_slice(part));
}
