//! What texts and watermarks share: where something lies over an image, once or again and again, and how it is blended with it.

use image::DynamicImage;

use crate::domain::pipeline::Gravity;
use crate::imaging::area::{self, EverySample, Grid, rounded};
use crate::imaging::point::{Pass, Sample, Stage};

/// Colours stay, and gray becomes colour.
const COLOURED: Stage = Stage::Matrix { rows: [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]], keeps_gray: false };

/// Makes a gray image one of colours.
pub(super) fn colour(image: &mut DynamicImage) {
    if !image.color().has_color() {
        let mut pass = Pass::default();
        pass.then(COLOURED);
        pass.run(image);
    }
}

/// Where something lies; all lengths in pixels.
pub(super) struct Placement {
    pub(super) gravity: Gravity,
    /// How far from the edges.
    pub(super) margin: u32,
    /// How far it is moved from there, to the right and down.
    pub(super) offset: (i64, i64),
    /// From the beginning of one to that of the next, to the right and down, where it is repeated; at least 1.
    pub(super) period: Option<(i64, i64)>,
}

impl Placement {
    /// Where a block begins, once or again and again: all places from the left, and all from the top.
    pub(super) fn places(&self, image: (u32, u32), block: (u32, u32)) -> [Vec<i64>; 2] {
        let room = |image: u32, block: u32| i64::from(image) - i64::from(block) - 2 * i64::from(self.margin);
        let rooms = (room(image.0, block.0), room(image.1, block.1));
        let within = self.gravity.place((saturated(rooms.0), saturated(rooms.1)));
        let axis = |place: u32, room: i64, offset: i64, image: u32, period: Option<i64>| {
            let first = i64::from(self.margin) + i64::from(place) * room.signum() + offset;
            let Some(period) = period else { return vec![first] };
            // What is drawn may reach beyond its block a little, as glyphs do.
            (-2..).map(|index| first.rem_euclid(period) + index * period).take_while(|place| *place < i64::from(image) + period).collect()
        };
        [
            axis(within.0, rooms.0, self.offset.0, image.0, self.period.map(|period| period.0)),
            axis(within.1, rooms.1, self.offset.1, image.1, self.period.map(|period| period.1)),
        ]
    }
}

fn saturated(room: i64) -> u32 {
    u32::try_from(room.unsigned_abs()).unwrap_or(u32::MAX)
}

/// Something that is laid over an image, pixel by pixel.
pub(super) trait Cover {
    /// Width and height in pixels.
    fn size(&self) -> (usize, usize);

    /// The colour (of which a gray image takes the first) and the opacity of a pixel, each from 0 to 1.
    fn pixel(&self, index: usize) -> ([f32; 3], f32);
}

/// Lays it over an image at all places from the left and from the top; what is outside is cut off.
pub(super) fn lay(image: &mut DynamicImage, cover: &impl Cover, lefts: &[i64], tops: &[i64]) {
    area::apply(image, &Stamp { cover, lefts, tops });
}

struct Stamp<'s, C> {
    cover: &'s C,
    lefts: &'s [i64],
    tops: &'s [i64],
}

impl<C: Cover> EverySample for Stamp<'_, C> {
    fn apply<T: Sample>(&self, grid: Grid<'_, T>) {
        match (grid.channels.colour, grid.channels.alpha) {
            (false, false) => self.draw::<T, 1, 1>(grid),
            (false, true) => self.draw::<T, 2, 1>(grid),
            (true, false) => self.draw::<T, 3, 3>(grid),
            (true, true) => self.draw::<T, 4, 3>(grid),
        }
    }
}

impl<C: Cover> Stamp<'_, C> {
    /// `N` samples to a pixel, of which the first `M` are colours.
    fn draw<T: Sample, const N: usize, const M: usize>(&self, grid: Grid<'_, T>) {
        let Grid { width, samples, .. } = grid;
        let pixels = samples.as_chunks_mut::<N>().0;
        let (across, down) = self.cover.size();
        for top in self.tops {
            let rows = pixels.chunks_exact_mut(width).skip(start(*top));
            for (row, covering) in rows.zip((0..down).skip(skipped(*top))) {
                for left in self.lefts {
                    for (pixel, column) in row.iter_mut().skip(start(*left)).zip((0..across).skip(skipped(*left))) {
                        let (color, alpha) = self.cover.pixel(covering * across + column);
                        if alpha > 0.0 {
                            *pixel = over::<T, N, M>(*pixel, color, alpha);
                        }
                    }
                }
            }
        }
    }
}

/// How much of what begins before the image is outside of it.
fn skipped(place: i64) -> usize {
    usize::try_from(place.min(0).unsigned_abs()).unwrap_or(usize::MAX)
}

/// Where in the image it begins.
fn start(place: i64) -> usize {
    usize::try_from(place.max(0)).unwrap_or(usize::MAX)
}

/// Source-over (Compositing and Blending Level 1, 5.1).
#[inline(always)]
fn over<T: Sample, const N: usize, const M: usize>(mut pixel: [T; N], color: [f32; 3], alpha: f32) -> [T; N] {
    let behind = if N > M { pixel[N - 1].unit() * (1.0 - alpha) } else { 1.0 - alpha };
    let whole = alpha + behind;
    if whole > 0.0 {
        for (sample, color) in pixel[..M].iter_mut().zip(color) {
            *sample = rounded((color * alpha + sample.unit() * behind) / whole);
        }
    }
    if N > M {
        pixel[N - 1] = rounded(whole);
    }
    pixel
}
