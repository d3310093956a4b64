//! The median, against the middle of all samples of a square, sorted.

use image::{ColorType, DynamicImage};
use safelight::domain::format::Format;

use crate::common::{COLOR_TYPES, Samples, convert, file, run_to_pixels, sample};
use crate::operations::through;

/// The middle of the sorted samples around every sample.
fn median(image: &Samples, radius: i64) -> Samples {
    let clamped = |at: i64, length: u32| at.clamp(0, i64::from(length) - 1) as u32;
    let mut places = (0..i64::from(image.height)).flat_map(|y| (0..i64::from(image.width)).map(move |x| (x, y)));
    image.map(|pixel| {
        let (x, y) = places.next().expect("as many as pixels");
        let around = |channel: usize| {
            let square = (-radius..=radius).flat_map(|dy| (-radius..=radius).map(move |dx| (dx, dy)));
            let sample = |(dx, dy)| image.pixel(clamped(x + dx, image.width), clamped(y + dy, image.height))[channel];
            let mut samples: Vec<f64> = square.map(sample).collect();
            samples.sort_by(f64::total_cmp);
            samples[samples.len() / 2]
        };
        (0..pixel.len()).map(around).collect()
    })
}

/// Every sample on its own, over the whole range.
fn noise(width: u32, height: u32, color: ColorType, seed: u64) -> DynamicImage {
    let mut random = fastrand::Rng::with_seed(seed);
    let pixels = image::ImageBuffer::from_fn(width, height, |_, _| image::Rgba(std::array::from_fn(|_| random.u16(..))));
    convert(DynamicImage::ImageRgba16(pixels), color)
}

#[test]
fn median_is_the_middle_of_the_square() {
    for color in COLOR_TYPES {
        for (radius, size) in [(1, (37, 29)), (2, (37, 29)), (5, (300, 20)), (9, (23, 41))] {
            for image in [sample(size.0, size.1, color), noise(size.0, size.1, color, radius)] {
                let (before, after) = through(&image, &format!("median:{radius}"));
                // Floats are rounded to 16 bits.
                let off = if before.largest == 1.0 { 1.0 / 65_535.0 } else { 0.0 };
                after.assert_near(&median(&before, radius as i64), off, &format!("{color:?} {radius}"));
            }
        }
    }
}

#[test]
fn the_square_may_be_larger_than_the_image() {
    for color in [ColorType::L8, ColorType::Rgba8, ColorType::Rgb16] {
        for (width, height) in [(1, 1), (1, 7), (9, 1), (4, 3)] {
            for radius in [1, 2, 12, 100] {
                let (before, after) = through(&noise(width, height, color, 4), &format!("median:{radius}"));
                after.assert_same(&median(&before, radius), &format!("{color:?} {width}x{height} {radius}"));
            }
        }
    }
}

#[test]
fn specks_vanish_and_edges_stay() {
    let halves = image::GrayImage::from_fn(50, 20, |x, _| image::Luma([if x < 25 { 20 } else { 220 }]));
    let mut specked = halves.clone();
    for (x, y) in [(5, 5), (20, 12), (30, 3), (44, 18)] {
        specked.put_pixel(x, y, image::Luma([128]));
    }
    for pipeline in ["median", "median:1", "median:3"] {
        assert_eq!(run_to_pixels(&file(&specked.clone().into(), Format::Png), pipeline), halves.clone().into(), "{pipeline}");
    }
}
