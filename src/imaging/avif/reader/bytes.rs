//! Bytes in their order, and the boxes that they make.

use super::Fault;

/// What is left of a file or a box.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

const CUT_OFF: Fault = Fault::Corrupt("a box ends too early");

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(CUT_OFF)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A number of up to eight bytes, the highest first; one of no bytes is 0.
    pub(super) fn number(&mut self, length: usize) -> Result<u64, Fault> {
        if length > 8 {
            return Err(CUT_OFF);
        }
        Ok(self.take(length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(super) fn u8(&mut self) -> Result<u8, Fault> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, Fault> {
        Ok(self.number(2)? as u16)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        Ok(self.number(4)? as u32)
    }

    /// The number of an item, which is short in the first version of a box.
    pub(super) fn item(&mut self, is_short: bool) -> Result<u32, Fault> {
        if is_short { self.u16().map(u32::from) } else { self.u32() }
    }

    /// The version and the flags of a full box.
    pub(super) fn version(&mut self) -> Result<(u8, u32), Fault> {
        Ok((self.u8()?, self.number(3)? as u32))
    }

    /// The kind and the body of the next box; `None` at the end.
    pub(super) fn next_box(&mut self) -> Result<Option<(&'a [u8; 4], Bytes<'a>)>, Fault> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let length = self.u32()?;
        let kind = self.take(4)?.first_chunk().ok_or(CUT_OFF)?;
        let body = match length {
            0 => self.0.len(),
            1 => usize::try_from(self.number(8)?.checked_sub(16).ok_or(CUT_OFF)?).map_err(|_| CUT_OFF)?,
            _ => length.checked_sub(8).ok_or(CUT_OFF)? as usize,
        };
        Ok(Some((kind, Bytes(self.take(body)?))))
    }
}
