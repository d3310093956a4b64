//! The sizes that an AV1 stream announces (AV1 Bitstream & Decoding Process Specification, 5.3 to 5.5).

use super::{Bytes, Fault};

const CORRUPT: Fault = Fault::Corrupt("the AV1 stream is damaged");

/// Refuses a stream whose pictures are not of that size, or that has none.
pub(super) fn check(stream: &[u8], size: (u32, u32)) -> Result<(), Fault> {
    const SEQUENCE_HEADER: u8 = 1;
    let mut units = Bytes(stream);
    let mut found = false;
    while !units.0.is_empty() {
        let header = units.u8()?;
        if header & 0x04 != 0 {
            units.u8()?;
        }
        let length = if header & 0x02 != 0 { leb128(&mut units)? } else { units.0.len() };
        let unit = units.take(length).map_err(|_| CORRUPT)?;
        if header >> 3 & 15 == SEQUENCE_HEADER {
            if largest(unit).ok_or(CORRUPT)? != size {
                return Err(Fault::Corrupt("the AV1 stream has pictures of another size"));
            }
            found = true;
        }
    }
    if found { Ok(()) } else { Err(CORRUPT) }
}

fn leb128(bytes: &mut Bytes<'_>) -> Result<usize, Fault> {
    let mut value = 0;
    for place in 0..4 {
        let byte = usize::from(bytes.u8()?);
        value |= (byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(CORRUPT)
}

/// Bits in their order.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |number, _| {
            let byte = self.bytes.get(self.at / 8)?;
            let bit = byte >> (7 - self.at % 8) & 1;
            self.at += 1;
            Some(number << 1 | u32::from(bit))
        })
    }

    fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }
}

/// The largest width and height of a sequence (5.5.1).
fn largest(header: &[u8]) -> Option<(u32, u32)> {
    let mut bits = Bits { bytes: header, at: 0 };
    // The profile, and whether it is a still.
    bits.take(4)?;
    if bits.flag()? {
        // Reduced: the level follows.
        bits.take(5)?;
    } else {
        operating_points(&mut bits)?;
    }
    let (of_width, of_height) = (bits.take(4)? + 1, bits.take(4)? + 1);
    Some((bits.take(of_width)? + 1, bits.take(of_height)? + 1))
}

/// What a header that is not reduced says about times and layers.
fn operating_points(bits: &mut Bits<'_>) -> Option<()> {
    let mut of_delay = None;
    if bits.flag()? {
        bits.take(32)?;
        bits.take(32)?;
        if bits.flag()? {
            // A number as many bits long as zeros come before it.
            let mut zeros = 0;
            while !bits.flag()? {
                zeros += 1;
            }
            bits.take(if zeros < 32 { zeros } else { 0 })?;
        }
        if bits.flag()? {
            of_delay = Some(bits.take(5)? + 1);
            bits.take(32)?;
            bits.take(10)?;
        }
    }
    let delays = bits.flag()?;
    for _ in 0..=bits.take(5)? {
        bits.take(12)?;
        if bits.take(5)? > 7 {
            bits.take(1)?;
        }
        if let Some(length) = of_delay
            && bits.flag()?
        {
            bits.take(length)?;
            bits.take(length + 1)?;
        }
        if delays && bits.flag()? {
            bits.take(4)?;
        }
    }
    Some(())
}
