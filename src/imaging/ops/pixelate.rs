//! Large pixels.

use crate::domain::pipeline::ops::Pixelate;
use crate::imaging::area::{EverySample, Grid, load, store};
use crate::imaging::point::Sample;

impl EverySample for Pixelate {
    fn apply<T: Sample>(&self, grid: Grid<'_, T>) {
        let side = self.size.get().unsigned_abs() as usize;
        match grid.channels.count() {
            1 => pixelate::<T, 1>(grid, side),
            2 => pixelate::<T, 2>(grid, side),
            3 => pixelate::<T, 3>(grid, side),
            _ => pixelate::<T, 4>(grid, side),
        }
    }
}

/// `N` samples to a pixel. Sums have double precision: there may be a hundred million pixels in a square.
fn pixelate<T: Sample, const N: usize>(grid: Grid<'_, T>, side: usize) {
    let Grid { width, channels, samples, .. } = grid;
    let length = width * N;
    let mut row = vec![0.0; length];
    let mut sums = vec![[0.0; N]; width.div_ceil(side)];
    for band in samples.chunks_mut(side * length) {
        sums.fill([0.0; N]);
        for line in band.chunks(length) {
            load(line, channels, &mut row);
            add(&row, side, &mut sums);
        }
        let rows = band.len() / length;
        for (square, sums) in row.as_chunks_mut::<N>().0.chunks_mut(side).zip(&sums) {
            let pixels = (square.len() * rows) as f64;
            square.fill(sums.map(|sum| (sum / pixels) as f32));
        }
        let (first, others) = band.split_at_mut(length);
        store(&row, channels, first);
        others.chunks_mut(length).for_each(|line| line.copy_from_slice(first));
    }
}

/// Adds the pixels of a row to the sums of their squares.
fn add<const N: usize>(row: &[f32], side: usize, sums: &mut [[f64; N]]) {
    for (square, sums) in row.as_chunks::<N>().0.chunks(side).zip(sums) {
        for pixel in square {
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum += f64::from(*value);
            }
        }
    }
}
