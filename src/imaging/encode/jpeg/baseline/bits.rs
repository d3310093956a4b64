//! Writing bits, most significant first, with a zero after each byte of ones (T.81, B.1.1.5).

/// Bits that become bytes.
#[derive(Default)]
pub(super) struct BitWriter {
    /// What is to be written.
    pub(super) bytes: Vec<u8>,
    /// The last bits, right-aligned.
    window: u64,
    /// How many of them are not among the bytes yet; below 32 between two calls.
    pending: u32,
}

impl BitWriter {
    /// Adds the lowest `count` bits, 32 at most; the others must be zero.
    #[inline(always)]
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        self.window = self.window << count | u64::from(bits);
        self.pending += count;
        if self.pending >= 32 {
            self.pending -= 32;
            self.word((self.window >> self.pending) as u32);
        }
    }

    #[inline(always)]
    fn word(&mut self, word: u32) {
        let bytes = word.to_be_bytes();
        // The highest bit of each byte that is all ones, and perhaps of others.
        if word & !word.wrapping_add(0x0101_0101) & 0x8080_8080 == 0 {
            self.bytes.extend_from_slice(&bytes);
        } else {
            self.stuffed(&bytes);
        }
    }

    fn stuffed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.bytes.push(*byte);
            if *byte == 0xff {
                self.bytes.push(0);
            }
        }
    }

    /// Fills the last byte with ones.
    pub(super) fn align(&mut self) {
        let missing = (8 - self.pending % 8) % 8;
        self.put((1 << missing) - 1, missing);
        let rest = ((self.window << 32 >> self.pending) as u32).to_be_bytes();
        self.stuffed(&rest[..self.pending as usize / 8]);
        self.pending = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_out_in_their_order_whatever_the_steps() {
        let mut random = fastrand::Rng::with_seed(2);
        for _ in 0..2000 {
            let mut writer = BitWriter::default();
            let mut expected = Vec::new();
            let ones = random.bool();
            for _ in 0..random.usize(0..60) {
                let count = random.u32(0..=27);
                let bits = if ones { (1 << count) - 1 } else { random.u32(..1 << count) };
                writer.put(bits, count);
                expected.extend((0..count).rev().map(|at| bits >> at & 1 == 1));
            }
            writer.align();
            expected.resize(expected.len().next_multiple_of(8), true);
            let bytes = expected.chunks(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit)));
            let expected: Vec<u8> = bytes.flat_map(|byte| if byte == 0xff { vec![0xff, 0] } else { vec![byte] }).collect();
            assert_eq!(writer.bytes, expected);
        }
    }
}
