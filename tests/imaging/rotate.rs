//! Rotations by any angle, against formulas.

use gif::Repeat;
use image::{ColorType, DynamicImage, GrayImage, Luma, Rgba, RgbaImage};
use safelight::domain::format::Format;

use crate::animation::{decoded, gif_of};
use crate::common::{COLOR_TYPES, Samples, convert, file, run_to_pixels, sample};
use crate::operations::{holder, through};
use crate::resize::{CANVASES, on_canvas};

const ANGLES: [&str; 7] = ["0.5", "12.5", "45", "100", "200.3", "-30", "359.9"];

/// Where the middle of a pixel of a result comes from in an image that was rotated by so many degrees around its middle.
fn source((x, y): (u32, u32), result: (u32, u32), image: (u32, u32), degrees: &str) -> (f64, f64) {
    let angle: f64 = degrees.parse::<f64>().expect("a number").to_radians();
    let (dx, dy) = (f64::from(x) + 0.5 - f64::from(result.0) / 2.0, f64::from(y) + 0.5 - f64::from(result.1) / 2.0);
    // Turned back: counter-clockwise, where y points down.
    let (dx, dy) = (dx * angle.cos() + dy * angle.sin(), dy * angle.cos() - dx * angle.sin());
    (dx + f64::from(image.0) / 2.0, dy + f64::from(image.1) / 2.0)
}

/// Calls with every pixel whose source is so far inside of the image, and with its source.
fn inside(found: &Samples, image: (u32, u32), degrees: &str, margin: f64, mut check: impl FnMut(&[f64], (f64, f64))) -> usize {
    let places = (0..found.height).flat_map(|y| (0..found.width).map(move |x| (x, y)));
    let mut count = 0;
    for place in places {
        let (u, v) = source(place, (found.width, found.height), image, degrees);
        let within = |at: f64, length: u32| at >= margin && at <= f64::from(length) - margin;
        if within(u, image.0) && within(v, image.1) {
            check(found.pixel(place.0, place.1), (u, v));
            count += 1;
        }
    }
    count
}

/// Every channel is a plane over the image, gray where the type is.
fn planes(color: ColorType, opaque: bool) -> DynamicImage {
    let image = RgbaImage::from_fn(61, 47, |x, y| {
        let r = 10 + 2 * x + y;
        let [g, b] = if color.has_color() { [200 - 2 * x - y, 100 + x - 2 * y] } else { [r, r] };
        Rgba([r, g, b, if opaque { 255 } else { 100 + x + 2 * y }].map(|value| value as u8))
    });
    convert(image.into(), color)
}

#[test]
fn planes_stay_planes_and_turn_clockwise() {
    for color in COLOR_TYPES {
        for (angle, opaque) in ANGLES.into_iter().flat_map(|angle| [(angle, true), (angle, false)]) {
            let (before, after) = through(&planes(color, opaque), &format!("rotate:{angle},bg=white"));
            let off = if before.largest == 1.0 { 1e-5 } else { 0.51 + before.largest * 1e-6 };
            let (origin, right, below) = (before.pixel(0, 0), before.pixel(1, 0), before.pixel(0, 1));
            let checked = inside(&after, (61, 47), angle, 2.0, |pixel, (u, v)| {
                for (channel, value) in pixel.iter().enumerate() {
                    let slope = (right[channel] - origin[channel], below[channel] - origin[channel]);
                    let expected = origin[channel] + slope.0 * (u - 0.5) + slope.1 * (v - 0.5);
                    assert!((value - expected).abs() <= off, "{color:?} {angle} {u},{v}: {pixel:?}, channel {channel} {expected}");
                }
            });
            assert!(checked > 2300, "{checked}");
        }
    }
}

#[test]
fn waves_keep_their_height() {
    let wave = |place: f64| 128.0 + 100.0 * (place * std::f64::consts::TAU / 8.0).sin();
    let image = GrayImage::from_fn(64, 64, |x, _| Luma([wave(f64::from(x) + 0.5).round() as u8]));
    for angle in ANGLES {
        let found = Samples::of(&run_to_pixels(&file(&image.clone().into(), Format::Png), &format!("rotate:{angle},bg=black")));
        // Between two pixels a straight line would miss the crest by eight levels.
        inside(&found, (64, 64), angle, 2.0, |pixel, (u, _)| {
            assert!((pixel[0] - wave(u)).abs() < 3.5, "{angle} {u}: {} for {}", pixel[0], wave(u));
        });
    }
}

#[test]
fn the_corners_have_the_colour_of_the_background_and_the_type_that_holds_it() {
    for color in COLOR_TYPES {
        let image = sample(40, 30, color);
        for (background, colour) in CANVASES {
            let found = run_to_pixels(&file(&image, holder(color)), &format!("rotate:30,bg={background}"));
            let empty = on_canvas(&convert(RgbaImage::from_pixel(1, 1, Rgba(colour)).into(), color), (50, 46), (0, 0), colour);
            assert_eq!(found.color(), empty.color(), "{color:?} {background}");
            let (found, empty) = (Samples::of(&found), Samples::of(&empty));
            // Half of 30 and 40 times the root of 3/4, and the other way around.
            assert_eq!((found.width, found.height), (50, 46));
            for (x, y) in [(0, 0), (49, 0), (0, 45), (49, 45)] {
                let near = found.pixel(x, y).iter().zip(empty.pixel(1, 1)).all(|(a, b)| (a - b).abs() < 1e-6);
                assert!(near, "{color:?} {background} {x},{y}: {:?}", found.pixel(x, y));
            }
        }
    }
    let found = run_to_pixels(&file(&sample(40, 30, ColorType::Rgb8), Format::Png), "rotate:30");
    assert_eq!(found.color(), ColorType::Rgba8);
    assert_eq!(found.into_rgba8().get_pixel(0, 0).0, [0; 4]);
}

#[test]
fn edges_are_smooth_and_no_area_is_lost() {
    let white = file(&GrayImage::from_pixel(120, 70, Luma([255])).into(), Format::Png);
    for angle in ANGLES {
        let found = run_to_pixels(&white, &format!("rotate:{angle},bg=black")).into_luma8();
        let area = found.pixels().map(|pixel| f64::from(pixel[0])).sum::<f64>() / 255.0;
        assert!((area / (120.0 * 70.0) - 1.0).abs() < 0.005, "{angle}: {area}");
        let between = found.pixels().filter(|pixel| (20..235).contains(&pixel[0])).count();
        assert!(between > 100, "{angle}: {between}");
        let seen_through = run_to_pixels(&white, &format!("rotate:{angle}")).into_luma_alpha8();
        assert!(seen_through.pixels().zip(found.pixels()).all(|(a, b)| a[1] == b[0] && (a[0] == 255 || a[1] == 0)), "{angle}");
    }
}

#[test]
fn what_cannot_be_seen_does_not_bleed() {
    let striped = RgbaImage::from_fn(40, 40, |x, _| Rgba(if x / 4 % 2 == 0 { [255, 0, 0, 255] } else { [0, 255, 0, 0] }));
    for angle in ANGLES {
        let found = run_to_pixels(&file(&striped.clone().into(), Format::Png), &format!("rotate:{angle}")).into_rgba8();
        assert!(found.pixels().all(|pixel| pixel[3] == 0 || (pixel[0] == 255 && pixel[1] == 0)), "{angle}");
    }
}

#[test]
fn an_angle_is_the_same_however_it_is_written_and_right_ones_are_exact() {
    for color in COLOR_TYPES {
        let image = sample(23, 17, color);
        let input = file(&image, holder(color));
        let same =
            |pipeline: &str, other: &str| assert!(run_to_pixels(&input, pipeline) == run_to_pixels(&input, other), "{pipeline} {other}");
        same("rotate:-90", "rotate:270");
        same("rotate:-12.5", "rotate:347.5");
        same("rotate:90,bg=white", "rotate:90");
        for nothing in ["rotate:0", "rotate:360", "rotate:-360"] {
            assert!(run_to_pixels(&input, nothing) == image, "{color:?} {nothing}");
        }
    }
}

#[test]
fn a_right_angle_is_where_the_angles_around_it_lead() {
    let image = sample(40, 30, ColorType::Rgb8);
    let input = file(&image, Format::Png);
    for (near, exact) in [("89.999", "90"), ("90.001", "90"), ("180.001", "180"), ("269.999", "270"), ("0.001", "0")] {
        // A canvas may have one more column and row: its middle is still that of the image, half a pixel off then.
        let near = run_to_pixels(&input, &format!("rotate:{near},bg=black/crop:28x28")).into_rgb8();
        let exact = run_to_pixels(&input, &format!("rotate:{exact}/crop:28x28")).into_rgb8();
        let (near, exact) = (Samples::of(&near.into()), Samples::of(&exact.into()));
        near.assert_near(&exact, 20.0, "half a pixel");
    }
}

#[test]
fn every_frame_of_an_animation_is_turned() {
    let pictures: Vec<RgbaImage> = [[255, 0, 0, 255], [0, 0, 255, 255], [0, 255, 0, 255]]
        .into_iter()
        .map(|colour| RgbaImage::from_pixel(20, 10, Rgba(colour)))
        .collect();
    let (file_, _) = crate::common::run(&gif_of(&pictures, Some(Repeat::Infinite)), "rotate:30/png").expect("it runs");
    let frames = decoded(&file_).0;
    assert_eq!(frames.len(), 3);
    for ((frame, _), picture) in frames.iter().zip(&pictures) {
        let still = run_to_pixels(&file(&picture.clone().into(), Format::Png), "rotate:30").into_rgba8();
        assert!(*frame == still);
    }
}
