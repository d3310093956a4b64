//! The part with the most information, as libvips looks for it (`vips_smartcrop`, `VIPS_INTERESTING_ENTROPY`): of two opposite sides a slice
//! is cut off where the values are spread the least, again and again, until the size is reached.

use super::Miniature;

/// How many slices it takes along the axis that loses the most.
const SLICES: usize = 8;

/// Where the part begins along each axis, as a portion of the room that it leaves. Its sides are portions of the whole.
pub(super) fn find(miniature: &Miniature, (width, height): (f64, f64)) -> (f64, f64) {
    let samples = |portion: f64, of: usize| ((portion * of as f64).round() as usize).clamp(1, of);
    let mut across = Side::new(miniature.width, samples(width, miniature.width));
    let mut down = Side::new(miniature.height, samples(height, miniature.height));
    let slice = across.excess().max(down.excess()).div_ceil(SLICES);
    while across.excess() > 0 || down.excess() > 0 {
        let [first, last] = across.ends(slice).map(|x| entropy(miniature, x, down.left()));
        across.cut(slice, first, last);
        let [first, last] = down.ends(slice).map(|y| entropy(miniature, across.left(), y));
        down.cut(slice, first, last);
    }
    (across.place(), down.place())
}

/// What is left of a side.
struct Side {
    whole: usize,
    goal: usize,
    begin: usize,
    end: usize,
}

type Span = std::ops::Range<usize>;

impl Side {
    fn new(whole: usize, goal: usize) -> Self {
        Self { whole, goal, begin: 0, end: whole }
    }

    fn left(&self) -> Span {
        self.begin..self.end
    }

    /// How much is still to be cut off.
    fn excess(&self) -> usize {
        self.end - self.begin - self.goal
    }

    /// The slices that may be cut off next: empty where none is to be.
    fn ends(&self, slice: usize) -> [Span; 2] {
        let slice = slice.min(self.excess());
        [self.begin..self.begin + slice, self.end - slice..self.end]
    }

    /// Cuts off the one that scores less; where both score the same, the one of which less was cut before.
    fn cut(&mut self, slice: usize, first: f64, last: f64) {
        let slice = slice.min(self.excess());
        let even = self.begin <= self.whole - self.end;
        if first < last || (first == last && even) {
            self.begin += slice;
        } else {
            self.end -= slice;
        }
    }

    fn place(&self) -> f64 {
        match self.whole - self.goal {
            0 => 0.5,
            room => self.begin as f64 / room as f64,
        }
    }
}

/// Shannon's, in bits, of how often each of 256 levels occurs in the red, green and blue of a part.
fn entropy(miniature: &Miniature, columns: Span, rows: Span) -> f64 {
    let mut counts = [0_u32; 256];
    for row in miniature.pixels.chunks_exact(miniature.width).take(rows.end).skip(rows.start) {
        for value in row[columns.clone()].as_flattened() {
            counts[(value * 255.0 + 0.5) as usize & 255] += 1;
        }
    }
    let total = f64::from(counts.iter().sum::<u32>());
    let occurring = counts.into_iter().filter(|count| *count > 0).map(|count| f64::from(count) / total);
    -occurring.map(|part| part * part.log2()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entropy_of_equally_frequent_levels_is_the_logarithm_of_their_number() {
        let of = |levels: usize| {
            let pixels = (0..64).map(|pixel| [(pixel % levels) as f32 / 255.0; 3]).collect();
            entropy(&Miniature { width: 8, height: 8, pixels }, 0..8, 0..8)
        };
        assert_eq!(of(1), 0.0);
        assert!((of(4) - 2.0).abs() < 1e-12 && (of(64) - 6.0).abs() < 1e-12);
    }
}
