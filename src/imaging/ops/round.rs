//! Round shapes: alpha is multiplied by the part of each pixel that lies inside.

use image::DynamicImage;

use super::crop;
use crate::domain::pipeline::Focus;
use crate::domain::pipeline::ops::Round;
use crate::imaging::area::{self, EverySample, Grid, rounded};
use crate::imaging::point::{Pass, Sample, Stage};

/// How many lines a row of pixels is measured along; along each line the measure is exact.
const LINES: u8 = 16;

pub(super) fn round(image: &mut DynamicImage, step: &Round) {
    let shorter = image.width().min(image.height());
    cut(image, f64::from(step.radius.along(shorter)).min(f64::from(shorter) / 2.0));
}

pub(super) fn circle(image: &mut DynamicImage) {
    let (width, height) = (image.width(), image.height());
    let side = width.min(height);
    if width != height {
        crop::keep(image, Focus::CENTER.area((width, height), (side, side)));
    }
    cut(image, f64::from(side) / 2.0);
}

/// The radius is at most half of the shorter side.
fn cut(image: &mut DynamicImage, radius: f64) {
    if !image.color().has_alpha() {
        let mut pass = Pass::default();
        pass.then(Stage::Opacity(1.0));
        pass.run(image);
    }
    area::apply(image, &Corners { radius });
}

struct Corners {
    radius: f64,
}

impl EverySample for Corners {
    fn apply<T: Sample>(&self, grid: Grid<'_, T>) {
        let Grid { width, height, channels, samples } = grid;
        let count = channels.count();
        let mut inside = vec![0.0; self.radius.ceil() as usize];
        for (y, row) in samples.chunks_mut(width * count).enumerate() {
            if (y.min(height - 1 - y) as f64) < self.radius {
                self.measure(y, (width, height), &mut inside);
                // A column in the middle is that of both sides; it is taken once.
                let right = inside.len().min(width / 2);
                let pixels = row.chunks_exact_mut(count);
                pixels.zip(&inside).for_each(|(pixel, part)| fade(pixel, *part));
                row.rchunks_exact_mut(count).zip(&inside[..right]).for_each(|(pixel, part)| fade(pixel, *part));
            }
        }
    }
}

impl Corners {
    /// How much of the first pixels of a row lies inside, from 0 to 1.
    fn measure(&self, y: usize, (width, height): (usize, usize), inside: &mut [f32]) {
        inside.fill(0.0);
        for line in 0..LINES {
            let at = y as f64 + (f64::from(line) + 0.5) / f64::from(LINES);
            let begin = self.begin(at.min(height as f64 - at));
            let end = width as f64 - begin;
            for (x, part) in inside.iter_mut().enumerate() {
                let length = (x as f64 + 1.0).min(end) - (x as f64).max(begin);
                *part += length.clamp(0.0, 1.0) as f32 / f32::from(LINES);
            }
        }
    }

    /// Where the shape begins on a line, by its distance from the nearer of top and bottom.
    fn begin(&self, distance: f64) -> f64 {
        let below_center = (self.radius - distance).max(0.0);
        self.radius - (self.radius * self.radius - below_center * below_center).max(0.0).sqrt()
    }
}

/// Multiplies the last sample, which is alpha.
fn fade<T: Sample>(pixel: &mut [T], part: f32) {
    if let Some(alpha) = pixel.last_mut().filter(|_| part < 1.0) {
        *alpha = rounded(alpha.unit() * part);
    }
}
