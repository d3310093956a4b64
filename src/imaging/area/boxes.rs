//! A wide Gaussian as three means over boxes, one after the other. The time does not depend on how wide it is.
//!
//! The boxes are those of P. Gwosdek, S. Grewenig, A. Bruhn, J. Weickert: Theoretical Foundations of Gaussian Convolution by
//! Extended Box Filtering (2011): the pixels at both ends have a part of the weight, so that the variance is just that of the Gaussian.

use super::wide::{Loop, widest};

/// How many means there are.
const MEANS: usize = 3;

/// A box: pixels up to a radius have the same weight, the next ones on both sides a part of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExtendedBox {
    radius: usize,
    /// The weight at both ends, in that of the others.
    ends: f32,
    /// The weight of the others.
    weight: f32,
}

impl ExtendedBox {
    /// The box that gives the variance of a Gaussian when it is applied [`MEANS`] times.
    pub(super) fn gaussian(sigma: f64) -> Self {
        let variance = sigma * sigma / MEANS as f64;
        let radius = (0.5 * (12.0 * variance + 1.0).sqrt() - 0.5).floor();
        let ends = (2.0 * radius + 1.0) * (radius * (radius + 1.0) - 3.0 * variance) / (6.0 * (variance - (radius + 1.0).powi(2)));
        Self { radius: radius as usize, ends: ends as f32, weight: (1.0 / (2.0 * (radius + ends) + 1.0)) as f32 }
    }

    /// How far the pixels lie away that have a weight, for all means together.
    pub(super) fn reach(self) -> usize {
        MEANS * self.reach_of_one()
    }

    fn reach_of_one(self) -> usize {
        self.radius + 1
    }

    /// Blurs along a row of pixels with `N` samples each, which begins and ends by [`Self::reach`] pixels more than the result has.
    /// The row is overwritten.
    fn across_of<const N: usize>(self, row: &mut [f32], to: &mut [f32]) {
        let row = row.as_chunks_mut::<N>().0;
        let mut length = row.len();
        for _ in 0..MEANS {
            self.mean(&mut row[..length]);
            length -= 2 * self.reach_of_one();
        }
        to.copy_from_slice(row[..length].as_flattened());
    }

    /// See [`Self::across_of`].
    pub(super) fn across(self, row: &mut [f32], samples: usize, to: &mut [f32]) {
        match samples {
            1 => self.across_of::<1>(row, to),
            2 => self.across_of::<2>(row, to),
            3 => self.across_of::<3>(row, to),
            _ => self.across_of::<4>(row, to),
        }
    }

    /// The mean around each pixel that has enough neighbours, written from the start on: what is overwritten has been read.
    fn mean<const N: usize>(self, row: &mut [[f32; N]]) {
        let Self { radius, ends, weight } = self;
        let mut sum = [0.0; N];
        for pixel in &row[..=2 * radius] {
            add(&mut sum, pixel);
        }
        for first in 0..row.len() - 2 * self.reach_of_one() {
            let (out, next, last) = (row[first], row[first + 2 * radius + 1], row[first + 2 * radius + 2]);
            for lane in 0..N {
                sum[lane] += next[lane] - out[lane];
                row[first][lane] = weight * (sum[lane] + ends * (out[lane] + last[lane]));
            }
        }
    }
}

#[inline(always)]
fn add<const N: usize>(sum: &mut [f32; N], pixel: &[f32; N]) {
    for (sum, sample) in sum.iter_mut().zip(pixel) {
        *sum += sample;
    }
}

/// Rows that come one by one and are blurred down the columns.
pub(super) struct Down {
    means: [MeanDown; MEANS],
}

impl Down {
    pub(super) fn new(of: ExtendedBox, length: usize) -> Self {
        Self { means: std::array::from_fn(|_| MeanDown::new(of, length)) }
    }

    /// Takes a row, and gives that which lies [`ExtendedBox::reach`] rows before it.
    pub(super) fn push(&mut self, row: &[f32]) -> Option<&[f32]> {
        let [first, second, third] = &mut self.means;
        third.push(second.push(first.push(row)?)?)
    }
}

/// One of the means.
struct MeanDown {
    of: ExtendedBox,
    /// As many rows as have a weight; each takes the place of the oldest.
    rows: Vec<Vec<f32>>,
    came: usize,
    /// Of the rows that have the full weight.
    sum: Vec<f32>,
    result: Vec<f32>,
}

impl MeanDown {
    fn new(of: ExtendedBox, length: usize) -> Self {
        let zeros = vec![0.0; length];
        Self { of, rows: vec![zeros.clone(); 2 * of.reach_of_one() + 1], came: 0, sum: zeros.clone(), result: zeros }
    }

    fn push(&mut self, row: &[f32]) -> Option<&[f32]> {
        let count = self.rows.len();
        let (last, next) = (self.came % count, (self.came + count - 1) % count);
        self.rows[last].copy_from_slice(row);
        self.came += 1;
        if self.came < count {
            if self.came > 1 {
                self.sum.iter_mut().zip(&self.rows[next]).for_each(|(sum, value)| *sum += value);
            }
            return None;
        }
        let lines = [&*self.rows[self.came % count], &self.rows[next], &self.rows[last]];
        widest(Slide { of: self.of, lines, sum: &mut self.sum, to: &mut self.result });
        Some(&self.result)
    }
}

/// Moves a box on by one row: the lines are that which leaves it, that which enters it, and that which is at its end.
struct Slide<'a> {
    of: ExtendedBox,
    lines: [&'a [f32]; 3],
    sum: &'a mut [f32],
    to: &'a mut [f32],
}

impl Loop for Slide<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { of, lines: [out, next, last], sum, to } = self;
        let sums = sum.iter_mut().zip(to);
        for (((sum, to), out), (next, last)) in sums.zip(out).zip(next.iter().zip(last)) {
            *sum += next - out;
            *to = of.weight * (*sum + of.ends * (out + last));
        }
    }
}
