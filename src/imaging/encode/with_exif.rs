//! The segment of EXIF data in a JPEG file, put in on the way, so that no encoder needs to know of it.

use std::io::{self, Write};

/// What a JPEG file begins with (SOI).
const BEFORE: usize = 2;

/// Passes a JPEG file on, and puts the segment after its first two bytes, which is where EXIF wants it (EXIF 3.0, 4.7.2).
pub(super) struct WithExif<W> {
    out: W,
    /// Empty where there is nothing to put in.
    segment: Vec<u8>,
    passed: usize,
}

impl<W: Write> WithExif<W> {
    /// `exif` has at most 65527 bytes.
    pub(super) fn new(out: W, exif: Option<&[u8]>) -> Self {
        let segment = exif.map_or_else(Vec::new, |exif| {
            let length = u16::try_from(exif.len() + 8).expect("two texts of 16 KiB have room in a segment");
            [&[0xff, 0xe1], &length.to_be_bytes()[..], b"Exif\0\0", exif].concat()
        });
        Self { out, segment, passed: 0 }
    }

    /// How many bytes the file becomes longer by.
    pub(super) fn more(&self) -> u64 {
        self.segment.len() as u64
    }
}

impl<W: Write> Write for WithExif<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.passed == BEFORE {
            return self.out.write(bytes);
        }
        let written = self.out.write(&bytes[..bytes.len().min(BEFORE - self.passed)])?;
        self.passed += written;
        if self.passed == BEFORE {
            self.out.write_all(&self.segment)?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segment_follows_the_first_two_bytes_however_they_come() {
        let expected = b"\xff\xd8\xff\xe1\0\x0cExif\0\0MM\0*\xff\xdb rest";
        for first in 1..6 {
            let mut out = WithExif::new(Vec::new(), Some(b"MM\0*"));
            let file = b"\xff\xd8\xff\xdb rest";
            out.write_all(&file[..first]).and_then(|()| out.write_all(&file[first..])).unwrap();
            assert_eq!((out.more(), out.out), (14, expected.to_vec()), "{first}");
        }
        let mut plain = WithExif::new(Vec::new(), None);
        plain.write_all(b"\xff\xd8\xff\xd9").unwrap();
        assert_eq!(plain.out, b"\xff\xd8\xff\xd9");
    }
}
