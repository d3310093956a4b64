//! The cosine transform of a block of samples and the quantisation of its results. The transform is exact to the bit with the "islow" one
//! of the Independent JPEG Group's library: see `decode::jpeg::baseline::idct` for why a product of matrices is that.

use super::quantisation::Steps;
use crate::imaging::jpeg::cosines::{BETWEEN, EIGHT, POINT};

/// What each pass shifts its sums by.
pub(super) const FIRST: u32 = POINT - BETWEEN;
pub(super) const SECOND: u32 = POINT + BETWEEN;

/// Quantised coefficients, row by row, and which of them are not zero: the lowest bit stands for the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) values: [i16; 64],
    pub(super) nonzero: u64,
}

/// The coefficients of the 8x8 samples that begin there, with so many from one row to the next.
#[inline(always)]
pub(super) fn transform(samples: &[u8], stride: usize, steps: &Steps) -> Block {
    let rows: [[i32; 8]; 8] = std::array::from_fn(|row| {
        let (row, _) = samples[row * stride..].split_first_chunk::<8>().expect("a block has eight samples in each of eight rows");
        row.map(|sample| i32::from(sample) - 128)
    });
    let turned = pass::<FIRST>(transposed(rows));
    let results = pass::<SECOND>(transposed(turned));
    let mut block = Block { values: [0; 64], nonzero: 0 };
    for (place, (value, result)) in block.values.iter_mut().zip(results.as_flattened()).enumerate() {
        *value = steps.divide(*result as i16, place);
    }
    for (place, value) in block.values.iter().enumerate() {
        block.nonzero |= u64::from(*value != 0) << place;
    }
    block
}

fn transposed(rows: [[i32; 8]; 8]) -> [[i32; 8]; 8] {
    std::array::from_fn(|column| rows.map(|row| row[column]))
}

/// The transform of each column.
#[inline(always)]
fn pass<const SHIFT: u32>(rows: [[i32; 8]; 8]) -> [[i32; 8]; 8] {
    EIGHT.map(|factors| {
        let mut sums = [1 << (SHIFT - 1); 8];
        for (row, factor) in rows.iter().zip(factors) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += value * factor;
            }
        }
        sums.map(|sum: i32| sum >> SHIFT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition (T.81, A.3.3).
    fn exact(samples: &[u8; 64]) -> [f64; 64] {
        let wave = |place: usize, frequency: usize| {
            let norm = if frequency == 0 { 0.5_f64.sqrt() } else { 1.0 };
            norm * (std::f64::consts::PI * (2 * place + 1) as f64 * frequency as f64 / 16.0).cos()
        };
        std::array::from_fn(|at| {
            let (v, u) = (at / 8, at % 8);
            let places = (0..8).flat_map(|y| (0..8).map(move |x| (y, x)));
            places.map(|(y, x)| (f64::from(samples[8 * y + x]) - 128.0) * wave(y, v) * wave(x, u)).sum::<f64>() / 4.0
        })
    }

    #[test]
    fn coefficients_are_the_nearest_to_the_definition() {
        let mut random = fastrand::Rng::with_seed(1);
        let ones = Steps::new(&[1; 64]);
        for round in 0..500 {
            let largest = [255, 40, 3][round % 3];
            // Among them the two levels alone, which give the largest coefficients.
            let samples: [u8; 64] = std::array::from_fn(|_| if round % 5 == 0 { 255 * random.u8(0..2) } else { random.u8(0..=largest) });
            let found = transform(&samples, 8, &ones);
            for (place, (found, exact)) in found.values.iter().zip(exact(&samples)).enumerate() {
                assert!((f64::from(*found) - exact).abs() < 0.8, "{place}: {found}, exactly {exact}");
            }
            assert!((0..64).all(|place| (found.nonzero >> place & 1 == 1) == (found.values[place] != 0)));
        }
    }

    #[test]
    fn what_has_one_frequency_has_one_coefficient() {
        // All white: 127 * 8. The first cosine across, with an amplitude of 100: half of 8 * 100 * sqrt(1/2) = 282.8 for the others' zero.
        let ones = Steps::new(&[1; 64]);
        let white = transform(&[255; 64], 8, &ones);
        assert_eq!((white.values[0], white.nonzero), (1016, 1));
        let wave: [u8; 64] =
            std::array::from_fn(|place| (128.0 + 100.0 * (std::f64::consts::PI * (2 * (place % 8) + 1) as f64 / 16.0).cos()).round() as u8);
        let found = transform(&wave, 8, &Steps::new(&[16; 64]));
        // 100 * 4 * sqrt(2) = 565.7, and 565.7 / 16 = 35.4.
        assert_eq!((found.values[1], found.nonzero), (35, 2));
    }
}
