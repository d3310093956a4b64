//! Operations on lightness and opacity, sample by sample against the plainest statement of their formulas.

use image::{ColorType, DynamicImage};
use safelight::domain::format::Format;

use crate::common::{COLOR_TYPES, Samples, convert, file, run_to_pixels, sample};
use crate::operations::{holder, through};

/// Half a level and what single precision may be off, in units of the samples.
pub(crate) fn tolerance(samples: &Samples) -> f64 {
    if samples.largest == 1.0 { 2e-6 } else { 0.5 + samples.largest * 1e-6 }
}

/// Fails unless each pixel, its samples from 0 to 1, comes out as `formula` says; a pixel has one or three colours, then perhaps alpha.
#[track_caller]
pub(crate) fn assert_pixels(color: ColorType, pipeline: &str, formula: impl Fn(&[f64], bool) -> Vec<f64>) {
    let image = sample(67, 41, color);
    let (before, after) = through(&image, pipeline);
    let expected: Vec<Vec<f64>> = before
        .pixels()
        .map(|pixel| {
            let unit: Vec<f64> = pixel.iter().map(|sample| sample / before.largest).collect();
            formula(&unit, before.has_alpha).into_iter().map(|sample| sample * after.largest).collect()
        })
        .collect();
    assert_eq!(after.largest, before.largest, "{color:?} {pipeline}: the depth");
    for ((found, expected), before) in after.pixels().zip(&expected).zip(before.pixels()) {
        assert_eq!(found.len(), expected.len(), "{color:?} {pipeline}: the channels");
        let near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= tolerance(&after));
        assert!(near, "{color:?} {pipeline}: {before:?} became {found:?}, expected {expected:?}");
    }
}

/// A formula of one colour channel, for every one of a pixel.
pub(crate) fn each_colour(formula: impl Fn(f64) -> f64) -> impl Fn(&[f64], bool) -> Vec<f64> {
    move |pixel, has_alpha| {
        let colours = pixel.len() - usize::from(has_alpha);
        pixel.iter().enumerate().map(|(index, sample)| if index < colours { formula(*sample).clamp(0.0, 1.0) } else { *sample }).collect()
    }
}

#[test]
fn brightness_multiplies() {
    for color in COLOR_TYPES {
        for factor in [0.0, 0.5, 1.0, 1.7] {
            assert_pixels(color, &format!("brightness:{factor}"), each_colour(|sample| sample * factor));
        }
    }
}

#[test]
fn contrast_multiplies_the_distance_from_the_middle() {
    for color in COLOR_TYPES {
        for factor in [0.0, 0.4, 1.0, 2.5] {
            assert_pixels(color, &format!("contrast:{factor}"), each_colour(|sample| (sample - 0.5) * factor + 0.5));
        }
    }
}

#[test]
fn gamma_is_the_exponent_of_the_inverse() {
    for color in COLOR_TYPES {
        for gamma in [0.5, 1.0, 2.2] {
            assert_pixels(color, &format!("gamma:{gamma}"), each_colour(|sample| sample.powf(1.0 / gamma)));
        }
    }
}

#[test]
fn posterize_gives_each_level_an_equal_part_of_the_range() {
    for color in COLOR_TYPES {
        for levels in [2.0_f64, 3.0, 7.0] {
            let (before, after) = through(&sample(67, 41, color), &format!("posterize:{levels}"));
            for (sample, found) in before.pixels().flat_map(colours(&before)).zip(after.pixels().flat_map(colours(&after))) {
                let place = sample / before.largest * levels;
                // On the border of two levels single precision may decide otherwise.
                if (place - place.round()).abs() > 1e-5 {
                    let expected = place.floor() / (levels - 1.0) * before.largest;
                    assert!(
                        (found - expected).abs() <= tolerance(&after),
                        "{color:?} {levels}: {sample} became {found}, expected {expected}"
                    );
                }
            }
        }
    }
}

/// The colours of a pixel, without its alpha.
fn colours<'a>(samples: &Samples) -> impl Fn(&'a [f64]) -> &'a [f64] + use<'a> {
    let colours = samples.colours();
    move |pixel| &pixel[..colours]
}

fn luma(pixel: &[f64]) -> f64 {
    match pixel {
        [r, g, b, ..] => 0.2126 * r + 0.7152 * g + 0.0722 * b,
        [gray, ..] => *gray,
        [] => unreachable!("a pixel has a sample"),
    }
}

#[test]
fn threshold_makes_pixels_white_whose_luma_reaches_the_level_and_others_black() {
    for color in COLOR_TYPES {
        for (pipeline, level) in [("threshold", 0.5), ("threshold:30", 0.3), ("threshold:0", 0.0)] {
            let (before, after) = through(&sample(67, 41, color), pipeline);
            assert_eq!((after.largest, after.has_alpha), (before.largest, before.has_alpha), "{color:?}");
            let (mut white, mut black) = (0, 0);
            for (pixel, found) in before.pixels().zip(after.pixels()) {
                let luma = luma(&pixel[..before.colours()]) / before.largest;
                if (luma - level).abs() > 1e-6 {
                    let expected = if luma > level { after.largest } else { 0.0 };
                    assert!(found[..after.colours()].iter().all(|sample| *sample == expected), "{color:?}: {pixel:?} became {found:?}");
                    *(if luma > level { &mut white } else { &mut black }) += 1;
                }
                assert_eq!(found[after.colours()..], pixel[before.colours()..], "{color:?}: alpha");
            }
            assert!(white > 0 && (black > 0 || level == 0.0), "{color:?} {pipeline}: {white} {black}");
        }
    }
}

#[test]
fn normalize_stretches_from_the_darkest_luma_to_the_lightest() {
    for color in COLOR_TYPES {
        for (pipeline, clip) in [("contrast:0.4/normalize", 0.01), ("contrast:0.4/normalize:0", 0.0), ("contrast:0.4/normalize:20", 0.2)] {
            let flat = through(&sample(67, 41, color), "contrast:0.4").1;
            let found = through(&sample(67, 41, color), pipeline).1;
            let mut lumas: Vec<f64> = flat.pixels().map(|pixel| luma(&pixel[..flat.colours()])).collect();
            lumas.sort_by(f64::total_cmp);
            let skipped = (lumas.len() as f64 * clip) as usize;
            let (low, high) = (lumas[skipped], lumas[lumas.len() - 1 - skipped]);
            let levels = if flat.largest == 255.0 { 255.0 } else { 65_535.0 };
            let stretched = flat.map(|pixel| {
                let (colours, alpha) = pixel.split_at(flat.colours());
                let stretch = |sample: &f64| (flat.largest * (sample - low) / (high - low)).clamp(0.0, flat.largest);
                colours.iter().map(stretch).chain(alpha.iter().copied()).collect()
            });
            // The limits are counted in whole levels, half a level off at most, and the stretch enlarges that, and the rounding of `flat`.
            let off = tolerance(&flat) + 1.6 * flat.largest / levels * flat.largest / (high - low);
            found.assert_near(&stretched, off, &format!("{color:?} {pipeline}"));
        }
    }
}

#[test]
fn normalize_does_not_look_at_what_cannot_be_seen() {
    let pixels = image::GrayAlphaImage::from_raw(3, 1, vec![0, 0, 100, 255, 200, 1]).expect("three pixels");
    let result = run_to_pixels(&file(&pixels.into(), Format::Png), "normalize:0");
    assert_eq!(result.as_bytes(), [0, 0, 0, 255, 255, 1]);
    let flat = DynamicImage::from(image::GrayImage::from_pixel(3, 3, image::Luma([77])));
    assert_eq!(run_to_pixels(&file(&flat, Format::Png), "normalize"), flat, "there is nothing to stretch");
}

#[test]
fn opacity_multiplies_alpha_and_adds_it() {
    for color in COLOR_TYPES {
        for factor in [0.0, 0.25, 1.0] {
            assert_pixels(color, &format!("opacity:{factor}"), |pixel, has_alpha| {
                let (colours, alpha) = pixel.split_at(pixel.len() - usize::from(has_alpha));
                colours.iter().copied().chain([alpha.first().copied().unwrap_or(1.0) * factor]).collect()
            });
        }
    }
}

#[test]
fn flatten_lays_over_a_colour_and_removes_alpha() {
    for color in COLOR_TYPES {
        for (pipeline, background) in [("flatten", [1.0; 3]), ("flatten:336699", [0.2, 0.4, 0.6])] {
            assert_pixels(color, pipeline, |pixel, has_alpha| {
                let (colours, alpha) = pixel.split_at(pixel.len() - usize::from(has_alpha));
                let Some(alpha) = alpha.first() else { return colours.to_vec() };
                let over = |colour: f64, background: f64| colour * alpha + background * (1.0 - alpha);
                match colours {
                    [gray] if background == [1.0; 3] => vec![over(*gray, 1.0)],
                    [gray] => background.map(|background| over(*gray, background)).to_vec(),
                    _ => colours.iter().zip(background).map(|(colour, background)| over(*colour, background)).collect(),
                }
            });
        }
    }
}

#[test]
fn fused_operations_are_rounded_once_and_so_near_what_each_makes_alone() {
    let steps = ["brightness:1.2", "invert", "swap_channels:gbr", "saturation:1.3", "gamma:1.1", "tint:88aaff,strength=0.2", "grayscale"];
    for color in COLOR_TYPES {
        let image = sample(67, 41, color);
        let fused = through(&image, &steps.join("/")).1;
        let mut alone = image;
        for step in steps {
            alone = run_to_pixels(&file(&alone, holder(color)), step);
        }
        // Gray of 8 bits alone is truncated, and each of the roundings before may be amplified a little.
        let off = if fused.largest == 1.0 { 2e-6 } else { 3.0 };
        fused.assert_near(&Samples::of(&alone), off, &format!("{color:?}"));
    }
    let dark = convert(image::RgbImage::from_pixel(5, 5, image::Rgb([8, 3, 1])).into(), ColorType::Rgb8);
    let there_and_back = run_to_pixels(&file(&dark, Format::Png), "brightness:0.1/brightness:10");
    assert_eq!(there_and_back, dark, "nothing is rounded between two operations");
    let clamped = run_to_pixels(&file(&dark, Format::Png), "brightness:10/brightness:10/brightness:10/brightness:0.1");
    assert_eq!(clamped.as_bytes()[..3], [26, 26, 26], "each operation is clamped");
}
