//! The part that draws the eye, by the features of libvips (`vips_smartcrop`, `VIPS_INTERESTING_ATTENTION`): edges of the luma by
//! Laplace's operator, strong colours, and skin, whose hue it has from smartcrop.js (J. Wagner, 2014). The image is divided into a few cells
//! that are scored; the part whose middle has the highest scores is taken.
//!
//! Two things are otherwise than there: a colour counts by how much stronger it is than the mean of the image, so that a sky or a meadow does
//! not win by its area, and all cells of a part have a weight that falls towards its sides, instead of a blur around the one best cell.

use super::Miniature;
use crate::imaging::point::LUMA;

/// How many cells there are along a side, at most.
const CELLS: usize = 64;

/// What edges count, colours and skin having 1.
const EDGES: f32 = 5.0;

/// The luma below which colours and skin are not looked for.
const DARK: f32 = 0.25;

/// Red, green and blue of skin, as a vector of length 1.
const SKIN: [f32; 3] = [0.78, 0.57, 0.44];

/// How far a colour may be from that.
const SKIN_RADIUS: f32 = 0.2;

/// Where the part begins along each axis, as a portion of the room that it leaves. Its sides are portions of the whole.
pub(super) fn find(miniature: &Miniature, (width, height): (f64, f64)) -> (f64, f64) {
    let cells = Cells::of(miniature);
    let scores = cells.scores();
    let (across, down) = (places(cells.width, width), places(cells.height, height));
    let rows = scores.chunks_exact(cells.width).map(|row| across.iter().map(|place| place.mean(row)).collect()).collect::<Vec<Vec<f64>>>();
    let mut best = (f64::MIN, f64::MAX, (0.5, 0.5));
    for (index, x) in across.iter().enumerate() {
        let column: Vec<f32> = rows.iter().map(|row| row[index] as f32).collect();
        for y in &down {
            let (score, off) = (y.mean(&column), (x.portion - 0.5).hypot(y.portion - 0.5));
            // What differs by rounding alone is the same; then the middle is better.
            let same = (score - best.0).abs() <= best.0.abs() * 1e-5;
            if if same { off < best.1 } else { score > best.0 } {
                best = (score, off, (x.portion, y.portion));
            }
        }
    }
    best.2
}

/// The means of parts of an image, row after row.
struct Cells {
    width: usize,
    height: usize,
    colours: Vec<[f32; 3]>,
}

impl Cells {
    fn of(miniature: &Miniature) -> Self {
        let (width, height) = (miniature.width.min(CELLS), miniature.height.min(CELLS));
        let mut sums = vec![([0.0; 3], 0.0); width * height];
        for (y, row) in miniature.pixels.chunks_exact(miniature.width).enumerate() {
            for (x, pixel) in row.iter().enumerate() {
                let (sum, count) = &mut sums[y * height / miniature.height * width + x * width / miniature.width];
                sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
                *count += 1.0;
            }
        }
        Self { width, height, colours: sums.into_iter().map(|(sum, count)| sum.map(|sum| sum / count)).collect() }
    }

    /// How much each draws the eye.
    fn scores(&self) -> Vec<f32> {
        let lumas: Vec<f32> = self.colours.iter().map(luma).collect();
        let mean = self.colours.iter().map(saturation).sum::<f32>() / self.colours.len() as f32;
        let score = |(index, colour): (usize, &[f32; 3])| {
            let seen = if lumas[index] < DARK { 0.0 } else { (saturation(colour) - mean).max(0.0) + skin(colour) };
            EDGES * self.edge(&lumas, (index % self.width, index / self.width)) + seen
        };
        self.colours.iter().enumerate().map(score).collect()
    }

    /// By how much a cell's luma differs from that of its four neighbours; beyond the sides there are the same cells again.
    fn edge(&self, lumas: &[f32], (x, y): (usize, usize)) -> f32 {
        let at = |x: usize, y: usize| lumas[y.min(self.height - 1) * self.width + x.min(self.width - 1)];
        let around = at(x.saturating_sub(1), y) + at(x + 1, y) + at(x, y.saturating_sub(1)) + at(x, y + 1);
        (4.0 * at(x, y) - around).abs()
    }
}

fn luma(colour: &[f32; 3]) -> f32 {
    colour.iter().zip(LUMA).map(|(value, weight)| value * weight).sum()
}

/// From 0 (gray) to 1.
fn saturation([r, g, b]: &[f32; 3]) -> f32 {
    r.max(*g).max(*b) - r.min(*g).min(*b)
}

/// How much a colour is that of skin, whatever its lightness, from 0 to 1.
fn skin(colour: &[f32; 3]) -> f32 {
    let length = |of: [f32; 3]| of.iter().map(|value| value * value).sum::<f32>().sqrt();
    let scale = 1.0 / length(*colour).max(f32::MIN_POSITIVE);
    let distance = length(std::array::from_fn(|channel| colour[channel] * scale - SKIN[channel]));
    (1.0 - distance / SKIN_RADIUS).max(0.0)
}

/// A place of the part along an axis.
struct Place {
    /// Of the room that the part leaves.
    portion: f64,
    /// The first cell that has a weight, and the weights, whose sum is 1.
    first: usize,
    weights: Vec<f64>,
}

/// The places that are tried for a part that covers such a portion of so many cells.
fn places(cells: usize, portion: f64) -> Vec<Place> {
    let length = portion * cells as f64;
    let room = cells as f64 - length;
    let steps = room.ceil() as usize;
    if steps == 0 {
        return vec![Place::new(0.5, 0.0, length, cells)];
    }
    (0..=steps).map(|step| step as f64 / steps as f64).map(|portion| Place::new(portion, portion * room, length, cells)).collect()
}

impl Place {
    /// The weights are those of a parabola over the part, 1 in its middle and 0 at its sides.
    fn new(portion: f64, start: f64, length: f64, cells: usize) -> Self {
        let middle = start + length / 2.0;
        let first = (start.floor() as usize).min(cells - 1);
        let last = ((start + length).ceil() as usize).clamp(first + 1, cells);
        // A part of less than a cell has that cell.
        let half = (length / 2.0).max(1.0);
        let weight = |cell: usize| (1.0 - ((cell as f64 + 0.5 - middle) / half).powi(2)).max(1e-9);
        let weights: Vec<f64> = (first..last).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        Self { portion, first, weights: weights.into_iter().map(|weight| weight / sum).collect() }
    }

    fn mean(&self, values: &[f32]) -> f64 {
        self.weights.iter().zip(&values[self.first..]).map(|(weight, value)| weight * f64::from(*value)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skin_is_found_in_any_light_and_nothing_else_is() {
        for colour in [[0.94, 0.76, 0.62], [0.55, 0.38, 0.29], [0.35, 0.25, 0.19]] {
            assert!(skin(&colour) > 0.4, "{colour:?}: {}", skin(&colour));
        }
        for colour in [[1.0; 3], [0.5; 3], [0.0; 3], [0.3, 0.6, 0.2], [0.2, 0.4, 0.9], [1.0, 0.0, 0.0]] {
            assert!(skin(&colour) == 0.0, "{colour:?}: {}", skin(&colour));
        }
    }

    #[test]
    fn the_places_of_a_part_reach_from_side_to_side() {
        let places = places(64, 0.3);
        assert_eq!((places[0].portion, places[0].first), (0.0, 0));
        let last = places.last().unwrap();
        assert_eq!((last.portion, last.first + last.weights.len()), (1.0, 64));
        assert!(places.iter().all(|place| (place.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9));
    }
}
