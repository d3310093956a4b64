//! The transform of whole blocks and the conversion of colours by AVX2 instructions. They give the samples of the portable
//! code, bit for bit: the same integer arithmetic, sixteen lanes at a time.
#![allow(unsafe_code)] // Instructions that not every processor of the target has, and loads and stores of their registers.

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::*;

use super::block::Coefficients;
use super::color::{self, CB_TO_BLUE, CB_TO_GREEN, CR_TO_GREEN, CR_TO_RED};
use super::idct::{self, FIRST, FOUR, SECOND};
use super::kernels::Kernels;
use crate::imaging::jpeg::cosines::EIGHT;

/// `None` where the processor lacks the instructions.
pub(super) fn kernels() -> Option<Kernels> {
    is_x86_feature_detected!("avx2").then_some(Kernels { eight, four, to_rgb })
}

fn eight(coefficients: &Coefficients, extent: (u8, u8)) -> [[u8; 8]; 8] {
    if extent == (1, 1) {
        return [[idct::one(coefficients); 8]; 8];
    }
    // SAFETY: this function is private and handed out by `kernels` alone, where the processor has AVX2.
    unsafe { eight_points_twice(coefficients, extent) }
}

fn four(coefficients: &Coefficients, extent: (u8, u8)) -> [[u8; 4]; 4] {
    if extent == (1, 1) {
        return [[idct::one(coefficients); 4]; 4];
    }
    // SAFETY: this function is private and handed out by `kernels` alone, where the processor has AVX2.
    unsafe { four_points_twice(coefficients) }
}

fn to_rgb(samples: [&[u8]; 3], rgb: &mut [u8]) {
    // SAFETY: this function is private and handed out by `kernels` alone, where the processor has AVX2.
    unsafe { row_to_rgb(samples, rgb) }
}

/// Two entries of a column of the matrix, beside each other in every lane.
#[inline]
#[target_feature(enable = "avx2")]
fn factors(first: usize, second: usize, column: usize) -> __m256i {
    _mm256_set1_epi32(EIGHT[second][column] << 16 | EIGHT[first][column] & 0xffff)
}

/// The values of two rows beside each other.
#[inline]
#[target_feature(enable = "avx2")]
fn beside(first: __m128i, second: __m128i) -> __m256i {
    _mm256_set_m128i(_mm_unpackhi_epi16(first, second), _mm_unpacklo_epi16(first, second))
}

/// The product of the matrix with eight rows, of which the last four are zero unless `ALL`. The second half of a column of
/// the matrix mirrors the first, with the sign of odd frequencies turned.
#[inline]
#[target_feature(enable = "avx2")]
fn pass<const ALL: bool>(rows: [__m128i; 8], rounding: i32) -> [__m256i; 8] {
    let low = (beside(rows[0], rows[2]), beside(rows[1], rows[3]));
    let high = (beside(rows[4], rows[6]), beside(rows[5], rows[7]));
    let mut sums = [_mm256_set1_epi32(rounding); 8];
    for column in 0..4 {
        let mut even = _mm256_add_epi32(sums[column], _mm256_madd_epi16(low.0, factors(0, 2, column)));
        let mut odd = _mm256_madd_epi16(low.1, factors(1, 3, column));
        if ALL {
            even = _mm256_add_epi32(even, _mm256_madd_epi16(high.0, factors(4, 6, column)));
            odd = _mm256_add_epi32(odd, _mm256_madd_epi16(high.1, factors(5, 7, column)));
        }
        sums[column] = _mm256_add_epi32(even, odd);
        sums[7 - column] = _mm256_sub_epi32(even, odd);
    }
    sums
}

/// Rows become columns.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose(rows: [__m128i; 8]) -> [__m128i; 8] {
    let [a, b, c, d, e, f, g, h] = rows;
    let (ab, cd) = ((_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b)), (_mm_unpacklo_epi16(c, d), _mm_unpackhi_epi16(c, d)));
    let (ef, gh) = ((_mm_unpacklo_epi16(e, f), _mm_unpackhi_epi16(e, f)), (_mm_unpacklo_epi16(g, h), _mm_unpackhi_epi16(g, h)));
    let (top01, top23) = (_mm_unpacklo_epi32(ab.0, cd.0), _mm_unpackhi_epi32(ab.0, cd.0));
    let (top45, top67) = (_mm_unpacklo_epi32(ab.1, cd.1), _mm_unpackhi_epi32(ab.1, cd.1));
    let (low01, low23) = (_mm_unpacklo_epi32(ef.0, gh.0), _mm_unpackhi_epi32(ef.0, gh.0));
    let (low45, low67) = (_mm_unpacklo_epi32(ef.1, gh.1), _mm_unpackhi_epi32(ef.1, gh.1));
    [
        _mm_unpacklo_epi64(top01, low01),
        _mm_unpackhi_epi64(top01, low01),
        _mm_unpacklo_epi64(top23, low23),
        _mm_unpackhi_epi64(top23, low23),
        _mm_unpacklo_epi64(top45, low45),
        _mm_unpackhi_epi64(top45, low45),
        _mm_unpacklo_epi64(top67, low67),
        _mm_unpackhi_epi64(top67, low67),
    ]
}

#[target_feature(enable = "avx2")]
fn eight_points_twice(coefficients: &Coefficients, (rows, columns): (u8, u8)) -> [[u8; 8]; 8] {
    // SAFETY: each row is 16 bytes of the array; the load needs no alignment.
    let row = |row: &[i16; 8]| unsafe { _mm_loadu_si128(row.as_ptr().cast()) };
    let (lines, _) = coefficients.as_chunks::<8>();
    let input = std::array::from_fn(|index| row(&lines[index]));
    let rounding = 1 << (FIRST - 1);
    let sums = if rows > 4 { pass::<true>(input, rounding) } else { pass::<false>(input, rounding) };

    let mut between = [_mm_setzero_si128(); 8];
    for (pair, sums) in between.as_chunks_mut::<2>().0.iter_mut().zip(sums.as_chunks::<2>().0) {
        let shifted = sums.map(|sum| _mm256_srai_epi32::<{ FIRST as i32 }>(sum));
        let packed = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(shifted[0], shifted[1]));
        *pair = [_mm256_castsi256_si128(packed), _mm256_extracti128_si256::<1>(packed)];
    }
    let turned = transpose(between);
    let rounding = 1 << (SECOND - 1);
    bytes(if columns > 4 { pass::<true>(turned, rounding) } else { pass::<false>(turned, rounding) })
}

/// From columns of sums to rows of samples.
#[inline]
#[target_feature(enable = "avx2")]
fn bytes(columns: [__m256i; 8]) -> [[u8; 8]; 8] {
    let shifted = columns.map(|sum| _mm256_srai_epi32::<{ SECOND as i32 }>(sum));
    let pair = |first: usize| _mm256_add_epi16(_mm256_packs_epi32(shifted[first], shifted[first + 1]), _mm256_set1_epi16(128));
    // In each half four columns of four bytes, which become four rows.
    let turn = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    let left = _mm256_shuffle_epi8(_mm256_packus_epi16(pair(0), pair(2)), turn);
    let right = _mm256_shuffle_epi8(_mm256_packus_epi16(pair(4), pair(6)), turn);
    let (upper, lower) = (_mm256_unpacklo_epi32(left, right), _mm256_unpackhi_epi32(left, right));
    let mut samples = [[0; 8]; 8];
    let (first, second) = samples.split_at_mut(4);
    // SAFETY: each half of the samples has 32 bytes; the stores need no alignment.
    unsafe {
        _mm256_storeu_si256(first.as_mut_ptr().cast(), _mm256_permute2x128_si256::<0x20>(upper, lower));
        _mm256_storeu_si256(second.as_mut_ptr().cast(), _mm256_permute2x128_si256::<0x31>(upper, lower));
    }
    samples
}

/// The product of the matrix with four rows: those of even and of odd frequency, each two beside each other.
#[inline]
#[target_feature(enable = "avx2")]
fn short_pass(even: __m128i, odd: __m128i, rounding: i32) -> [__m128i; 4] {
    let factors = |first: usize, second: usize, column: usize| _mm_set1_epi32(FOUR[second][column] << 16 | FOUR[first][column] & 0xffff);
    let sums = |column: usize| {
        let even = _mm_add_epi32(_mm_set1_epi32(rounding), _mm_madd_epi16(even, factors(0, 2, column)));
        let odd = _mm_madd_epi16(odd, factors(1, 3, column));
        (_mm_add_epi32(even, odd), _mm_sub_epi32(even, odd))
    };
    let (outer, inner) = (sums(0), sums(1));
    [outer.0, inner.0, inner.1, outer.1]
}

#[target_feature(enable = "avx2")]
fn four_points_twice(coefficients: &Coefficients) -> [[u8; 4]; 4] {
    let (lines, _) = coefficients.as_chunks::<8>();
    // SAFETY: each row is 16 bytes of the array, of which the load takes 8; it needs no alignment.
    let row = |index: usize| unsafe { _mm_loadl_epi64(lines[index].as_ptr().cast()) };
    let sums = short_pass(_mm_unpacklo_epi16(row(0), row(2)), _mm_unpacklo_epi16(row(1), row(3)), 1 << (FIRST - 1));

    let [a, b, c, d] = sums.map(|sum| _mm_srai_epi32::<{ FIRST as i32 }>(sum));
    // Each two rows by columns; then all four.
    let turn = _mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
    let (upper, lower) = (_mm_shuffle_epi8(_mm_packs_epi32(a, b), turn), _mm_shuffle_epi8(_mm_packs_epi32(c, d), turn));
    let (left, right) = (_mm_unpacklo_epi32(upper, lower), _mm_unpackhi_epi32(upper, lower));
    let sums = short_pass(_mm_unpacklo_epi16(left, right), _mm_unpackhi_epi16(left, right), 1 << (SECOND - 1));

    let [a, b, c, d] = sums.map(|sum| _mm_srai_epi32::<{ SECOND as i32 }>(sum));
    let middle = _mm_set1_epi16(128);
    let columns = _mm_packus_epi16(_mm_add_epi16(_mm_packs_epi32(a, b), middle), _mm_add_epi16(_mm_packs_epi32(c, d), middle));
    let rows = _mm_shuffle_epi8(columns, _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    let mut samples = [[0; 4]; 4];
    // SAFETY: the samples have 16 bytes; the store needs no alignment.
    unsafe { _mm_storeu_si128(samples.as_mut_ptr().cast(), rows) };
    samples
}

/// For each third of 16 pixels and each colour: which pixel's sample goes where; nothing goes where the highest bit is set.
const PLACES: [[[u8; 16]; 3]; 3] = {
    let mut places = [[[0x80; 16]; 3]; 3];
    let mut byte = 0;
    while byte < 48 {
        places[byte / 16][byte % 3][byte % 16] = (byte / 3) as u8;
        byte += 1;
    }
    places
};

#[target_feature(enable = "avx2")]
fn row_to_rgb([luma, blue, red]: [&[u8]; 3], rgb: &mut [u8]) {
    let (chunks, rest) = rgb.as_chunks_mut::<48>();
    let done = 16 * chunks.len();
    let samples = luma.as_chunks::<16>().0.iter().zip(blue.as_chunks::<16>().0).zip(red.as_chunks::<16>().0);
    for (to, ((luma, blue), red)) in chunks.iter_mut().zip(samples) {
        let colors = pixels(luma, blue, red);
        for (to, places) in to.as_chunks_mut::<16>().0.iter_mut().zip(&PLACES) {
            let moved = |color: usize| {
                // SAFETY: the places are 16 bytes; the load needs no alignment.
                let places = unsafe { _mm_loadu_si128(places[color].as_ptr().cast()) };
                _mm_shuffle_epi8(colors[color], places)
            };
            let third = _mm_or_si128(_mm_or_si128(moved(0), moved(1)), moved(2));
            // SAFETY: the third of the pixels has 16 bytes; the store needs no alignment.
            unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), third) };
        }
    }
    color::to_rgb([&luma[done..], &blue[done..], &red[done..]], rest);
}

/// Red, green and blue of 16 pixels.
#[inline]
#[target_feature(enable = "avx2")]
fn pixels(luma: &[u8; 16], blue: &[u8; 16], red: &[u8; 16]) -> [__m128i; 3] {
    // SAFETY: the samples are 16 bytes; the load needs no alignment.
    let wide = |samples: &[u8; 16]| _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(samples.as_ptr().cast()) });
    let middle = _mm256_set1_epi16(128);
    let (y, cb, cr) = (wide(luma), _mm256_sub_epi16(wide(blue), middle), _mm256_sub_epi16(wide(red), middle));
    // The upper half of the product; the highest bit of the lower half rounds it.
    let times = |chroma: __m256i, factor: i16| {
        let factor = _mm256_set1_epi16(factor);
        _mm256_add_epi16(_mm256_mulhi_epi16(chroma, factor), _mm256_srli_epi16::<15>(_mm256_mullo_epi16(chroma, factor)))
    };
    let both = _mm256_set1_epi32(i32::from(CR_TO_GREEN) << 16 | i32::from(CB_TO_GREEN) & 0xffff);
    let rounded = |pair: __m256i| _mm256_srai_epi32::<16>(_mm256_add_epi32(_mm256_madd_epi16(pair, both), _mm256_set1_epi32(1 << 15)));
    let greens = _mm256_packs_epi32(rounded(_mm256_unpacklo_epi16(cb, cr)), rounded(_mm256_unpackhi_epi16(cb, cr)));
    let r = _mm256_add_epi16(_mm256_add_epi16(y, cr), times(cr, CR_TO_RED));
    let g = _mm256_add_epi16(_mm256_sub_epi16(y, cr), greens);
    let b = _mm256_add_epi16(_mm256_add_epi16(y, _mm256_add_epi16(cb, cb)), times(cb, CB_TO_BLUE));
    [r, g, b].map(|color| _mm_packus_epi16(_mm256_castsi256_si128(color), _mm256_extracti128_si256::<1>(color)))
}
