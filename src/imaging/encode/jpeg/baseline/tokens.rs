//! The symbols that a picture will be coded with (T.81, annex F), with the bits that follow each, and how often each occurs.
//!
//! A token is the byte of the symbol and, in one byte or two, the bits that follow it, as many as the lower half of the symbol says. The
//! end of each block has a token, also where it needs no code.

use super::dct::Block;
use crate::imaging::jpeg::zigzag::NATURAL;

/// The bytes of a chunk.
pub(super) const CHUNK: usize = 64 << 10;

/// No block has longer tokens: one of three bytes for each coefficient, and its end. Of a token four bytes are written.
const BLOCK: usize = 64 * 3 + 1 + 4;

/// Sixteen zeros.
const ZEROS: u8 = 0xf0;

/// The end of a block after its last coefficient that is not zero.
pub(super) const END: u8 = 0;

/// The end of a block behind its last coefficient. It has no code; as a symbol it has no meaning.
pub(super) const FULL: u8 = 0x10;

/// How often each symbol of a pair of Huffman tables occurs.
#[derive(Clone)]
pub(super) struct Counts {
    pub(super) dc: [u32; 256],
    pub(super) ac: [u32; 256],
}

/// Tokens in the order of their coding, whole MCUs in every chunk.
pub(super) struct Tokens {
    chunk: Box<[u8]>,
    /// How many bytes of the chunk are taken.
    len: usize,
    /// For luma and for chroma.
    pub(super) counts: [Counts; 2],
}

impl Tokens {
    pub(super) fn new() -> Self {
        let none = Counts { dc: [0; 256], ac: [0; 256] };
        Self { chunk: Self::empty(), len: 0, counts: [none.clone(), none] }
    }

    pub(super) fn empty() -> Box<[u8]> {
        vec![0; CHUNK].into()
    }

    /// Whether the chunk has room for so many blocks.
    #[inline(always)]
    pub(super) fn has_room_for(&self, blocks: usize) -> bool {
        self.len + blocks * BLOCK <= CHUNK
    }

    /// The tokens of this chunk.
    pub(super) fn chunk(&self) -> &[u8] {
        &self.chunk[..self.len]
    }

    /// Begins a chunk in the place of this one.
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds a block, of which the DC coefficient differs by so much from that of the block before. There must be room for it.
    #[inline(always)]
    pub(super) fn block(&mut self, tables: usize, difference: i32, block: &Block) {
        let Self { chunk, len, counts } = self;
        let Counts { dc, ac } = &mut counts[tables];
        let mut out = Writer { chunk, at: *len };
        out.put(0, difference, dc);
        let mut places = in_file_order(block.nonzero) & !1;
        let mut last = 0;
        while places != 0 {
            let place = places.trailing_zeros();
            places &= places - 1;
            let mut run = place - last - 1;
            while run > 15 {
                out.put(ZEROS, 0, ac);
                run -= 16;
            }
            out.put((run << 4) as u8, block.values[usize::from(NATURAL[place as usize])].into(), ac);
            last = place;
        }
        if last == 63 {
            out.write(FULL, 0, 0);
        } else {
            out.put(END, 0, ac);
        }
        *len = out.at;
    }
}

struct Writer<'a> {
    chunk: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    /// Adds a token: `symbol` with the size of the value in its lower half.
    #[inline(always)]
    fn put(&mut self, symbol: u8, value: i32, counts: &mut [u32; 256]) {
        let size = u32::BITS - value.unsigned_abs().leading_zeros();
        let symbol = symbol | size as u8;
        counts[usize::from(symbol)] += 1;
        // A negative value is written less one (F.1.2.1).
        self.write(symbol, (value + (value >> 31)) as u32 & ((1 << size) - 1), size);
    }

    #[inline(always)]
    fn write(&mut self, symbol: u8, bits: u32, size: u32) {
        self.chunk[self.at..self.at + 4].copy_from_slice(&(u32::from(symbol) | bits << 8).to_le_bytes());
        self.at += 1 + (size as usize).div_ceil(8);
    }
}

/// From a mask of coefficients row by row to one in the order of the file.
#[inline(always)]
fn in_file_order(nonzero: u64) -> u64 {
    let rows = nonzero.to_le_bytes();
    rows.iter().zip(&IN_FILE_ORDER).fold(0, |mask, (row, table)| mask | table[usize::from(*row)])
}

/// For each row of a block and each mask of its coefficients: that mask in the order of the file.
static IN_FILE_ORDER: [[u64; 256]; 8] = {
    let mut table = [[0; 256]; 8];
    let mut place = 0;
    while place < 64 {
        let (row, column) = (NATURAL[place] as usize / 8, NATURAL[place] as usize % 8);
        let mut mask = 0;
        while mask < 256 {
            table[row][mask] |= ((mask as u64 >> column) & 1) << place;
            mask += 1;
        }
        place += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(places: &[(usize, i16)]) -> (Vec<u8>, Counts) {
        let mut block = Block { values: [0; 64], nonzero: 0 };
        for (place, value) in places {
            let natural = usize::from(NATURAL[*place]);
            block.values[natural] = *value;
            block.nonzero |= 1 << natural;
        }
        let mut tokens = Tokens::new();
        tokens.block(1, block.values[0].into(), &block);
        (tokens.chunk().to_vec(), tokens.counts[1].clone())
    }

    #[test]
    fn a_block_is_its_mean_then_runs_and_values_then_its_end() {
        // A mean of nothing; one of -3 (two bits: 00); 5 (three bits: 101) in the second place; -300 (nine bits: 300 is 100101100) after
        // 20 zeros.
        assert_eq!(tokens(&[]).0, [0, END]);
        assert_eq!(tokens(&[(0, -3)]).0, [2, 0b00, END]);
        let (found, counts) = tokens(&[(1, 5), (22, -300)]);
        assert_eq!(found, [0, 0x03, 0b101, ZEROS, 0x49, 0b1101_0011, 0, END]);
        assert_eq!((counts.dc[0], counts.ac[0x03], counts.ac[0xf0], counts.ac[0x49], counts.ac[0]), (1, 1, 1, 1, 1));
        assert_eq!(counts.ac.iter().sum::<u32>(), 4);
    }

    #[test]
    fn a_block_that_is_full_has_no_code_at_its_end() {
        let (found, counts) = tokens(&[(63, 1)]);
        assert_eq!(found, [0, ZEROS, ZEROS, ZEROS, 0xe1, 1, FULL]);
        assert_eq!((counts.ac[usize::from(FULL)], counts.ac[0xf0], counts.ac[0]), (0, 3, 0));
    }

    #[test]
    fn the_longest_block_has_room() {
        let all: Vec<_> = (0..64).map(|place| (place, -1023)).collect();
        assert_eq!(tokens(&all).0.len(), 64 * 3 + 1);
        const { assert!(64 * 3 + 1 + 3 <= BLOCK) };
    }
}
