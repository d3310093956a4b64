//! From red, green and blue to luma and chroma (ITU-T T.871, 7), with the 16 bits after the point and the rounding of the Independent JPEG
//! Group's library. Chroma of fewer samples is that of the mean of its pixels, rounded once.

/// Bits after the point of the factors.
const POINT: u32 = 16;

/// What red, green and blue contribute to luma.
const LUMA: [i32; 3] = [19_595, 38_470, 7_471]; // 0.29900, 0.58700, 0.11400

/// What the other two colours take from chroma; its own gives a half.
pub(super) const BLUE: [i16; 2] = [-11_059, -21_709]; // red 0.16874, green 0.33126
pub(super) const RED: [i16; 2] = [-27_439, -5_329]; // green 0.41869, blue 0.08131

/// What is added to the sum of `1 << MORE` pixels before it is shifted: the middle of the range, and what rounds it.
pub(super) const fn offset<const MORE: u32>() -> i32 {
    (128 << (POINT + MORE)) + (1 << (POINT + MORE - 1)) - 1
}

/// The luma of a row, one sample for each pixel.
#[inline(always)]
pub(super) fn luma(rgb: &[u8], luma: &mut [u8]) {
    for (to, pixel) in luma.iter_mut().zip(rgb.as_chunks::<3>().0) {
        let [r, g, b] = pixel.map(i32::from);
        *to = ((LUMA[0] * r + LUMA[1] * g + LUMA[2] * b + (1 << (POINT - 1))) >> POINT) as u8;
    }
}

/// The chroma of a row, blue and red, one sample for each pixel.
#[inline(always)]
pub(super) fn chroma(rgb: &[u8], [blue, red]: [&mut [u8]; 2]) {
    for ((blue, red), pixel) in blue.iter_mut().zip(red).zip(rgb.as_chunks::<3>().0) {
        (*blue, *red) = of_sum::<0>(pixel.map(i32::from));
    }
}

/// The chroma of two rows of the same length, one sample for two pixels of each; the last pixel counts twice where it is alone.
#[inline(always)]
pub(super) fn halved_chroma([upper, lower]: [&[u8]; 2], [blue, red]: [&mut [u8]; 2]) {
    let pairs = upper.chunks(6).zip(lower.chunks(6));
    for ((blue, red), (upper, lower)) in blue.iter_mut().zip(red).zip(pairs) {
        let last = upper.len() - 3;
        let sum = |color: usize| [upper[color], upper[last + color], lower[color], lower[last + color]].map(i32::from).iter().sum();
        (*blue, *red) = of_sum::<2>(std::array::from_fn(sum));
    }
}

/// Blue and red of the mean of `1 << MORE` pixels, of which the sum is given.
#[inline(always)]
fn of_sum<const MORE: u32>([r, g, b]: [i32; 3]) -> (u8, u8) {
    let sample = |sum: i32| ((sum + offset::<MORE>()) >> (POINT + MORE)) as u8;
    let blue = i32::from(BLUE[0]) * r + i32::from(BLUE[1]) * g + (b << (POINT - 1));
    let red = i32::from(RED[0]) * g + i32::from(RED[1]) * b + (r << (POINT - 1));
    (sample(blue), sample(red))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_is_the_nearest_to_the_formula() {
        let colors = (0..=255).step_by(5).flat_map(|r| (0..=255).step_by(5).map(move |g| (r, g)));
        for (r, g) in colors {
            let rgb: Vec<u8> = (0..=255).flat_map(|b| [r, g, b]).collect();
            let [mut y, mut cb, mut cr] = [[0; 256]; 3];
            luma(&rgb, &mut y);
            chroma(&rgb, [&mut cb, &mut cr]);
            for b in 0..256 {
                let [red, green, blue] = [f64::from(r), f64::from(g), b as f64];
                let exact = 0.299 * red + 0.587 * green + 0.114 * blue;
                let expected = [exact, (blue - exact) / 1.772 + 128.0, (red - exact) / 1.402 + 128.0];
                for (found, expected) in [y[b], cb[b], cr[b]].into_iter().zip(expected) {
                    assert!((f64::from(found) - expected.min(255.0)).abs() < 0.51, "{r} {g} {b}: {found}, exactly {expected}");
                }
            }
        }
    }

    #[test]
    fn halved_chroma_is_that_of_the_mean() {
        let [mut blue, mut red] = [[0; 2]; 2];
        // The mean of the first four is (100, 50, 150), that of the last pixels (7, 7, 7), which is gray.
        let (upper, lower) = ([200, 100, 0, 0, 0, 200, 4, 7, 10], [200, 100, 200, 0, 0, 200, 10, 7, 4]);
        halved_chroma([&upper, &lower], [&mut blue, &mut red]);
        assert_eq!((blue, red), ([170, 128], [145, 128]));
    }
}
