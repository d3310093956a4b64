//! Huffman codes (ITU-T T.81, annexes C and F): tables that answer for the next bits with as much as they tell.

use super::Damaged;
use super::bits::{BitReader, extend};

/// Codes up to this length are found by one look into a table.
const LOOKAHEAD: u32 = 10;

/// The longest code.
const LONGEST: u32 = 16;

/// A run of zeros and the coefficient after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Symbol {
    /// Zeros before the coefficient, 0 to 15.
    pub(super) run: usize,
    /// The coefficient. Zero: with a run of 15 sixteen zeros, with none the end of the block; else the code has no meaning.
    pub(super) value: i32,
}

/// The codes of one table.
pub(super) struct Table {
    /// By the next bits: the coefficient (16 bits), the run (8), the length of code and coefficient together (8). Where the
    /// coefficient is zero, its place is taken by what the code says, 8 bits of run and size, and the length is the code's
    /// alone, zero for a code that is longer than the index.
    lookup: [u32; 1 << LOOKAHEAD],
    /// By length: the first code that is too large, as 16 bits from the left.
    limits: [u32; 1 + LONGEST as usize],
    /// By length: where the symbols of its codes begin in `symbols`, less the first code.
    offsets: [i32; 1 + LONGEST as usize],
    symbols: [u8; 256],
}

impl Table {
    /// From the number of codes of each length and the symbols in the order of their codes, as a file has them (B.2.4.2).
    /// `None` when there are more codes than bits for them.
    pub(super) fn new(counts: &[u8; 16], listed: &[u8]) -> Option<Self> {
        let mut symbols = [0; 256];
        symbols.get_mut(..listed.len())?.copy_from_slice(listed);
        let mut table = Self { lookup: [0; 1 << LOOKAHEAD], limits: [0; 17], offsets: [0; 17], symbols };
        let (mut code, mut index) = (0u32, 0u32);
        for (length, count) in (1..=LONGEST).zip(counts) {
            table.offsets[length as usize] = index as i32 - code as i32;
            for &symbol in listed.get(index as usize..)?.get(..usize::from(*count))? {
                table.enter(code, length, symbol);
                code += 1;
            }
            index += u32::from(*count);
            if code > 1 << length {
                return None;
            }
            table.limits[length as usize] = code << (LONGEST - length);
            code <<= 1;
        }
        Some(table)
    }

    /// Fills the part of the lookup table whose indices begin with a code.
    fn enter(&mut self, code: u32, length: u32, symbol: u8) {
        let Some(rest) = LOOKAHEAD.checked_sub(length) else { return };
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        let start = (code << rest) as usize;
        for (index, entry) in self.lookup.iter_mut().enumerate().skip(start).take(1 << rest) {
            *entry = match rest.checked_sub(size) {
                Some(unused) if size > 0 => {
                    let bits = (index as i32 >> unused) & ((1 << size) - 1);
                    (extend(bits, size) as u32) << 16 | run << 8 | (length + size)
                }
                _ => u32::from(symbol) << 8 | length,
            };
        }
    }

    /// Reads a code and the value it announces. Needs a refilled reader.
    #[inline(always)]
    pub(super) fn symbol(&self, bits: &mut BitReader<'_>) -> Result<Symbol, Damaged> {
        let entry = self.lookup[bits.peek::<LOOKAHEAD>()];
        let value = entry as i32 >> 16;
        if value != 0 {
            bits.skip(entry & 0xff);
            return Ok(Symbol { run: (entry >> 8 & 0xff) as usize, value });
        }
        let (symbol, length) = match entry & 0xff {
            0 => self.long_code(bits.peek::<LONGEST>() as u32)?,
            length => (entry >> 8, length),
        };
        bits.skip(length);
        let (run, size) = ((symbol >> 4) as usize, symbol & 15);
        Ok(Symbol { run, value: if size == 0 { 0 } else { bits.value(size) } })
    }

    /// The symbol and the length of a code beyond the lookup table, at the beginning of 16 bits (T.81, F.2.2.3, DECODE).
    #[cold]
    fn long_code(&self, bits: u32) -> Result<(u32, u32), Damaged> {
        let length = (LOOKAHEAD + 1..=LONGEST).find(|length| bits < self.limits[*length as usize]);
        let length = length.ok_or(Damaged("a code that is in no Huffman table"))?;
        let index = self.offsets[length as usize] + (bits >> (LONGEST - length)) as i32;
        let symbol = usize::try_from(index).ok().and_then(|index| self.symbols.get(index));
        Ok(((*symbol.ok_or(Damaged("a code that is in no Huffman table"))?).into(), length))
    }
}

/// What the next bits skip: as many whole coefficients as they hold, up to the end of a block.
pub(super) struct SkipTable {
    /// By the next bits: how many of them are skipped (4 bits), whether a block ends there (1), how many coefficients (the rest).
    lookup: Box<[u16; 1 << Self::LOOKAHEAD]>,
}

/// What was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Skip {
    /// Bits. None: the next coefficient is longer than the table's index.
    pub(super) bits: u32,
    /// Coefficients.
    pub(super) coefficients: usize,
    /// Whether the end of the block came after them.
    pub(super) ends: bool,
}

impl SkipTable {
    const LOOKAHEAD: u32 = 13;

    /// A table that skips nothing.
    pub(super) fn none() -> Self {
        Self { lookup: Box::new([0; 1 << Self::LOOKAHEAD]) }
    }

    /// For the coefficients that a table encodes.
    pub(super) fn new(table: &Table) -> Self {
        let mut skips = Self::none();
        for (index, entry) in skips.lookup.iter_mut().enumerate() {
            let Skip { bits, coefficients, ends } = chain(table, index);
            *entry = bits as u16 | u16::from(ends) << 4 | (coefficients as u16) << 5;
        }
        skips
    }

    /// What the next bits skip; they are not consumed.
    #[inline(always)]
    pub(super) fn next(&self, bits: &BitReader<'_>) -> Skip {
        let entry = self.lookup[bits.peek::<{ Self::LOOKAHEAD }>()];
        Skip { bits: (entry & 15).into(), coefficients: (entry >> 5).into(), ends: entry & 16 != 0 }
    }
}

/// Reads symbols from the bits of an index as long as they are whole.
fn chain(table: &Table, index: usize) -> Skip {
    const LENGTH: u32 = SkipTable::LOOKAHEAD;
    let mut skip = Skip { bits: 0, coefficients: 0, ends: false };
    loop {
        let rest = (index << skip.bits) & ((1 << LENGTH) - 1);
        let entry = table.lookup[rest >> (LENGTH - LOOKAHEAD)];
        let (field, length) = ((entry >> 8 & 0xff) as usize, entry & 0xff);
        let (run, size, length) = if entry >> 16 == 0 { (field >> 4, field as u32 & 15, length) } else { (field, 0, length) };
        let end_of_block = entry >> 16 == 0 && field == 0;
        let has_meaning = entry >> 16 != 0 || size > 0 || run == 15 || end_of_block;
        let bits = skip.bits + length + size;
        if length == 0 || bits > LENGTH || !has_meaning {
            return skip;
        }
        if end_of_block {
            return Skip { bits, ends: true, ..skip };
        }
        skip = Skip { bits, coefficients: skip.coefficients + run + 1, ends: false };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_with_more_codes_than_bits_for_them_is_none() {
        let counts = |short: u8, long: u8| [short, long, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(Table::new(&counts(1, 2), &[1, 2, 3]).is_some());
        assert!(Table::new(&counts(3, 0), &[1, 2, 3]).is_none());
        assert!(Table::new(&counts(1, 3), &[1, 2, 3, 4]).is_none());
    }
}
