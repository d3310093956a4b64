//! The median of 8 bits, in a time that does not depend on the size of the square: S. Perreault, P. Hébert: Median Filtering in Constant Time
//! (IEEE Transactions on Image Processing 16, 2007). Every column has a histogram of its samples within the square's rows; that of a square
//! is their sum, moved on by adding a column and taking one off. It has two levels, and the lower one is only brought up to date where
//! the median lies.

use super::Shape;
use crate::imaging::area::wide::{Loop, widest};

/// How many columns of the result are made at a time: their histograms stay in the cache.
const STRIPE: usize = 256;

/// Counts of sixteen neighbouring levels.
type Counts = [u16; 16];

/// A histogram: how many samples begin with each of sixteen digits, and how many of these end with each of sixteen.
#[derive(Clone, Default)]
struct Histogram {
    coarse: Counts,
    fine: [Counts; 16],
}

impl Histogram {
    #[inline(always)]
    fn add(&mut self, level: u8) {
        self.coarse[usize::from(level >> 4)] += 1;
        self.fine[usize::from(level >> 4)][usize::from(level & 15)] += 1;
    }

    #[inline(always)]
    fn remove(&mut self, level: u8) {
        self.coarse[usize::from(level >> 4)] -= 1;
        self.fine[usize::from(level >> 4)][usize::from(level & 15)] -= 1;
    }
}

/// `result` has as many samples; `radius` is at most 127, so that a count has 16 bits.
pub(super) fn median(samples: &[u8], shape: Shape, radius: usize, result: &mut [u8]) {
    for channel in 0..shape.channels {
        for left in (0..shape.width).step_by(STRIPE) {
            stripe(&samples[channel..], shape, radius, left, &mut result[channel..]);
        }
    }
}

/// The columns from `left` on, of the first of the channels.
fn stripe(samples: &[u8], Shape { width, height, channels }: Shape, radius: usize, left: usize, result: &mut [u8]) {
    let right = (left + STRIPE).min(width);
    let length = width * channels;
    let place = |column: usize| (left + column).saturating_sub(radius).min(width - 1) * channels;
    let places: Vec<usize> = (0..right - left + 2 * radius).map(place).collect();
    let mut columns = vec![Histogram::default(); places.len()];
    let mut medians = vec![0; right - left];
    let row = |y: usize| &samples[y.saturating_sub(radius).min(height - 1) * length..];
    for y in 0..2 * radius {
        let row = row(y);
        columns.iter_mut().zip(&places).for_each(|(column, place)| column.add(row[*place]));
    }
    for y in 0..height {
        // Rows are counted from the first that is above the image.
        let next = row(y + 2 * radius);
        columns.iter_mut().zip(&places).for_each(|(column, place)| column.add(next[*place]));
        widest(Row { columns: &columns, side: 2 * radius + 1, medians: &mut medians });
        let last = row(y);
        columns.iter_mut().zip(&places).for_each(|(column, place)| column.remove(last[*place]));
        for (median, sample) in medians.iter().zip(result[y * length + left * channels..].iter_mut().step_by(channels)) {
            *sample = *median;
        }
    }
}

/// A row of medians; `side` columns are in the square of the first.
struct Row<'a> {
    columns: &'a [Histogram],
    side: usize,
    medians: &'a mut [u8],
}

impl Loop for Row<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { columns, side, medians } = self;
        let half = (side * side / 2) as u16;
        let mut coarse = Counts::default();
        columns[..side - 1].iter().for_each(|column| add(&mut coarse, &column.coarse));
        let mut fine = [Counts::default(); 16];
        // For each of them: the first column that it does not count.
        let mut ends = [0; 16];
        for (first, median) in medians.iter_mut().enumerate() {
            let end = first + side;
            add(&mut coarse, &columns[end - 1].coarse);
            let (upper, below) = find(&coarse, half);
            let counts = &mut fine[upper];
            if ends[upper] <= first + side / 2 {
                *counts = Counts::default();
                columns[first..end].iter().for_each(|column| add(counts, &column.fine[upper]));
            } else {
                for next in ends[upper]..end {
                    add(counts, &columns[next].fine[upper]);
                    subtract(counts, &columns[next - side].fine[upper]);
                }
            }
            ends[upper] = end;
            let (lower, _) = find(counts, half - below);
            *median = (upper * 16 + lower) as u8;
            subtract(&mut coarse, &columns[first].coarse);
        }
    }
}

#[inline(always)]
fn add(counts: &mut Counts, others: &Counts) {
    for (count, other) in counts.iter_mut().zip(others) {
        *count += other;
    }
}

#[inline(always)]
fn subtract(counts: &mut Counts, others: &Counts) {
    for (count, other) in counts.iter_mut().zip(others) {
        *count -= other;
    }
}

/// The level that has that rank, counted from 0, and how many samples are below the level.
#[inline(always)]
fn find(counts: &Counts, rank: u16) -> (usize, u16) {
    let mut below = 0;
    for (level, count) in counts.iter().enumerate() {
        if below + count > rank {
            return (level, below);
        }
        below += count;
    }
    (counts.len() - 1, below)
}
