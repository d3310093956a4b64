//! Operations that are made of a Gaussian.

use crate::domain::pipeline::ops::{Blur, Sharpen};
use crate::imaging::area::{EverySample, Gaussian, Grid, rounded, visible};
use crate::imaging::point::{Channels, Sample};

impl EverySample for Blur {
    fn apply<T: Sample>(&self, grid: Grid<'_, T>) {
        Gaussian { sigma: self.sigma.get().into() }.blur(grid);
    }
}

impl EverySample for Sharpen {
    fn apply<T: Sample>(&self, grid: Grid<'_, T>) {
        let mask = Mask { amount: self.amount.get(), threshold: self.threshold.get() / 100.0 };
        let gaussian = Gaussian { sigma: self.sigma.get().into() };
        gaussian.over(grid, |blurred, samples, channels| mask.apply(blurred, samples, channels));
    }
}

/// What is added to colours, by their difference from the blurred ones.
#[derive(Clone, Copy)]
struct Mask {
    amount: f32,
    /// Of the difference, 1 being the full range.
    threshold: f32,
}

impl Mask {
    fn apply<T: Sample>(self, blurred: &[f32], samples: &mut [T], channels: Channels) {
        match (channels.colour, channels.alpha) {
            (_, false) => samples.iter_mut().zip(blurred).for_each(|(sample, blurred)| *sample = self.sharper(*sample, *blurred)),
            (false, true) => self.apply_with_alpha::<T, 2>(blurred, samples),
            (true, true) => self.apply_with_alpha::<T, 4>(blurred, samples),
        }
    }

    fn apply_with_alpha<T: Sample, const N: usize>(self, blurred: &[f32], samples: &mut [T]) {
        for (pixel, blurred) in samples.as_chunks_mut::<N>().0.iter_mut().zip(blurred.as_chunks::<N>().0) {
            let factor = visible::<T>(blurred[N - 1]);
            for (sample, blurred) in pixel[..N - 1].iter_mut().zip(blurred) {
                *sample = self.sharper(*sample, *blurred * factor);
            }
        }
    }

    #[inline(always)]
    fn sharper<T: Sample>(self, sample: T, blurred: f32) -> T {
        let value = sample.unit();
        let difference = value - blurred;
        let added = if difference.abs() < self.threshold { 0.0 } else { self.amount * difference };
        rounded(value + added)
    }
}
