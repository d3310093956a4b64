//! The inner loops that have a form for the vector instructions of a processor, chosen when a picture is decoded.

use super::block::Coefficients;
use super::color;
use super::idct;

/// One form of each. All forms give the same samples, bit for bit.
#[derive(Clone, Copy)]
pub(super) struct Kernels {
    /// See [`idct::eight`].
    pub(super) eight: fn(&Coefficients, (u8, u8)) -> [[u8; 8]; 8],
    /// See [`idct::four`].
    pub(super) four: fn(&Coefficients, (u8, u8)) -> [[u8; 4]; 4],
    /// See [`color::to_rgb`].
    pub(super) to_rgb: fn([&[u8]; 3], &mut [u8]),
}

impl Kernels {
    /// For any processor.
    pub(super) const PORTABLE: Self = Self {
        eight: |coefficients, extent| idct::eight(coefficients, extent),
        four: |coefficients, extent| idct::four(coefficients, extent),
        to_rgb: |samples, rgb| color::to_rgb(samples, rgb),
    };

    /// The fastest for this processor.
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(kernels) = super::avx2::kernels() {
            return kernels;
        }
        Self::PORTABLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_transforms_to_the_same_samples() {
        let mut random = fastrand::Rng::with_seed(3);
        for round in 0..20_000 {
            let largest = [20, 300, 2_000, i16::MAX][round % 4];
            let (rows, columns) = (random.usize(1..=8), random.usize(1..=8));
            let mut coefficients = [0; 64];
            for (place, value) in coefficients.iter_mut().enumerate() {
                if place / 8 < rows && place % 8 < columns && random.bool() {
                    *value = random.i16(-largest..=largest);
                }
            }
            let (rows, columns) = (rows as u8, columns as u8);
            let (best, portable) = (Kernels::detect(), Kernels::PORTABLE);
            assert_eq!((best.four)(&coefficients, (rows, columns)), (portable.four)(&coefficients, (rows, columns)), "{coefficients:?}");
            assert_eq!((best.eight)(&coefficients, (rows, columns)), (portable.eight)(&coefficients, (rows, columns)), "{coefficients:?}");
        }
    }

    #[test]
    fn every_form_gives_every_colour_and_length_the_same_pixels() {
        let all: Vec<u8> = (0..=255).collect();
        for (blue, luma) in (0..=255).flat_map(|blue| (0..=255).step_by(15).map(move |luma| (blue, luma))) {
            let count = 256 - usize::from(luma) / 6;
            let samples = [&[luma; 256], &[blue; 256], all.as_slice()];
            let [found, expected] = [Kernels::detect(), Kernels::PORTABLE].map(|kernels| {
                let mut rgb = vec![0; 3 * count];
                (kernels.to_rgb)(samples, &mut rgb);
                rgb
            });
            assert!(found == expected, "luma {luma}, blue {blue}, {count} pixels");
        }
    }
}
