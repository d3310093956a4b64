//! The inverse cosine transform, exact to the bit with the "islow" transform of the Independent JPEG Group's library, which
//! most decoders are measured by; and its smaller siblings that give 4x4, 2x2 or 1 sample of a block.
//!
//! The factors are those of Loeffler, Ligtenberg and Moschytz ("Practical fast 1-D DCT algorithms with 11 multiplications",
//! ICASSP 1989) with 13 bits after the point. Each of the two passes rounds only at its end, and before that integer
//! arithmetic is exact: so any way to evaluate the same linear map gives the same samples. Here it is a product of matrices,
//! which takes more multiplications, but leaves out the rows and columns that are zero (most of them, in a photograph) and
//! becomes vector instructions without help.

use super::block::Coefficients;
use crate::imaging::jpeg::cosines::{BETWEEN, EIGHT, Matrix, POINT};

/// What each pass shifts its sums by.
pub(super) const FIRST: u32 = POINT - BETWEEN;
pub(super) const SECOND: u32 = POINT + BETWEEN + 3;

/// The even half of the eight points.
pub(super) const FOUR: Matrix<4> =
    [[8192, 8192, 8192, 8192], [10703, 4433, -4433, -10703], [8192, -8192, -8192, 8192], [4433, -10704, 10704, -4433]];

/// 8x8 samples, row by row. Only the first `rows` rows and `columns` columns of the coefficients are looked at.
#[inline(always)]
pub(super) fn eight(coefficients: &Coefficients, extent: (u8, u8)) -> [[u8; 8]; 8] {
    transform(coefficients, extent, &EIGHT)
}

/// 4x4 samples from the lowest 4x4 frequencies.
#[inline(always)]
pub(super) fn four(coefficients: &Coefficients, extent: (u8, u8)) -> [[u8; 4]; 4] {
    transform(coefficients, extent, &FOUR)
}

/// 2x2 samples from the lowest 2x2 frequencies: all factors are the same, so that sums are enough.
#[inline(always)]
pub(super) fn two(coefficients: &Coefficients, _: (u8, u8)) -> [[u8; 2]; 2] {
    let [mean, across, down, both] = [0, 1, 8, 9].map(|place| i32::from(coefficients[place]));
    let (left, right) = ((mean + across, down + both), (mean - across, down - both));
    let row = |sums: [i32; 2]| sums.map(|sum| sample((sum + 4) >> 3));
    [row([left.0 + left.1, right.0 + right.1]), row([left.0 - left.1, right.0 - right.1])]
}

/// The mean of the block.
#[inline(always)]
pub(super) fn one(coefficients: &Coefficients) -> u8 {
    sample((i32::from(coefficients[0]) + 4) >> 3)
}

#[inline(always)]
fn sample(value: i32) -> u8 {
    (value + 128).clamp(0, 255) as u8
}

/// Overflows wrap, and between the passes values stop at 16 bits: both happen in damaged files only, and alike in vectors.
#[inline(always)]
fn transform<const N: usize>(coefficients: &Coefficients, (rows, columns): (u8, u8), matrix: &Matrix<N>) -> [[u8; N]; N] {
    if (rows, columns) == (1, 1) {
        return [[one(coefficients); N]; N];
    }
    let mut sums = [[1 << (FIRST - 1); N]; N];
    for (row, factors) in coefficients.as_chunks::<8>().0.iter().zip(matrix).take(rows.into()) {
        for (sums, factor) in sums.iter_mut().zip(factors) {
            for (sum, coefficient) in sums.iter_mut().zip(row) {
                *sum = i32::wrapping_add(*sum, i32::from(*coefficient).wrapping_mul(*factor));
            }
        }
    }
    sums.map(|row| {
        let mut sums = [1 << (SECOND - 1); N];
        for (value, factors) in row.iter().zip(matrix).take(columns.into()) {
            let between = (value >> FIRST).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
            for (sum, factor) in sums.iter_mut().zip(factors) {
                *sum = i32::wrapping_add(*sum, i32::from(between).wrapping_mul(*factor));
            }
        }
        sums.map(|sum| sample(sum >> SECOND))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition (T.81, A.3.3) of `N` points, from the lowest frequencies.
    fn exact<const N: usize>(coefficients: &Coefficients) -> [[f64; N]; N] {
        let wave = |place: usize, frequency: usize| {
            let norm = if frequency == 0 { 0.5_f64.sqrt() } else { 1.0 };
            norm * (std::f64::consts::PI * (2 * place + 1) as f64 * frequency as f64 / (2 * N) as f64).cos()
        };
        std::array::from_fn(|y| {
            std::array::from_fn(|x| {
                let places = (0..N).flat_map(|v| (0..N).map(move |u| (v, u)));
                let sum: f64 = places.map(|(v, u)| f64::from(coefficients[8 * v + u]) * wave(y, v) * wave(x, u)).sum();
                (sum / 4.0 + 128.0).clamp(0.0, 255.0)
            })
        })
    }

    fn assert_near<const N: usize>(found: [[u8; N]; N], coefficients: &Coefficients) {
        for (found, exact) in found.as_flattened().iter().zip(exact::<N>(coefficients).as_flattened()) {
            assert!((f64::from(*found) - exact).abs() < 0.8, "{found}, exactly {exact}, of {coefficients:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_size_is_the_nearest_to_the_definition(places in proptest::collection::vec((0..64usize, -1000..1000i16), 1..64), dc in -1024..1024i16) {
            let mut coefficients = [0; 64];
            coefficients[0] = dc;
            places.iter().for_each(|(place, value)| coefficients[*place] = *value);
            let extent = (0..64).filter(|place| coefficients[*place] != 0).fold((1, 1), |(rows, columns), place| {
                (rows.max(place as u8 / 8 + 1), columns.max(place as u8 % 8 + 1))
            });
            assert_near(eight(&coefficients, extent), &coefficients);
            assert_near(four(&coefficients, extent), &coefficients);
            assert_near(two(&coefficients, extent), &coefficients);
            assert_near([[one(&coefficients)]], &coefficients);
        }
    }

    #[test]
    fn coefficients_of_a_damaged_file_do_no_harm() {
        for value in [i16::MIN, i16::MAX] {
            eight(&[value; 64], (8, 8));
            four(&[value; 64], (8, 8));
        }
    }
}
