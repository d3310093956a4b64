//! The median of 16 bits: T. Huang, G. Yang, G. Tang: A Fast Two-Dimensional Median Filtering Algorithm (IEEE Transactions on Acoustics, Speech
//! and Signal Processing 27, 1979). One histogram moves along a row, a column of samples is added and one taken off; the median is
//! looked for from where it was, in steps of 256 levels where it is far. The time goes with the side of the square.

use super::Shape;

/// `result` has as many samples.
pub(super) fn median(samples: &[u16], shape: Shape, radius: usize, result: &mut [u16]) {
    let mut window = Window::new(radius);
    for channel in 0..shape.channels {
        for y in 0..shape.height {
            window.along(&samples[channel..], shape, y, &mut result[channel..]);
        }
    }
}

/// The samples of a square.
struct Window {
    radius: usize,
    counts: Vec<u16>,
    /// Of 256 levels each.
    coarse: [u16; 256],
    /// A level near the median.
    level: usize,
    /// How many samples are below that level.
    below: u16,
}

impl Window {
    fn new(radius: usize) -> Self {
        Self { radius, counts: vec![0; 1 << 16], coarse: [0; 256], level: 0, below: 0 }
    }

    /// Makes a row of the first of the channels.
    fn along(&mut self, samples: &[u16], Shape { width, height, channels }: Shape, y: usize, result: &mut [u16]) {
        let radius = self.radius;
        let length = width * channels;
        let rows: Vec<&[u16]> = (y..=y + 2 * radius).map(|row| &samples[row.saturating_sub(radius).min(height - 1) * length..]).collect();
        // Columns are counted from the first that is left of the image.
        let place = |column: usize| column.saturating_sub(radius).min(width - 1) * channels;
        self.clear();
        (0..2 * radius).for_each(|column| self.add(&rows, place(column)));
        for (x, sample) in result[y * length..].iter_mut().step_by(channels).take(width).enumerate() {
            self.add(&rows, place(x + 2 * radius));
            *sample = self.median();
            self.remove(&rows, place(x));
        }
    }

    fn clear(&mut self) {
        self.counts.fill(0);
        self.coarse.fill(0);
        self.below = 0;
    }

    fn add(&mut self, rows: &[&[u16]], place: usize) {
        for row in rows {
            let level = usize::from(row[place]);
            self.counts[level] += 1;
            self.coarse[level >> 8] += 1;
            self.below += u16::from(level < self.level);
        }
    }

    fn remove(&mut self, rows: &[&[u16]], place: usize) {
        for row in rows {
            let level = usize::from(row[place]);
            self.counts[level] -= 1;
            self.coarse[level >> 8] -= 1;
            self.below -= u16::from(level < self.level);
        }
    }

    /// Moves on to the level that is reached by more than half of the samples.
    fn median(&mut self) -> u16 {
        let side = 2 * self.radius + 1;
        let half = (side * side / 2) as u16;
        while self.below > half {
            let many = if self.level.is_multiple_of(256) { self.coarse[(self.level >> 8) - 1] } else { 0 };
            if self.level.is_multiple_of(256) && self.below - many > half {
                (self.level, self.below) = (self.level - 256, self.below - many);
            } else {
                self.level -= 1;
                self.below -= self.counts[self.level];
            }
        }
        loop {
            let many = self.coarse[self.level >> 8];
            if self.level.is_multiple_of(256) && self.below + many <= half {
                (self.level, self.below) = (self.level + 256, self.below + many);
            } else if self.below + self.counts[self.level] <= half {
                self.below += self.counts[self.level];
                self.level += 1;
            } else {
                return self.level as u16;
            }
        }
    }
}
