//! One block of a scan: from bits to dequantised coefficients.

use super::Damaged;
use super::bits::BitReader;
use super::huffman::{SkipTable, Symbol, Table};
use crate::imaging::jpeg::zigzag::NATURAL;

/// The coefficients of a block, row by row, dequantised.
pub(super) type Coefficients = [i16; 64];

/// What the blocks of a component are encoded with.
pub(super) struct Coding<'a> {
    pub(super) dc: &'a Table,
    pub(super) ac: &'a Table,
    pub(super) skip: SkipTable,
    /// Quantisation steps in the order of the file.
    pub(super) steps: &'a [u16; 64],
}

/// Reads a block of which the first `KEPT` coefficients are wanted; the others are passed over. Returns the place (in the order
/// of the file) behind the last one that was kept, at least 1. `coefficients` must be zeros. `prediction` is the DC coefficient of the block
/// before and becomes that of this one.
#[inline(always)]
pub(super) fn read<const KEPT: usize>(
    coding: &Coding<'_>,
    reader: &mut BitReader<'_>,
    prediction: &mut i32,
    coefficients: &mut Coefficients,
) -> Result<usize, Damaged> {
    // A copy stays in registers.
    let mut bits = *reader;
    bits.refill();
    *prediction = prediction.wrapping_add(coding.dc.symbol(&mut bits)?.value);
    coefficients[0] = dequantise(*prediction, coding.steps[0]);
    let (mut place, mut kept) = (1, 1);
    while place < KEPT {
        bits.refill();
        let Symbol { run, value } = coding.ac.symbol(&mut bits)?;
        if value == 0 {
            match run {
                0 => {
                    *reader = bits;
                    return Ok(kept);
                }
                15 => place += 16,
                _ => return Err(Damaged("a run of zeros before nothing")),
            }
            continue;
        }
        place += run;
        if place > 63 {
            return Err(Damaged("more than 64 coefficients in a block"));
        }
        coefficients[usize::from(NATURAL[place])] = dequantise(value, coding.steps[place]);
        place += 1;
        kept = place;
    }
    if KEPT < 64 {
        pass_over(coding, &mut bits, place)?;
    } else if place > 64 {
        return Err(Damaged("more than 64 coefficients in a block"));
    }
    *reader = bits;
    Ok(kept)
}

/// Reads the coefficients from `place` to the end of the block without looking at them.
#[inline(always)]
fn pass_over(coding: &Coding<'_>, bits: &mut BitReader<'_>, mut place: usize) -> Result<(), Damaged> {
    while place < 64 {
        bits.refill();
        let skip = coding.skip.next(bits);
        // A block that is full has no end marked: what follows its last coefficient belongs to the next block.
        if skip.bits > 0 && place + skip.coefficients < 64 {
            bits.skip(skip.bits);
            place += skip.coefficients;
            if skip.ends {
                return Ok(());
            }
            continue;
        }
        match coding.ac.symbol(bits)? {
            Symbol { run: 0, value: 0 } => return Ok(()),
            Symbol { run, value } if value != 0 || run == 15 => place += run + 1,
            _ => return Err(Damaged("a run of zeros before nothing")),
        }
    }
    if place > 64 { Err(Damaged("more than 64 coefficients in a block")) } else { Ok(()) }
}

/// No coefficient of an image of 8 bits comes near the bounds; a damaged one stops there.
#[inline(always)]
fn dequantise(value: i32, step: u16) -> i16 {
    value.saturating_mul(step.into()).clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::decode::jpeg::baseline::bits::Place;

    #[test]
    fn a_coefficient_that_no_image_has_stops_at_the_bounds() {
        assert_eq!(
            [(-7, 3), (i32::MAX, u16::MAX), (i32::MIN, u16::MAX)].map(|(value, step)| dequantise(value, step)),
            [-21, i16::MAX, i16::MIN]
        );
    }

    /// Reads a block of which `KEPT` coefficients are wanted; its codes are 00 for the end, 01 for sixteen zeros, 10 for a
    /// coefficient of one bit after fifteen zeros; that of the mean is 0.
    fn read_bits<const KEPT: usize>(bytes: &[u8]) -> Result<usize, Damaged> {
        let dc = Table::new(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[0]).expect("a table");
        let ac = Table::new(&[0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[0, 0xf0, 0xf1]).expect("a table");
        let coding = Coding { dc: &dc, ac: &ac, skip: SkipTable::new(&ac), steps: &[1; 64] };
        read::<KEPT>(&coding, &mut BitReader::at(bytes, Place::default()), &mut 0, &mut [0; 64])
    }

    #[test]
    fn a_block_with_more_than_64_coefficients_is_damaged_whether_they_are_kept_or_not() {
        for (bytes, is_whole) in [([0b0010_1010, 0], true), ([0b0010_1010, 0b1000_0000], false), ([0b0010_1011, 0b0100_0000], false)] {
            assert_eq!([read_bits::<64>(&bytes).is_ok(), read_bits::<1>(&bytes).is_ok()], [is_whole; 2], "{bytes:?}");
        }
    }
}
