//! The inner loops that have a form for the vector instructions of a processor, chosen when a file is begun.

use super::color;
use super::dct::{self, Block};
use super::quantisation::Steps;

/// One form of each. All forms give the same results, bit for bit.
#[derive(Clone, Copy)]
pub(super) struct Kernels {
    /// See [`dct::transform`].
    pub(super) transform: fn(&[u8], usize, &Steps) -> Block,
    /// See [`color::luma`].
    pub(super) luma: fn(&[u8], &mut [u8]),
    /// See [`color::chroma`].
    pub(super) chroma: fn(&[u8], [&mut [u8]; 2]),
    /// See [`color::halved_chroma`].
    pub(super) halved_chroma: fn([&[u8]; 2], [&mut [u8]; 2]),
}

impl Kernels {
    /// For any processor.
    pub(super) const PORTABLE: Self = Self {
        transform: |samples, stride, steps| dct::transform(samples, stride, steps),
        luma: |rgb, luma| color::luma(rgb, luma),
        chroma: |rgb, chroma| color::chroma(rgb, chroma),
        halved_chroma: |rows, chroma| color::halved_chroma(rows, chroma),
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
    fn every_form_transforms_to_the_same_coefficients() {
        let mut random = fastrand::Rng::with_seed(3);
        let (best, portable) = (Kernels::detect(), Kernels::PORTABLE);
        for round in 0..20_000 {
            let stride = [8, 24, 100][round % 3];
            let largest = [255, 30, 2][round / 3 % 3];
            let samples: Vec<u8> =
                (0..7 * stride + 8).map(|_| if round % 7 == 0 { 255 * random.u8(0..2) } else { random.u8(0..=largest) }).collect();
            let steps = Steps::new(&std::array::from_fn(|_| random.u8(1..=[1, 20, 255][round % 3])));
            assert_eq!((best.transform)(&samples, stride, &steps), (portable.transform)(&samples, stride, &steps));
        }
    }

    #[test]
    fn every_form_gives_rows_of_every_colour_and_length_the_same_samples() {
        let mut random = fastrand::Rng::with_seed(4);
        for round in 0..40_000 {
            let count = random.usize(1..100);
            let mut row = || -> Vec<u8> {
                let extreme = random.bool();
                (0..3 * count).map(|_| if extreme { 255 * random.u8(0..2) } else { random.u8(..) }).collect()
            };
            let (upper, lower) = (row(), row());
            let [found, expected] = [Kernels::detect(), Kernels::PORTABLE].map(|kernels| {
                let mut planes = vec![vec![0; count]; 5];
                let [luma, blue, red, halved_blue, halved_red] = &mut *planes else { unreachable!("there are five") };
                (kernels.luma)(&upper, luma);
                (kernels.chroma)(&upper, [blue, red]);
                let half = count.div_ceil(2);
                (kernels.halved_chroma)([&upper, &lower], [&mut halved_blue[..half], &mut halved_red[..half]]);
                planes
            });
            assert!(found == expected, "{round}: {count} pixels");
        }
    }
}
