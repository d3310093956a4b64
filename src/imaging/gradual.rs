//! A picture that is shrunk while it comes, row by row: what came is kept only as long as a row of the result needs it.
//!
//! The result is that of [`super::ops`]'s resize, which scales the columns first and then the rows of what that leaves: the columns are
//! scaled for a band of rows of the result as soon as all of the picture that it needs is there.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{IntoImageView, PixelType, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};

use super::error::ImagingError;
use super::frame::last_comes_first;
use crate::domain::pipeline::ops::ResizePlan;
use crate::domain::pipeline::{Area, Scale};

/// How far the filter of the resize reaches to both sides, in pixels of the result.
const REACH: f64 = 3.0;

/// What of a picture is shrunk to what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shrinking {
    /// Width and height of the picture that comes, in pixels.
    pub(super) from: (u32, u32),
    /// Left, top, width and height of the part of it that is taken.
    pub(super) area: (f64, f64, f64, f64),
    /// Width and height of the result; the height less than that of the part.
    pub(super) to: (u32, u32),
}

impl Shrinking {
    /// What `plan`, of a picture of that size, upright, makes of what is decoded of it at a scale and then turned by an orientation that
    /// leaves width and height as they are.
    pub(super) fn new(plan: &ResizePlan, original: (u32, u32), scale: Scale, orientation: Orientation) -> Self {
        // What lies left of an upright picture is decoded on the right where it is mirrored. The last pixel of a row or column that is
        // decoded may stand for less of the picture than the others do.
        let (is_mirrored, is_upside_down) = last_comes_first(orientation);
        let scaled = |length: u32| f64::from(length) / f64::from(scale.divisor());
        let start = |before: u32, length: u32, whole: u32, is_reversed| scaled(if is_reversed { whole - before - length } else { before });
        let Area { left, top, width, height } = plan.crop;
        let area =
            (start(left, width, original.0, is_mirrored), start(top, height, original.1, is_upside_down), scaled(width), scaled(height));
        Self { from: scale.shrink(original), area, to: (plan.width, plan.height) }
    }
}

/// A picture on its way.
pub(super) struct Gradual {
    plan: Shrinking,
    /// Whether a pixel has red, green and blue, or one sample.
    has_color: bool,
    resizer: Resizer,
    /// Rows of the picture that are still needed, and the number of the first.
    rows: Vec<u8>,
    first: u32,
    /// The columns of the result, as wide as the picture; so many rows of them are done.
    columns: Vec<u8>,
    done: u32,
}

impl Gradual {
    /// For a picture that comes with at most so many rows at once.
    pub(super) fn new(plan: Shrinking, has_color: bool, most_rows: usize) -> Self {
        let mut gradual = Self { plan, has_color, resizer: Resizer::new(), rows: Vec::new(), first: 0, columns: Vec::new(), done: 0 };
        let bytes = gradual.row_bytes();
        let band = (f64::from(ResizePlan::BAND) + 2.0 * REACH) * gradual.scale();
        gradual.rows.reserve_exact(bytes * (band as usize + 4 + most_rows).min(plan.from.1 as usize));
        gradual.columns = vec![0; bytes * plan.to.1 as usize];
        gradual
    }

    fn row_bytes(&self) -> usize {
        self.plan.from.0 as usize * if self.has_color { 3 } else { 1 }
    }

    fn pixel_type(&self) -> PixelType {
        if self.has_color { PixelType::U8x3 } else { PixelType::U8 }
    }

    /// Rows of the picture for one of the result.
    fn scale(&self) -> f64 {
        self.plan.area.3 / f64::from(self.plan.to.1)
    }

    /// Takes the next rows of the picture.
    pub(super) fn push(&mut self, rows: &[u8]) -> Result<(), ImagingError> {
        self.rows.extend_from_slice(rows);
        loop {
            let end = self.plan.to.1.min(self.done + ResizePlan::BAND);
            let there = self.first + (self.rows.len() / self.row_bytes()) as u32;
            if self.done == end || there < self.needed(self.done, end).1 {
                return Ok(());
            }
            self.band(end)?;
        }
    }

    /// The rows of the picture that some rows of the result look at: the first, and the one after the last.
    fn needed(&self, start: u32, end: u32) -> (u32, u32) {
        let place = |row: u32| self.plan.area.1 + f64::from(row) * self.scale();
        let reach = REACH * self.scale() + 1.0;
        ((place(start) - reach).max(0.0) as u32, ((place(end) + reach).ceil() as u32).min(self.plan.from.1))
    }

    /// Scales the columns of a band, and lets the rows go that no later one looks at.
    fn band(&mut self, end: u32) -> Result<(), ImagingError> {
        let (bytes, width) = (self.row_bytes(), self.plan.from.0);
        let count = (self.rows.len() / bytes) as u32;
        let top = self.plan.area.1 + f64::from(self.done) * self.scale() - f64::from(self.first);
        // Rounded down, so that the sum with the top is not beyond the rows.
        let height = (f64::from(end - self.done) * self.scale()).min((f64::from(count) - top).next_down());
        let from = ImageRef::new(width, count, &self.rows, self.pixel_type()).map_err(refusal)?;
        let to = &mut self.columns[self.done as usize * bytes..end as usize * bytes];
        let pixel_type = from.pixel_type();
        let mut to = Image::from_slice_u8(width, end - self.done, to, pixel_type).map_err(refusal)?;
        let options = ResizeOptions::new().crop(0.0, top, width.into(), height);
        self.resizer.resize(&from, &mut to, &options).map_err(refusal)?;
        self.done = end;
        let first = if end == self.plan.to.1 { self.first + count } else { self.needed(end, end).0 };
        self.rows.drain(..(first - self.first) as usize * bytes);
        self.first = first;
        Ok(())
    }

    /// The result, after the last row.
    pub(super) fn finish(mut self) -> Result<DynamicImage, ImagingError> {
        let Shrinking { from, area, to: (width, height), .. } = self.plan;
        let from = ImageRef::new(from.0, height, &self.columns, self.pixel_type()).map_err(refusal)?;
        let mut image = if self.has_color {
            DynamicImage::ImageRgb8(RgbImage::new(width, height))
        } else {
            DynamicImage::ImageLuma8(GrayImage::new(width, height))
        };
        let options = ResizeOptions::new().crop(area.0, 0.0, area.2, height.into());
        debug_assert_eq!(image.pixel_type(), Some(self.pixel_type()));
        self.resizer.resize(&from, &mut image, &options).map_err(refusal)?;
        Ok(image)
    }
}

fn refusal(error: impl std::error::Error) -> ImagingError {
    ImagingError::Operation(format!("resize: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole at once.
    fn at_once(plan: &Shrinking, image: &DynamicImage) -> DynamicImage {
        let (left, top, width, height) = plan.area;
        let mut resized = DynamicImage::new(plan.to.0, plan.to.1, image.color());
        Resizer::new().resize(image, &mut resized, &ResizeOptions::new().crop(left, top, width, height)).unwrap();
        resized
    }

    #[test]
    fn it_is_what_the_whole_picture_is_shrunk_to() {
        let mut random = fastrand::Rng::with_seed(11);
        for round in 0..60 {
            let has_color = random.bool();
            let from = (random.u32(1..80), random.u32(2..400));
            let count = from.0 as usize * from.1 as usize * if has_color { 3 } else { 1 };
            let smooth = round % 2 == 0;
            let samples: Vec<u8> = (0..count).map(|at| if smooth { (at / 7 % 256) as u8 } else { random.u8(..) }).collect();
            let image: DynamicImage = if has_color {
                RgbImage::from_raw(from.0, from.1, samples.clone()).unwrap().into()
            } else {
                GrayImage::from_raw(from.0, from.1, samples.clone()).unwrap().into()
            };
            let top = f64::from(from.1) * [0.0, 0.1, 0.35][round % 3];
            let area = (f64::from(from.0) * 0.25 * (round % 2) as f64, top, f64::from(from.0) * 0.5, f64::from(from.1) - 2.0 * top);
            let height = random.u32(1..=(area.3 as u32 - 1).max(1)).min(200);
            let plan = Shrinking { from, area, to: (random.u32(1..50), height) };
            let mut gradual = Gradual::new(plan, has_color, 20);
            let mut rest = samples.as_slice();
            while !rest.is_empty() {
                let (rows, others) = rest.split_at(rest.len().min(random.usize(1..20) * gradual.row_bytes()));
                gradual.push(rows).unwrap();
                rest = others;
            }
            let (found, expected) = (gradual.finish().unwrap(), at_once(&plan, &image));
            // Each band has its own precision of the factors.
            let far = found.as_bytes().iter().zip(expected.as_bytes()).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(far <= Some(1), "{plan:?}: {far:?}");
            assert_eq!((found.width(), found.height()), plan.to);
        }
    }

    #[test]
    fn rows_that_are_no_longer_needed_are_let_go() {
        let plan = Shrinking { from: (10, 10_000), area: (0.0, 0.0, 10.0, 10_000.0), to: (5, 2_500) };
        let mut gradual = Gradual::new(plan, false, 10);
        let room = gradual.rows.capacity();
        for _ in 0..1000 {
            gradual.push(&[0; 100]).unwrap();
            assert!(gradual.rows.capacity() == room && room < 10 * 200, "{room}");
        }
        assert_eq!((gradual.done, gradual.rows.len()), (2_500, 0));
    }
}
