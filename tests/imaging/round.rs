//! Round shapes, against as many points of each pixel as tell how much of it lies inside.

use image::DynamicImage;
use safelight::domain::format::Format;

use crate::common::{COLOR_TYPES, Samples, file, run, run_to_pixels, sample};
use crate::operations::through;

/// How much of a pixel of an image of that size lies inside of its corners, by 64 times 64 points.
fn inside((x, y): (u32, u32), (width, height): (u32, u32), radius: f64) -> f64 {
    let (width, height) = (f64::from(width), f64::from(height));
    let is_inside = |x: f64, y: f64| {
        let (from_left, from_top) = (x.min(width - x), y.min(height - y));
        from_left >= radius || from_top >= radius || (radius - from_left).hypot(radius - from_top) <= radius
    };
    let points = (0..64).flat_map(|i| (0..64).map(move |j| (i, j)));
    let place = |pixel: u32, point: i32| f64::from(pixel) + (f64::from(point) + 0.5) / 64.0;
    points.filter(|(i, j)| is_inside(place(x, *i), place(y, *j))).count() as f64 / 4096.0
}

/// Fails unless the image is the other with the corners cut off.
#[track_caller]
fn assert_round(after: &Samples, before: &Samples, radius: f64, what: &str) {
    assert_eq!((after.width, after.height, after.largest), (before.width, before.height, before.largest), "{what}");
    assert_eq!((after.colours(), after.has_alpha), (before.colours(), true), "{what}");
    for (x, y) in (0..before.height).flat_map(|y| (0..before.width).map(move |x| (x, y))) {
        let (old, new) = (before.pixel(x, y), after.pixel(x, y));
        assert_eq!(new[..before.colours()], old[..before.colours()], "{what}: the colours at {x},{y}");
        let alpha = if before.has_alpha { old[before.colours()] } else { before.largest };
        let expected = alpha * inside((x, y), (before.width, before.height), radius);
        let off = before.largest * 0.01 + 0.5;
        assert!((new[before.colours()] - expected).abs() <= off, "{what}: at {x},{y} {new:?}, expected alpha {expected}");
    }
}

#[test]
fn round_makes_the_corners_transparent() {
    for color in COLOR_TYPES {
        for (pipeline, radius) in [("round:1", 1.0), ("round:9", 9.0), ("round:25%", 7.0), ("round:50%", 14.5), ("round:900", 14.5)] {
            let (before, after) = through(&sample(37, 29, color), pipeline);
            assert_round(&after, &before, radius, &format!("{color:?} {pipeline}"));
        }
    }
    for (width, height) in [(1, 1), (2, 2), (1, 9), (30, 7), (8, 31)] {
        let (before, after) = through(&sample(width, height, image::ColorType::Rgb8), "round:50%");
        assert_round(&after, &before, f64::from(width.min(height)) / 2.0, &format!("{width}x{height}"));
    }
}

#[test]
fn circle_is_the_largest_around_the_middle() {
    for color in COLOR_TYPES {
        for ((width, height), (left, top, side)) in [((40, 21), (9, 0, 21)), ((20, 33), (0, 6, 20)), ((16, 16), (0, 0, 16))] {
            let image = sample(width, height, color);
            let after = through(&image, "circle").1;
            let square = Samples::of(&image.crop_imm(left, top, side, side));
            assert_round(&after, &square, f64::from(side) / 2.0, &format!("{color:?} {width}x{height}"));
        }
    }
}

#[test]
fn the_inside_is_left_as_it_is_and_a_mirror_changes_nothing() {
    let image: DynamicImage = image::RgbaImage::from_pixel(41, 27, image::Rgba([1, 2, 3, 200])).into();
    let round = run_to_pixels(&file(&image, Format::Png), "round:11");
    assert_eq!(round.crop_imm(11, 0, 19, 27), image.crop_imm(11, 0, 19, 27));
    assert_eq!(round, round.fliph());
    assert_eq!(round, round.flipv());
    let (_, info) = run(&file(&image, Format::Png), "circle/jpeg").expect("it runs");
    assert_eq!((info.width, info.height), (27, 27));
}
