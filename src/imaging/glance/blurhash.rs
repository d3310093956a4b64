//! BlurHash: a few cosines of an image in a few characters. Written from the specification at
//! <https://github.com/woltapp/blurhash/blob/master/Algorithm.md>, with its cosines, whose waves begin in the first pixel.

use std::f64::consts::PI;

use crate::domain::probe::BlurHash;

/// Waves along the longer side and along the shorter one: what the specification proposes.
const COMPONENTS: (usize, usize) = (4, 3);

/// Encodes an image of sRGB pixels, at least one, row by row.
pub(super) fn encode(pixels: &[[u8; 3]], (width, height): (u32, u32)) -> BlurHash {
    let (longer, shorter) = COMPONENTS;
    let (across, down) = if width >= height { (longer, shorter) } else { (shorter, longer) };
    let factors = factors(pixels, (width as usize, height as usize), (across, down));
    let (dc, ac) = factors.split_first().expect("there are twelve components");
    let largest = ac.iter().flatten().fold(0.0_f64, |largest, factor| largest.max(factor.abs()));
    let scale = (largest * 166.0 - 0.5).floor().clamp(0.0, 82.0) as u32;
    let mut text = String::new();
    push(&mut text, (across - 1 + (down - 1) * 9) as u32, 1);
    push(&mut text, scale, 1);
    push(&mut text, dc.map(curved).into_iter().fold(0, |number, channel| number << 8 | channel), 4);
    let largest = f64::from(scale + 1) / 166.0;
    for factor in ac {
        let quantised = factor.map(|channel| {
            let share = channel / largest;
            (share.abs().sqrt().copysign(share) * 9.0 + 9.5).floor().clamp(0.0, 18.0) as u32
        });
        push(&mut text, quantised.into_iter().fold(0, |number, channel| number * 19 + channel), 2);
    }
    text.try_into().expect("as many digits were pushed as there are components")
}

/// The mean of each wave times the image in linear light, the waves across first.
fn factors(pixels: &[[u8; 3]], (width, height): (usize, usize), (across, down): (usize, usize)) -> Vec<[f64; 3]> {
    let levels: Vec<f64> = (0..=255_u8).map(linear).collect();
    let waves = |count: usize, length: usize| -> Vec<Vec<f64>> {
        let wave = |number: usize| (0..length).map(move |at| (PI * (number * at) as f64 / length as f64).cos()).collect();
        (0..count).map(wave).collect()
    };
    let (columns, rows) = (waves(across, width), waves(down, height));
    let mut factors = Vec::with_capacity(across * down);
    for down in &rows {
        for across in &columns {
            let mut sum = [0.0; 3];
            for (row, of_row) in pixels.chunks_exact(width).zip(down) {
                for (pixel, of_column) in row.iter().zip(across) {
                    sum.iter_mut().zip(pixel).for_each(|(sum, level)| *sum += of_row * of_column * levels[usize::from(*level)]);
                }
            }
            let share = if factors.is_empty() { 1.0 } else { 2.0 } / (width * height) as f64;
            factors.push(sum.map(|sum| sum * share));
        }
    }
    factors
}

/// The last `digits` digits of a number to the base of 83.
fn push(text: &mut String, number: u32, digits: u32) {
    let alphabet = BlurHash::ALPHABET;
    text.extend((0..digits).rev().map(|place| char::from(alphabet[(number / 83_u32.pow(place) % 83) as usize])));
}

/// From sRGB to linear light, 0 to 1 (IEC 61966-2-1).
fn linear(level: u8) -> f64 {
    let value = f64::from(level) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// And back.
fn curved(value: f64) -> u32 {
    let value = value.clamp(0.0, 1.0);
    let value = if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
    (value * 255.0 + 0.5) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a few lines of Python make of the same pixels by the formulas of the specification.
    #[test]
    fn hashes_are_those_of_the_specification() {
        let picture = |width: u32, height: u32| -> Vec<[u8; 3]> {
            let at = |index: u32| (index % width, index / width);
            let pixel = |(x, y): (u32, u32)| [x * 83, y * 121, (x + y) * 47].map(|level| (level % 256) as u8);
            (0..width * height).map(at).map(pixel).collect()
        };
        assert_eq!(encode(&picture(4, 3), (4, 3)).as_str(), "LxIYB*7.A,^k:DIqN[#EdFeZfTeU");
        assert_eq!(encode(&[[255; 3]; 12], (4, 3)).as_str(), "L~TSUA~qfQ~q~q%MfQ%MfQfQfQfQ");
        assert_eq!(encode(&picture(3, 5), (3, 5)).as_str(), "ThCu*4LwA+vfV;SJdXeGfUvFV#SK");
    }

    #[test]
    fn one_pixel_has_a_hash() {
        assert_eq!(&encode(&[[1, 2, 3]], (1, 1)).as_str()[2..6], "09m+");
    }
}
