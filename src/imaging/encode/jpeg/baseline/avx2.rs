//! The transform of blocks and the conversion of colours by AVX2 instructions. They give the results of the portable code, bit for bit: the
//! same integer arithmetic, sixteen lanes at a time.
#![allow(unsafe_code)] // Instructions that not every processor of the target has, and loads and stores of their registers.

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::*;

use super::color::{self, BLUE, RED, offset};
use super::dct::{Block, FIRST, SECOND};
use super::kernels::Kernels;
use super::quantisation::Steps;
use crate::imaging::jpeg::cosines::EIGHT;

/// `None` where the processor lacks the instructions.
pub(super) fn kernels() -> Option<Kernels> {
    is_x86_feature_detected!("avx2").then_some(Kernels { transform, luma, chroma, halved_chroma })
}

fn transform(samples: &[u8], stride: usize, steps: &Steps) -> Block {
    // SAFETY: this function is private and handed out by `kernels` alone, where the processor has AVX2.
    unsafe { block(samples, stride, steps) }
}

fn luma(rgb: &[u8], luma: &mut [u8]) {
    // SAFETY: this function is private and handed out by `kernels` alone, where the processor has AVX2.
    unsafe { luma_of_row(rgb, luma) }
}

fn chroma(rgb: &[u8], chroma: [&mut [u8]; 2]) {
    // SAFETY: this function is private and handed out by `kernels` alone, where the processor has AVX2.
    unsafe { chroma_of_row(rgb, chroma) }
}

fn halved_chroma(rows: [&[u8]; 2], chroma: [&mut [u8]; 2]) {
    // SAFETY: this function is private and handed out by `kernels` alone, where the processor has AVX2.
    unsafe { chroma_of_rows(rows, chroma) }
}

/// The values of two rows beside each other.
#[inline]
#[target_feature(enable = "avx2")]
fn beside(first: __m128i, second: __m128i) -> __m256i {
    _mm256_set_m128i(_mm_unpackhi_epi16(first, second), _mm_unpacklo_epi16(first, second))
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

/// The transform of each column, of which the values stay within 14 bits. The second half of a row of the matrix mirrors the first,
/// with the sign of odd frequencies turned. Two rows of results to a register.
#[inline]
#[target_feature(enable = "avx2")]
fn pass<const SHIFT: i32>(rows: [__m128i; 8]) -> [__m256i; 4] {
    let sum = |row: usize| _mm_add_epi16(rows[row], rows[7 - row]);
    let difference = |row: usize| _mm_sub_epi16(rows[row], rows[7 - row]);
    let even = [beside(sum(0), sum(1)), beside(sum(2), sum(3))];
    let odd = [beside(difference(0), difference(1)), beside(difference(2), difference(3))];
    let factors = |frequency: usize, first: usize| _mm256_set1_epi32(EIGHT[frequency][first + 1] << 16 | EIGHT[frequency][first] & 0xffff);
    let rounding = _mm256_set1_epi32(1 << (SHIFT - 1));
    let result = |frequency: usize| {
        let pairs = if frequency.is_multiple_of(2) { even } else { odd };
        let sums = [_mm256_madd_epi16(pairs[0], factors(frequency, 0)), _mm256_madd_epi16(pairs[1], factors(frequency, 2))];
        _mm256_srai_epi32::<SHIFT>(_mm256_add_epi32(_mm256_add_epi32(sums[0], sums[1]), rounding))
    };
    let pair = |first: usize| _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(result(first), result(first + 1)));
    [pair(0), pair(2), pair(4), pair(6)]
}

/// Both halves of each.
#[inline]
#[target_feature(enable = "avx2")]
fn halves([a, b, c, d]: [__m256i; 4]) -> [__m128i; 8] {
    let low = |pair: __m256i| _mm256_castsi256_si128(pair);
    let high = |pair: __m256i| _mm256_extracti128_si256::<1>(pair);
    [low(a), high(a), low(b), high(b), low(c), high(c), low(d), high(d)]
}

#[target_feature(enable = "avx2")]
fn block(samples: &[u8], stride: usize, steps: &Steps) -> Block {
    let samples = &samples[..7 * stride + 8];
    let middle = _mm_set1_epi16(128);
    let rows = std::array::from_fn(|row| {
        // SAFETY: there are 8 samples behind seven times the stride, and so behind less; the load takes 8 and needs no alignment.
        let row = unsafe { _mm_loadl_epi64(samples.as_ptr().add(row * stride).cast()) };
        _mm_sub_epi16(_mm_cvtepu8_epi16(row), middle)
    });
    let turned = halves(pass::<{ FIRST as i32 }>(transpose(rows)));
    let results = pass::<{ SECOND as i32 }>(transpose(turned));
    let mut block = Block { values: [0; 64], nonzero: 0 };
    let mut zeros = [_mm256_setzero_si256(); 4];
    for (index, (result, zeros)) in results.into_iter().zip(&mut zeros).enumerate() {
        // SAFETY: each of the arrays has 64 values, four times the 16 that a load takes; it needs no alignment.
        let load = |values: &[u16; 64]| unsafe { _mm256_loadu_si256(values.as_ptr().add(16 * index).cast()) };
        let rounded = _mm256_add_epi16(_mm256_abs_epi16(result), load(&steps.halves));
        let product = _mm256_mulhi_epu16(rounded, load(&steps.reciprocals));
        let quotient = _mm256_sign_epi16(_mm256_mulhi_epu16(product, load(&steps.shifts)), result);
        // SAFETY: there is room for four times the 16 values that a store gives; it needs no alignment.
        unsafe { _mm256_storeu_si256(block.values.as_mut_ptr().add(16 * index).cast(), quotient) };
        *zeros = _mm256_cmpeq_epi16(quotient, _mm256_setzero_si256());
    }
    let mask = |first: usize| {
        let packed = _mm256_packs_epi16(zeros[first], zeros[first + 1]);
        u64::from(_mm256_movemask_epi8(_mm256_permute4x64_epi64::<0b11_01_10_00>(packed)) as u32)
    };
    block.nonzero = !(mask(0) | mask(2) << 32);
    block
}

/// For each colour and each third of 16 pixels: where its samples are; nothing is taken where the highest bit is set.
const PLACES: [[[u8; 16]; 3]; 3] = {
    let mut places = [[[0x80; 16]; 3]; 3];
    let mut byte = 0;
    while byte < 48 {
        places[byte % 3][byte / 16][byte / 3] = (byte % 16) as u8;
        byte += 1;
    }
    places
};

/// Red, green and blue of 16 pixels.
#[inline]
#[target_feature(enable = "avx2")]
fn colors(pixels: &[u8; 48]) -> [__m128i; 3] {
    // SAFETY: the pixels are three times, and each of the places once the 16 bytes that a load takes; it needs no alignment.
    let load = |bytes: &[u8]| unsafe { _mm_loadu_si128(bytes[..16].as_ptr().cast()) };
    let thirds = [load(pixels), load(&pixels[16..]), load(&pixels[32..])];
    PLACES.map(|places| {
        let taken = |third: usize| _mm_shuffle_epi8(thirds[third], load(&places[third]));
        _mm_or_si128(_mm_or_si128(taken(0), taken(1)), taken(2))
    })
}

/// Two factors beside each other in every lane.
#[inline]
#[target_feature(enable = "avx2")]
fn pair([first, second]: [i16; 2]) -> __m256i {
    _mm256_set1_epi32(i32::from(second) << 16 | i32::from(first) & 0xffff)
}

/// Sixteen values of 16 bits, from 0 to 255, as bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn bytes(values: __m256i) -> __m128i {
    _mm_packus_epi16(_mm256_castsi256_si128(values), _mm256_extracti128_si256::<1>(values))
}

#[inline]
fn store(to: &mut [u8; 16], samples: __m128i) {
    // SAFETY: there is room for 16 bytes; the store needs no alignment.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), samples) };
}

#[target_feature(enable = "avx2")]
fn luma_of_row(rgb: &[u8], luma: &mut [u8]) {
    let (to, rest) = luma.as_chunks_mut::<16>();
    let done = 48 * to.len();
    for (to, pixels) in to.iter_mut().zip(rgb.as_chunks::<48>().0) {
        let [r, g, b] = colors(pixels).map(|color| _mm256_cvtepu8_epi16(color));
        // The factor of green, 38470, has no room in 16 bits: a quarter comes with blue.
        let sums = |with_red: __m256i, with_blue: __m256i| {
            let sum =
                _mm256_add_epi32(_mm256_madd_epi16(with_red, pair([19_595, 22_086])), _mm256_madd_epi16(with_blue, pair([7_471, 16_384])));
            _mm256_srai_epi32::<16>(_mm256_add_epi32(sum, _mm256_set1_epi32(1 << 15)))
        };
        let low = sums(_mm256_unpacklo_epi16(r, g), _mm256_unpacklo_epi16(b, g));
        let high = sums(_mm256_unpackhi_epi16(r, g), _mm256_unpackhi_epi16(b, g));
        store(to, bytes(_mm256_packs_epi32(low, high)));
    }
    color::luma(&rgb[done..], rest);
}

/// Chroma, blue and red, of 16 sums of `1 << MORE` pixels, where `SHIFT` is 16 more.
#[inline]
#[target_feature(enable = "avx2")]
fn differences<const MORE: u32, const SHIFT: i32>([r, g, b]: [__m256i; 3]) -> [__m128i; 2] {
    let zero = _mm256_setzero_si256();
    // The colour itself times a half: in the upper 16 bits, then shifted down by one.
    let sample = |others: __m256i, own: __m256i, factors: [i16; 2]| {
        let sum = _mm256_add_epi32(_mm256_madd_epi16(others, pair(factors)), _mm256_srli_epi32::<1>(own));
        _mm256_srai_epi32::<SHIFT>(_mm256_add_epi32(sum, _mm256_set1_epi32(offset::<MORE>())))
    };
    let all = |first: __m256i, second: __m256i, own: __m256i, factors: [i16; 2]| {
        let low = sample(_mm256_unpacklo_epi16(first, second), _mm256_unpacklo_epi16(zero, own), factors);
        let high = sample(_mm256_unpackhi_epi16(first, second), _mm256_unpackhi_epi16(zero, own), factors);
        bytes(_mm256_packs_epi32(low, high))
    };
    [all(r, g, b, BLUE), all(g, b, r, RED)]
}

#[target_feature(enable = "avx2")]
fn chroma_of_row(rgb: &[u8], [blue, red]: [&mut [u8]; 2]) {
    let (blues, rest_of_blue) = blue.as_chunks_mut::<16>();
    let (reds, rest_of_red) = red.as_chunks_mut::<16>();
    let done = 48 * blues.len();
    for ((blue, red), pixels) in blues.iter_mut().zip(reds).zip(rgb.as_chunks::<48>().0) {
        let samples = differences::<0, 16>(colors(pixels).map(|color| _mm256_cvtepu8_epi16(color)));
        store(blue, samples[0]);
        store(red, samples[1]);
    }
    color::chroma(&rgb[done..], [rest_of_blue, rest_of_red]);
}

#[target_feature(enable = "avx2")]
fn chroma_of_rows([upper, lower]: [&[u8]; 2], [blue, red]: [&mut [u8]; 2]) {
    let pixels = upper.as_chunks::<96>().0.iter().zip(lower.as_chunks::<96>().0);
    // The last sample may be of one pixel alone, and is not taken for whole.
    let whole = pixels.len();
    let (blues, rest_of_blue) = blue.split_at_mut(16 * whole);
    let (reds, rest_of_red) = red.split_at_mut(16 * whole);
    let samples = blues.as_chunks_mut::<16>().0.iter_mut().zip(reds.as_chunks_mut::<16>().0);
    for ((blue, red), (upper, lower)) in samples.zip(pixels) {
        let [[first, second], [third, fourth]] = [upper, lower].map(|row| {
            let (halves, _) = row.as_chunks::<48>();
            [colors(&halves[0]), colors(&halves[1])]
        });
        let ones = _mm_set1_epi8(1);
        let pairs = |upper: __m128i, lower: __m128i| _mm_add_epi16(_mm_maddubs_epi16(upper, ones), _mm_maddubs_epi16(lower, ones));
        let sums = std::array::from_fn(|color| _mm256_set_m128i(pairs(second[color], fourth[color]), pairs(first[color], third[color])));
        let samples = differences::<2, 18>(sums);
        store(blue, samples[0]);
        store(red, samples[1]);
    }
    color::halved_chroma([&upper[96 * whole..], &lower[96 * whole..]], [rest_of_blue, rest_of_red]);
}
