//! From luma and chroma to red, green and blue (ITU-T T.871, 7), with the 16 bits after the point and the rounding of the
//! Independent JPEG Group's library.

/// Pixels at a time.
const LANES: usize = 16;

/// The fraction as 16 bits after the point. Factors beyond a half are written as a whole number and the rest, so that they
/// fit multiplications of 16 bits.
pub(super) const CR_TO_RED: i16 = 26_345; // 1.40200 - 1
pub(super) const CB_TO_GREEN: i16 = -22_554; // -0.34414
pub(super) const CR_TO_GREEN: i16 = 18_734; // -0.71414 + 1
pub(super) const CB_TO_BLUE: i16 = -14_942; // 1.77200 - 2

/// Converts a row. `rgb` has three bytes for each pixel; the samples are at least as many as the pixels.
#[inline(always)]
pub(super) fn to_rgb([luma, blue, red]: [&[u8]; 3], rgb: &mut [u8]) {
    let (chunks, rest) = rgb.as_chunks_mut::<{ 3 * LANES }>();
    let done = chunks.len() * LANES;
    let samples = luma.as_chunks::<LANES>().0.iter().zip(blue.as_chunks::<LANES>().0).zip(red.as_chunks::<LANES>().0);
    for (to, ((luma, blue), red)) in chunks.iter_mut().zip(samples) {
        *to = pixels(luma, blue, red);
    }
    if !rest.is_empty() {
        let count = rest.len() / 3;
        let last = |samples: &[u8]| {
            let mut lanes = [0; LANES];
            lanes[..count].copy_from_slice(&samples[done..done + count]);
            lanes
        };
        rest.copy_from_slice(&pixels(&last(luma), &last(blue), &last(red))[..3 * count]);
    }
}

#[inline(always)]
fn pixels(luma: &[u8; LANES], blue: &[u8; LANES], red: &[u8; LANES]) -> [u8; 3 * LANES] {
    let mut packed = [0u32; LANES];
    for (((packed, y), cb), cr) in packed.iter_mut().zip(luma).zip(blue).zip(red) {
        let (y, cb, cr) = (i16::from(*y), i16::from(*cb) - 128, i16::from(*cr) - 128);
        let of = |chroma: i16, factor: i16| i32::from(chroma) * i32::from(factor);
        let rounded = |sum: i32| ((sum + (1 << 15)) >> 16) as i16;
        let r = y + cr + rounded(of(cr, CR_TO_RED));
        let g = y - cr + rounded(of(cb, CB_TO_GREEN) + of(cr, CR_TO_GREEN));
        let b = y + 2 * cb + rounded(of(cb, CB_TO_BLUE));
        let byte = |value: i16| u32::from(value.clamp(0, 255) as u8);
        *packed = byte(r) | byte(g) << 8 | byte(b) << 16;
    }
    // Four bytes are written for each pixel; the next one takes the fourth.
    let mut bytes = [0; 3 * LANES + 1];
    for (index, pixel) in packed.iter().enumerate() {
        bytes[3 * index..3 * index + 4].copy_from_slice(&pixel.to_le_bytes());
    }
    let (pixels, _) = bytes.split_first_chunk().expect("one byte more than there are samples");
    *pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_is_the_nearest_to_the_formula() {
        let all: Vec<u8> = (0..=255).collect();
        for y in all.iter().copied().step_by(17) {
            for cb in &all {
                let mut rgb = [0; 3 * 256];
                to_rgb([&[y; 256], &[*cb; 256], &all], &mut rgb);
                for (cr, pixel) in rgb.as_chunks::<3>().0.iter().enumerate() {
                    let (y, cb, cr) = (f64::from(y), f64::from(*cb) - 128.0, cr as f64 - 128.0);
                    let exact = [y + 1.402 * cr, y - 0.344_136_286 * cb - 0.714_136_286 * cr, y + 1.772 * cb];
                    for (found, exact) in pixel.iter().zip(exact) {
                        let off = (f64::from(*found) - exact.clamp(0.0, 255.0)).abs();
                        assert!(off < 0.51, "{y} {cb} {cr}: {pixel:?}, exactly {exact}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_row_of_any_length_is_converted_to_its_end() {
        for count in 0..50 {
            let samples = [vec![100; count + 1], vec![90; count + 1], vec![200; count + 1]];
            let mut rgb = vec![0; 3 * count];
            to_rgb([&samples[0], &samples[1], &samples[2]], &mut rgb);
            assert!(rgb.as_chunks::<3>().0.iter().all(|pixel| *pixel == [201, 62, 33]), "{count}: {rgb:?}");
        }
    }
}
