//! The samples of a component in a strip of the picture, whole blocks of them: beyond the picture its edge is repeated.

use std::iter;

use super::kernels::Kernels;

/// A strip of a component.
pub(super) struct Plane {
    /// Row by row.
    samples: Vec<u8>,
    /// Samples in a row.
    pub(super) stride: usize,
}

impl Plane {
    pub(super) fn new(stride: usize, rows: usize) -> Self {
        Self { samples: vec![0; stride * rows], stride }
    }

    /// The samples from the first of a block on: that in this column and row of blocks.
    #[inline(always)]
    pub(super) fn block(&self, column: usize, row: usize) -> &[u8] {
        &self.samples[8 * (row * self.stride + column)..]
    }

    fn row(&mut self, number: usize) -> &mut [u8] {
        &mut self.samples[number * self.stride..][..self.stride]
    }

    /// Repeats the last of `width` samples to the end of a row.
    fn widen(&mut self, number: usize, width: usize) {
        let row = self.row(number);
        let last = row[width - 1];
        row[width..].fill(last);
    }

    /// Repeats the last of so many rows to the end of the strip.
    fn lengthen(&mut self, rows: usize) {
        let last = (rows - 1) * self.stride;
        for to in (rows * self.stride..self.samples.len()).step_by(self.stride) {
            self.samples.copy_within(last..last + self.stride, to);
        }
    }
}

/// Fills the planes of a strip, luma and the two of chroma or luma alone, from rows of pixels, of which there is at least one.
pub(super) fn fill<'r, 'p>(
    kernels: Kernels,
    sampling: (usize, usize),
    mut rows: impl ExactSizeIterator<Item = &'r [u8]>,
    mut planes: impl Iterator<Item = &'p mut Plane>,
) {
    let count = rows.len();
    let Some(luma) = planes.next() else { return };
    let (Some(blue), Some(red)) = (planes.next(), planes.next()) else {
        for (number, row) in rows.enumerate() {
            luma.row(number)[..row.len()].copy_from_slice(row);
            luma.widen(number, row.len());
        }
        return luma.lengthen(count);
    };
    let mut number = 0;
    while let Some(upper) = rows.next() {
        // Of an odd number of rows the last counts twice.
        let lower = if sampling.1 == 2 { rows.next() } else { None };
        let width = upper.len() / 3;
        for row in iter::once(upper).chain(lower) {
            (kernels.luma)(row, &mut luma.row(number)[..width]);
            luma.widen(number, width);
            number += 1;
        }
        let (at, width) = ((number - 1) / sampling.1, width.div_ceil(sampling.0));
        let chroma = [&mut blue.row(at)[..width], &mut red.row(at)[..width]];
        match sampling.0 {
            2 => (kernels.halved_chroma)([upper, lower.unwrap_or(upper)], chroma),
            _ => (kernels.chroma)(upper, chroma),
        }
        blue.widen(at, width);
        red.widen(at, width);
    }
    luma.lengthen(count);
    blue.lengthen(count.div_ceil(sampling.1));
    red.lengthen(count.div_ceil(sampling.1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_are_repeated() {
        // Three rows of nine grays, each its row's number and column.
        let rows: Vec<Vec<u8>> = (1..=3).map(|row| (0..9).flat_map(|column| [10 * row + column; 3]).collect()).collect();
        for sampling in [(1, 1), (2, 1), (2, 2)] {
            let mut luma = Plane::new(16, 8 * sampling.1);
            let [mut blue, mut red] = [(); 2].map(|()| Plane::new(16, 8));
            fill(Kernels::PORTABLE, sampling, rows.iter().map(Vec::as_slice), [&mut luma, &mut blue, &mut red].into_iter());
            for y in 0..8 * sampling.1 {
                let expected: [u8; 16] = std::array::from_fn(|x| 10 * (y.min(2) as u8 + 1) + x.min(8) as u8);
                assert_eq!(luma.row(y), expected, "{sampling:?} row {y}");
            }
            assert!(blue.samples.iter().chain(&red.samples).all(|sample| *sample == 128), "{sampling:?}");
        }
    }

    #[test]
    fn gray_is_taken_as_it_is() {
        let mut luma = Plane::new(8, 8);
        fill(Kernels::PORTABLE, (1, 1), [&[1, 2, 3][..], &[4, 5, 6]].into_iter(), iter::once(&mut luma));
        let second = [4, 5, 6, 6, 6, 6, 6, 6];
        let expected = [[1, 2, 3, 3, 3, 3, 3, 3], second, second, second, second, second, second, second];
        assert_eq!(luma.samples, expected.as_flattened());
    }
}
