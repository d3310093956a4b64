//! The Gaussian as it is: every pixel is the weighted sum of its neighbours. The time goes with the size of the kernel.

use super::wide::{Loop, widest};

/// How many sums stay in the registers of the processor at a time.
const LANES: usize = 32;

/// A symmetric kernel: the weight of the middle, then those of both neighbours at each distance.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    weights: Vec<f32>,
}

impl Kernel {
    /// `sigma` in pixels, above 0; the weights reach as far as so many of it.
    pub(super) fn gaussian(sigma: f64, reach: f64) -> Self {
        let last = (reach * sigma).ceil() as i32;
        let bell = |distance: i32| (-0.5 * (f64::from(distance) / sigma).powi(2)).exp();
        let sum = bell(0) + 2.0 * (1..=last).map(bell).sum::<f64>();
        Self { weights: (0..=last).map(|distance| (bell(distance) / sum) as f32).collect() }
    }

    /// The distance of the farthest neighbours that have a weight.
    pub(super) fn reach(&self) -> usize {
        self.weights.len() - 1
    }

    /// Blurs along a row of pixels with so many samples each, which begins and ends by [`Self::reach`] pixels more than the result has.
    pub(super) fn across(&self, from: &[f32], samples: usize, to: &mut [f32]) {
        let lines: Vec<&[f32]> = (0..=2 * self.reach()).map(|shift| &from[shift * samples..][..to.len()]).collect();
        widest(WeightedSum { lines: &lines, weights: &self.weights, to });
    }
}

/// Rows that come one by one and are blurred down the columns.
pub(super) struct Down<'k> {
    kernel: &'k Kernel,
    /// As many rows as there are weights on both sides; each takes the place of the oldest.
    rows: Vec<Vec<f32>>,
    came: usize,
    result: Vec<f32>,
}

impl<'k> Down<'k> {
    pub(super) fn new(kernel: &'k Kernel, length: usize) -> Self {
        Self { kernel, rows: vec![vec![0.0; length]; 2 * kernel.reach() + 1], came: 0, result: vec![0.0; length] }
    }

    /// Takes a row, and gives that which lies [`Kernel::reach`] rows before it.
    pub(super) fn push(&mut self, row: &[f32]) -> Option<&[f32]> {
        let count = self.rows.len();
        self.rows[self.came % count].copy_from_slice(row);
        self.came += 1;
        if self.came < count {
            return None;
        }
        let lines: Vec<&[f32]> = (0..count).map(|age| &*self.rows[(self.came + age) % count]).collect();
        widest(WeightedSum { lines: &lines, weights: &self.kernel.weights, to: &mut self.result });
        Some(&self.result)
    }
}

/// Lines of equal length, an odd number of them; the weights are those from the middle one outwards.
struct WeightedSum<'a> {
    lines: &'a [&'a [f32]],
    weights: &'a [f32],
    to: &'a mut [f32],
}

impl Loop for WeightedSum<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { lines, weights, to } = self;
        let (chunks, rest) = to.as_chunks_mut::<LANES>();
        for (index, chunk) in chunks.iter_mut().enumerate() {
            *chunk = sums(lines, weights, index * LANES);
        }
        let start = chunks.len() * LANES;
        for (index, value) in rest.iter_mut().enumerate() {
            [*value] = sums(lines, weights, start + index);
        }
    }
}

/// The sums of so many columns from one on.
#[inline(always)]
fn sums<const N: usize>(lines: &[&[f32]], weights: &[f32], start: usize) -> [f32; N] {
    let at = |line: &[f32]| *line[start..].first_chunk::<N>().expect("a line is as long as the result");
    let middle = lines.len() / 2;
    let mut sums = at(lines[middle]).map(|value| value * weights[0]);
    for (distance, weight) in weights.iter().enumerate().skip(1) {
        let (before, after) = (at(lines[middle - distance]), at(lines[middle + distance]));
        for lane in 0..N {
            sums[lane] += (before[lane] + after[lane]) * weight;
        }
    }
    sums
}
