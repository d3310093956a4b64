//! The median of nine: three columns are sorted; then it is the median of the largest of the lowest, the median of the middle ones
//! and the smallest of the highest. There is nothing but minima and maxima, many at a time.

use super::Shape;
use crate::imaging::area::wide::{Loop, widest};

/// `result` has as many samples.
pub(super) fn median<T: Ord + Copy + Default>(samples: &[T], Shape { width, height, channels }: Shape, result: &mut [T]) {
    let length = width * channels;
    // Each begins and ends with a pixel more.
    let mut sorted: [Vec<T>; 3] = std::array::from_fn(|_| vec![T::default(); length + 2 * channels]);
    for (y, to) in result.chunks_exact_mut(length).enumerate() {
        let rows = [y.saturating_sub(1), y, (y + 1).min(height - 1)].map(|y| &samples[y * length..][..length]);
        widest(SortColumns { rows, sorted: sorted.each_mut().map(|line| &mut line[channels..][..length]) });
        for line in &mut sorted {
            line.copy_within(channels..2 * channels, 0);
            line.copy_within(length..length + channels, length + channels);
        }
        widest(MedianOfColumns { sorted: sorted.each_ref().map(Vec::as_slice), channels, to });
    }
}

#[inline(always)]
fn middle<T: Ord + Copy>(a: T, b: T, c: T) -> T {
    a.min(b).max(a.max(b).min(c))
}

/// All slices have the same length.
struct SortColumns<'a, T> {
    rows: [&'a [T]; 3],
    sorted: [&'a mut [T]; 3],
}

impl<T: Ord + Copy> Loop for SortColumns<'_, T> {
    #[inline(always)]
    fn run(self) {
        let Self { rows: [a, b, c], sorted: [low, mid, high] } = self;
        for ((a, b), (c, ((low, mid), high))) in a.iter().zip(b).zip(c.iter().zip(low.iter_mut().zip(mid).zip(high))) {
            *low = *a.min(b).min(c);
            *mid = *middle(a, b, c);
            *high = *a.max(b).max(c);
        }
    }
}

/// The sorted columns have a pixel more at both ends than the result.
struct MedianOfColumns<'a, T> {
    sorted: [&'a [T]; 3],
    channels: usize,
    to: &'a mut [T],
}

impl<T: Ord + Copy> Loop for MedianOfColumns<'_, T> {
    #[inline(always)]
    fn run(self) {
        let Self { sorted, channels, to } = self;
        let count = to.len();
        let [low, mid, high] = sorted.map(|line| [&line[..count], &line[channels..][..count], &line[2 * channels..][..count]]);
        for (index, to) in to.iter_mut().enumerate() {
            let of = |line: [&[T]; 3]| (line[0][index], line[1][index], line[2][index]);
            let ((a, b, c), (d, e, f), (g, h, i)) = (of(low), of(mid), of(high));
            *to = middle(a.max(b).max(c), middle(d, e, f), g.min(h).min(i));
        }
    }
}
