//! Every operation on every pixel type, sample by sample against the plainest statement of what it does.

use image::{ColorType, DynamicImage};
use safelight::domain::format::Format;

use crate::common::{COLOR_TYPES, Samples, assert_sizes, convert, file, run, run_to_pixels, sample};

/// A format that holds the pixel type without loss.
pub(crate) fn holder(color: ColorType) -> Format {
    if matches!(color, ColorType::Rgb32F | ColorType::Rgba32F) { Format::Tiff } else { Format::Png }
}

/// The samples before and after a pipeline.
pub(crate) fn through(image: &DynamicImage, pipeline: &str) -> (Samples, Samples) {
    let result = run_to_pixels(&file(image, holder(image.color())), pipeline);
    (Samples::of(image), Samples::of(&result))
}

#[test]
fn swap_channels_takes_each_channel_from_where_its_letter_says() {
    for color in COLOR_TYPES {
        let image = sample(23, 17, color);
        for order in ["rgb", "rbg", "grb", "gbr", "brg", "bgr"] {
            let (before, after) = through(&image, &format!("swap_channels:{order}"));
            let expected = before.map(|pixel| {
                let mut swapped = pixel.to_vec();
                if color.has_color() {
                    for (channel, letter) in swapped.iter_mut().zip(order.chars()) {
                        *channel = pixel["rgb".find(letter).expect("a letter of rgb")];
                    }
                }
                swapped
            });
            after.assert_same(&expected, &format!("{color:?} {order}"));
        }
        let by_default = through(&image, "swap_channels").1;
        by_default.assert_same(&through(&image, "swap_channels:bgr").1, "the default order");
    }
}

#[test]
fn invert_subtracts_from_the_largest_value_and_leaves_alpha() {
    for color in COLOR_TYPES {
        let (before, after) = through(&sample(23, 17, color), "invert");
        let largest = before.largest;
        let expected = before.map(|pixel| {
            let (colours, alpha) = pixel.split_at(before.colours());
            colours.iter().map(|sample| largest - sample).chain(alpha.iter().copied()).collect()
        });
        // Floats are subtracted in single precision.
        after.assert_near(&expected, largest * f64::from(f32::EPSILON), &format!("{color:?}"));
    }
}

#[test]
fn grayscale_keeps_luma_alpha_and_depth() {
    for color in COLOR_TYPES {
        let (before, after) = through(&sample(23, 17, color), "grayscale");
        assert_eq!((after.largest, after.has_alpha), (before.largest, before.has_alpha), "{color:?}");
        for (before_pixel, after_pixel) in before.pixels().zip(after.pixels()) {
            let luma = match before_pixel[..before.colours()] {
                [r, g, b] => 0.2126 * r + 0.7152 * g + 0.0722 * b,
                [gray, ..] => gray,
                [] => unreachable!("a pixel has a sample"),
            };
            for gray in &after_pixel[..after.colours()] {
                assert!((gray - luma).abs() <= before.largest / 255.0, "{color:?}: {before_pixel:?} became {after_pixel:?}");
            }
            assert_eq!(before_pixel[before.colours()..], after_pixel[after.colours()..], "{color:?}: alpha");
        }
    }
}

#[test]
fn channels_of_a_grayscale_image_can_be_swapped_to_no_effect() {
    let input = file(&sample(23, 17, ColorType::Rgba16), Format::Png);
    assert_eq!(run_to_pixels(&input, "grayscale/swap_channels"), run_to_pixels(&input, "grayscale"));
}

#[test]
fn channels_that_are_swapped_after_a_resize_are_those_that_were_swapped_before() {
    for color in COLOR_TYPES {
        let input = file(&sample(83, 57, color), holder(color));
        let swapped = file(&run_to_pixels(&input, "swap_channels:gbr"), holder(color));
        for resize in ["resize:20x", "resize:31x7,fit=fill", "resize:20x20,fit=cover,g=east", "resize:10x40,fit=contain,bg=20a040"] {
            let found = run_to_pixels(&input, &format!("swap_channels:gbr/{resize}"));
            assert!(found == run_to_pixels(&swapped, resize), "{color:?} {resize}");
        }
    }
}

#[test]
fn rotations_and_mirrors_move_every_pixel_to_its_place() {
    type Source = fn(x: u32, y: u32, width: u32, height: u32) -> (u32, u32);
    let moves: [(&str, bool, Source); 5] = [
        ("rotate:90", true, |x, y, _, h| (y, h - 1 - x)),
        ("rotate:180", false, |x, y, w, h| (w - 1 - x, h - 1 - y)),
        ("rotate:270", true, |x, y, w, _| (w - 1 - y, x)),
        ("flip:horizontal", false, |x, y, w, _| (w - 1 - x, y)),
        ("flip:vertical", false, |x, y, _, h| (x, h - 1 - y)),
    ];
    for color in COLOR_TYPES {
        for (width, height) in [(7, 5), (1, 6), (4, 1)] {
            let image = sample(width, height, color);
            for (pipeline, turned, source) in moves {
                let (before, after) = through(&image, pipeline);
                assert_eq!((after.width, after.height), if turned { (height, width) } else { (width, height) });
                for (y, x) in (0..after.height).flat_map(|y| (0..after.width).map(move |x| (y, x))) {
                    let (from_x, from_y) = source(x, y, width, height);
                    assert_eq!(after.pixel(x, y), before.pixel(from_x, from_y), "{color:?} {pipeline} {x},{y}");
                }
            }
        }
    }
}

#[test]
fn resize_gives_the_size_that_was_asked_for() {
    let input = file(&sample(80, 40, ColorType::Rgb8), Format::Png);
    assert_sizes(
        &input,
        &[
            ("resize:40x40", (40, 20)),
            ("resize:40x", (40, 20)),
            ("resize:x10", (20, 10)),
            ("resize:400x300", (80, 40)),
            ("resize:400x300,enlarge=true", (400, 200)),
            ("resize:40x40,fit=outside", (80, 40)),
            ("resize:30x20,fit=outside", (40, 20)),
            ("resize:40x40,fit=cover", (40, 40)),
            ("resize:60x60,fit=cover", (40, 40)),
            ("resize:60x60,fit=cover,enlarge=true", (60, 60)),
            ("resize:7x90,fit=fill", (7, 40)),
            ("resize:7x90,fit=fill,enlarge=true", (7, 90)),
            ("resize:1x1", (1, 1)),
        ],
    );
}

#[test]
fn resize_keeps_a_flat_colour_and_the_pixel_type() {
    for color in COLOR_TYPES {
        let flat = convert(image::RgbaImage::from_pixel(60, 40, image::Rgba([200, 100, 50, 255])).into(), color);
        for pipeline in ["resize:30x", "resize:90x,enlarge=true", "resize:20x20,fit=cover"] {
            let (before, after) = through(&flat, pipeline);
            assert_eq!((after.largest, after.channels), (before.largest, before.channels));
            let expected = after.map(|_| before.pixel(0, 0).to_vec());
            after.assert_near(&expected, before.largest / 255.0, &format!("{color:?} {pipeline}"));
        }
    }
}

#[test]
fn cover_cuts_both_sides_evenly() {
    let image = sample(10, 4, ColorType::Rgb8);
    let cut = run_to_pixels(&file(&image, Format::Png), "resize:4x4,fit=cover");
    assert_eq!(cut, image.crop_imm(3, 0, 4, 4));
}

#[test]
fn a_resize_that_changes_no_size_changes_no_pixel() {
    let image = sample(33, 21, ColorType::Rgba16);
    assert_eq!(run_to_pixels(&file(&image, Format::Png), "resize:900x900"), image);
}

#[test]
fn transparent_pixels_do_not_bleed_their_colour() {
    let striped = image::RgbaImage::from_fn(64, 64, |x, _| image::Rgba(if x % 2 == 0 { [255, 0, 0, 255] } else { [0, 255, 0, 0] }));
    let small = run_to_pixels(&file(&striped.into(), Format::Png), "resize:16x16").into_rgba8();
    assert!(small.pixels().all(|pixel| pixel[0] > 250 && pixel[1] < 5 && pixel[3] > 100), "{:?}", small.get_pixel(8, 8));
}

#[test]
fn steps_are_applied_in_their_order() {
    let image = sample(20, 10, ColorType::Rgb8);
    let input = file(&image, Format::Png);
    let turned_then_cut = run(&input, "rotate:90/resize:5x").expect("it runs").1;
    let cut_then_turned = run(&input, "resize:5x/rotate:90").expect("it runs").1;
    assert_eq!((turned_then_cut.width, turned_then_cut.height), (5, 10));
    assert_eq!((cut_then_turned.width, cut_then_turned.height), (3, 5));
}

#[cfg(feature = "faults")]
#[test]
fn a_planted_panic_panics() {
    let input = file(&sample(2, 2, ColorType::L8), Format::Png);
    std::panic::catch_unwind(|| run(&input, "invert/fault_panic")).expect_err("it was asked to");
}
