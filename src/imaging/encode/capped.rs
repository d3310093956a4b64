//! A writer that refuses to grow beyond a limit.

use std::io::{self, Seek, SeekFrom, Write};

use crate::domain::limits::{Limit, LimitExceeded};
use crate::imaging::error::ImagingError;

/// Passes writes on as long as none ends beyond `max` bytes from the start.
pub(super) struct Capped<W> {
    inner: W,
    position: u64,
    max: u64,
    /// How far the write that was refused would have reached.
    refused: Option<u64>,
}

impl<W: Write + Seek> Capped<W> {
    /// Expects `inner` to stand at its start.
    pub(super) fn new(inner: W, max: u64) -> Self {
        Self { inner, position: 0, max, refused: None }
    }

    /// The limit.
    pub(super) fn max(&self) -> u64 {
        self.max
    }

    /// The limit and the length that was refused, if one was.
    pub(super) fn refused(&self) -> Option<(u64, u64)> {
        self.refused.map(|found| (self.max, found))
    }
}

impl<W: Write> Write for Capped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let end = self.position.saturating_add(bytes.len() as u64);
        if end > self.max {
            self.refused = Some(end);
            let exceeded = LimitExceeded { limit: Limit::MaxOutputBytes, max: self.max, found: end, step: None };
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, exceeded));
        }
        let written = self.inner.write(bytes)?;
        self.position += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Seek> Seek for Capped<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.inner.seek(to)?;
        Ok(self.position)
    }
}

/// What a failed write means; that of a [`Capped`] says which limit it was.
pub(super) fn write_error(error: io::Error) -> ImagingError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<LimitExceeded>()) {
        Some(exceeded) => ImagingError::Limit(*exceeded),
        None => ImagingError::Write(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_beyond_the_limit_is_refused_wherever_it_begins() {
        let mut capped = Capped::new(io::Cursor::new(Vec::new()), 4);
        capped.write_all(b"abcd").unwrap();
        capped.seek(SeekFrom::Start(1)).unwrap();
        capped.write_all(b"BCD").unwrap();
        assert_eq!(capped.refused(), None);
        capped.seek(SeekFrom::Start(3)).unwrap();
        assert_eq!(capped.write_all(b"de").unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(capped.refused(), Some((4, 5)));
        assert_eq!(capped.inner.into_inner(), b"aBCD");
    }
}
