//! Texts over an image.

use image::DynamicImage;

use crate::domain::pipeline::ops::Caption;
use crate::imaging::ImagingError;
use crate::imaging::area::{self, EverySample, Grid, rounded};
use crate::imaging::point::{Pass, Sample, Stage};
use crate::imaging::text::{Block, Mask};

/// Colours stay, and gray becomes colour.
const COLOURED: Stage = Stage::Matrix { rows: [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]], keeps_gray: false };

pub(super) fn caption(image: &mut DynamicImage, step: &Caption) -> Result<(), ImagingError> {
    let shorter = image.width().min(image.height());
    let em = step.size.along(shorter).max(1);
    let block = Block::new(step.text.as_str(), em as f32, step.gravity).map_err(|missing| {
        ImagingError::Operation(format!("text: the font has no glyph for {:?} (U+{:04X})", missing.0, u32::from(missing.0)))
    })?;
    if !step.keeps_gray() && !image.color().has_color() {
        let mut pass = Pass::default();
        pass.then(COLOURED);
        pass.run(image);
    }
    let size = (image.width(), image.height());
    let margin = step.margin.along(shorter);
    let [lefts, tops] = places(step, size, block.size, margin, em);
    for mask in block.masks() {
        for (left, top) in tops.iter().flat_map(|top| lefts.iter().map(move |left| (left, top))) {
            let place = (left + mask.place.0, top + mask.place.1);
            area::apply(image, &Stamp { mask: &mask, place, color: step.color.channels(), opacity: step.opacity.get() });
        }
    }
    Ok(())
}

/// Where the block begins, once or again and again: all places from the left, and all from the top.
fn places(step: &Caption, image: (u32, u32), block: (u32, u32), margin: u32, em: u32) -> [Vec<i64>; 2] {
    let room = |image: u32, block: u32| i64::from(image) - i64::from(block) - 2 * i64::from(margin);
    let rooms = (room(image.0, block.0), room(image.1, block.1));
    let within = step.gravity.place((saturated(rooms.0), saturated(rooms.1)));
    let axis = |place: u32, room: i64, image: u32, block: u32| {
        let first = i64::from(margin) + i64::from(place) * room.signum();
        if !step.tile {
            return vec![first];
        }
        // A block without width is not repeated at every pixel.
        let period = i64::from(block.max(em)) + i64::from(margin);
        // Glyphs may reach beyond their block a little.
        (-2..).map(|index| first.rem_euclid(period) + index * period).take_while(|place| *place < i64::from(image) + period).collect()
    };
    [axis(within.0, rooms.0, image.0, block.0), axis(within.1, rooms.1, image.1, block.1)]
}

fn saturated(room: i64) -> u32 {
    u32::try_from(room.unsigned_abs()).unwrap_or(u32::MAX)
}

/// A glyph in one of its places.
struct Stamp<'m> {
    mask: &'m Mask,
    place: (i64, i64),
    /// A gray image gets the first.
    color: [f32; 3],
    opacity: f32,
}

impl EverySample for Stamp<'_> {
    fn apply<T: Sample>(&self, grid: Grid<'_, T>) {
        match (grid.channels.colour, grid.channels.alpha) {
            (false, false) => self.draw::<T, 1, 1>(grid),
            (false, true) => self.draw::<T, 2, 1>(grid),
            (true, false) => self.draw::<T, 3, 3>(grid),
            (true, true) => self.draw::<T, 4, 3>(grid),
        }
    }
}

impl Stamp<'_> {
    /// `N` samples to a pixel, of which the first `C` are colours.
    fn draw<T: Sample, const N: usize, const C: usize>(&self, grid: Grid<'_, T>) {
        let Grid { width, samples, .. } = grid;
        let skipped = |place: i64| usize::try_from(place.min(0).unsigned_abs()).unwrap_or(usize::MAX);
        let start = |place: i64| usize::try_from(place.max(0)).unwrap_or(usize::MAX);
        let (left, top) = self.place;
        let pixels = samples.as_chunks_mut::<N>().0;
        let rows = pixels.chunks_exact_mut(width).skip(start(top));
        for (row, covered) in rows.zip(self.mask.coverage.chunks_exact(self.mask.width).skip(skipped(top))) {
            for (pixel, covered) in row.iter_mut().skip(start(left)).zip(covered.iter().skip(skipped(left))) {
                if *covered > 0.0 {
                    *pixel = self.over::<T, N, C>(*pixel, covered * self.opacity);
                }
            }
        }
    }

    /// Source-over (Compositing and Blending Level 1, 5.1).
    #[inline(always)]
    fn over<T: Sample, const N: usize, const C: usize>(&self, mut pixel: [T; N], alpha: f32) -> [T; N] {
        let behind = if N > C { pixel[N - 1].unit() * (1.0 - alpha) } else { 1.0 - alpha };
        let whole = alpha + behind;
        if whole > 0.0 {
            for (sample, color) in pixel[..C].iter_mut().zip(self.color) {
                *sample = rounded((color * alpha + sample.unit() * behind) / whole);
            }
        }
        if N > C {
            pixel[N - 1] = rounded(whole);
        }
        pixel
    }
}
