//! Entropy-coded data cut at its restart markers and freed of its stuffing (ITU-T T.81, B.1.1.5).

use super::Damaged;

/// The parts of a scan between restart markers.
pub(super) struct Intervals<'a> {
    /// From the marker that ended the last interval.
    ended: &'a [u8],
    rest: &'a [u8],
    bytes: Vec<u8>,
}

impl<'a> Intervals<'a> {
    /// Begins at the first byte of the scan's data. Allocates as many bytes as `scan` has.
    pub(super) fn new(scan: &'a [u8]) -> Self {
        Self { ended: &[], rest: scan, bytes: Vec::with_capacity(scan.len()) }
    }

    /// What comes after the intervals that were read, from the marker that ended the last of them.
    pub(super) fn end(&self) -> &'a [u8] {
        self.ended
    }

    /// The bytes of the interval that was read last.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads the next interval; gives the marker that ends it.
    pub(super) fn next(&mut self) -> Result<u8, Damaged> {
        self.bytes.clear();
        loop {
            let plain = self.rest.len().min(before_marker(self.rest));
            let (bytes, rest) = self.rest.split_at(plain);
            self.bytes.extend_from_slice(bytes);
            match *rest {
                [0xff, 0, ..] => {
                    self.bytes.push(0xff);
                    self.rest = &rest[2..];
                }
                // A byte that fills: the marker comes after it.
                [0xff, 0xff, ..] => self.rest = &rest[1..],
                [0xff, marker, ..] => {
                    (self.ended, self.rest) = (rest, &rest[2..]);
                    return Ok(marker);
                }
                _ => return Err(Damaged("the file ends inside a scan")),
            }
        }
    }
}

/// How many bytes come before the next one of all ones.
fn before_marker(bytes: &[u8]) -> usize {
    let (chunks, _) = bytes.as_chunks::<32>();
    // Without an early exit this is a few vector instructions.
    let whole = chunks.iter().take_while(|chunk| !chunk.iter().fold(false, |found, byte| found | (*byte == 0xff))).count() * 32;
    bytes[whole..].iter().position(|byte| *byte == 0xff).map_or(bytes.len(), |place| whole + place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffing_goes_and_markers_end() {
        let long = [7; 100];
        let scan = [b"\x01\xff\x00\x02\xff\xd0".as_slice(), &long, b"\xff\xff\xff\xd1\xff\x00\xff\xd9\xff"].concat();
        let mut intervals = Intervals::new(&scan);
        assert_eq!(intervals.next().unwrap(), 0xd0);
        assert_eq!(intervals.bytes(), b"\x01\xff\x02");
        assert_eq!(intervals.next().unwrap(), 0xd1);
        assert_eq!(intervals.bytes(), long);
        assert_eq!(intervals.next().unwrap(), 0xd9);
        assert_eq!(intervals.bytes(), b"\xff");
        assert_eq!(intervals.end(), b"\xff\xd9\xff");
        assert!(intervals.next().is_err(), "half a marker");
        assert!(intervals.next().is_err(), "nothing");
    }
}
