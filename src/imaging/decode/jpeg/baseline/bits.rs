//! Reading bits, most significant first, from entropy-coded data without stuffing (see `intervals`).

/// A position in a run of bytes. Beyond their end it reads zeros; [`BitReader::overran`] tells.
#[derive(Clone, Copy)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    position: usize,
    /// The next bits, left-aligned; zeros follow the last of them.
    window: u64,
    /// How many bits of the window are there to be read.
    available: u32,
}

/// How far a [`BitReader`] has come.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    position: usize,
    window: u64,
    available: u32,
}

impl<'a> BitReader<'a> {
    /// What may be read between two refills: the longest code and the longest value after it.
    const REFILLED: u32 = 32;

    /// Goes on in the bytes in which another reader has come so far; the default is their beginning.
    pub(super) fn at(bytes: &'a [u8], Place { position, window, available }: Place) -> Self {
        Self { bytes, position, window, available }
    }

    pub(super) fn place(&self) -> Place {
        Place { position: self.position, window: self.window, available: self.available }
    }

    /// Makes at least 32 bits available.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        if self.available < Self::REFILLED {
            let rest = self.bytes.get(self.position..).unwrap_or_default();
            let word = rest.first_chunk().map_or_else(|| last_word(rest), |word| u64::from_be_bytes(*word));
            // Of the byte that fits only in part, the bits that fit are read again by the next refill: the same ones.
            self.window |= word >> self.available;
            self.position += ((63 - self.available) >> 3) as usize;
            self.available |= 56;
        }
    }

    /// The next `N` bits, without consuming them.
    #[inline(always)]
    pub(super) fn peek<const N: u32>(&self) -> usize {
        (self.window >> (64 - N)) as usize
    }

    /// Consumes `count` bits, at most those that are available.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.window <<= count;
        self.available -= count;
    }

    /// Consumes a signed value of `size` bits, 1 to 16, as T.81 writes it (F.2.2.1, EXTEND): the lower half of the range is negative.
    #[inline(always)]
    pub(super) fn value(&mut self, size: u32) -> i32 {
        let bits = (self.window >> (64 - size)) as i32;
        self.skip(size);
        extend(bits, size)
    }

    /// Whether bits were consumed that are not there.
    pub(super) fn overran(&self) -> bool {
        8 * self.position as u64 - u64::from(self.available) > 8 * self.bytes.len() as u64
    }

    /// Whether a whole byte or more was left unread.
    pub(super) fn left_bytes(&self) -> bool {
        8 * self.position as u64 + 8 <= 8 * self.bytes.len() as u64 + u64::from(self.available)
    }
}

/// The value that `size` bits stand for.
#[inline(always)]
pub(super) fn extend(bits: i32, size: u32) -> i32 {
    if bits < 1 << (size - 1) { bits - (1 << size) + 1 } else { bits }
}

#[cold]
fn last_word(rest: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_in_their_order_whatever_the_steps() {
        let bytes: Vec<u8> = (0..40u8).map(|byte| byte.wrapping_mul(151) ^ 0x5a).collect();
        for step in 1..=16 {
            let mut reader = BitReader::at(&bytes, Place::default());
            let mut place = 0;
            while place + step <= 8 * bytes.len() {
                reader.refill();
                let expected = (place..place + step).fold(0, |bits, at| 2 * bits + usize::from(bytes[at / 8] >> (7 - at % 8) & 1));
                assert_eq!(reader.peek::<16>() >> (16 - step), expected, "{step} bits at {place}");
                reader.skip(step as u32);
                place += step;
                assert!(!reader.overran());
                assert_eq!(reader.left_bytes(), 8 * bytes.len() - place >= 8);
            }
            reader.refill();
            reader.skip((8 * bytes.len() - place + 1) as u32);
            assert!(reader.overran());
        }
    }

    #[test]
    fn values_are_signed() {
        let mut reader = BitReader::at(&[0b0011_0111, 0b1000_0000], Place::default());
        reader.refill();
        assert_eq!([reader.value(2), reader.value(2), reader.value(1), reader.value(4)], [-3, 3, -1, 15]);
    }
}
