//! PNG by a palette: exact where the colours have room, and what is left of them where they have not.

use std::collections::HashSet;

use image::{ColorType, DynamicImage, Rgba, RgbaImage};
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;

use crate::common::{COLOR_TYPES, convert, file, pixels, psnr, run, sample};
use crate::formats::{profile_of, with_profile};

/// The bit depth and the colour type in the header of a PNG (third edition, 11.2.1).
fn kind(png: &[u8]) -> (u8, u8) {
    (png[24], png[25])
}

const PALETTE: u8 = 3;

fn colours(image: &DynamicImage) -> HashSet<[u8; 4]> {
    image.to_rgba8().pixels().map(|pixel| pixel.0).collect()
}

/// `count` colours, most of them half transparent, spread over an image whose rows end within a byte.
fn few(count: u32) -> DynamicImage {
    let image = RgbaImage::from_fn(37, 29, |x, y| {
        let index = (x * 7 + y * 11) % count;
        Rgba([index as u8, (index * 5) as u8, 200, if index.is_multiple_of(3) { 255 } else { 255 - index as u8 }])
    });
    image.into()
}

#[test]
fn an_image_with_no_more_colours_is_exact_in_as_few_bits_as_they_need() {
    for (count, depth) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 4), (16, 4), (17, 8), (255, 8), (256, 8)] {
        let image = few(count);
        assert_eq!(colours(&image).len(), count as usize, "the test's own image");
        for compression in ["fast", "balanced", "best"] {
            let (png, _) =
                run(&file(&image, Format::Png), &format!("png:colors={},compression={compression}", count.max(2))).expect("it encodes");
            assert_eq!(kind(&png), (depth, PALETTE), "{count}");
            assert_eq!(pixels(&png).into_rgba8(), image.to_rgba8(), "{count}");
        }
    }
}

#[test]
fn an_opaque_image_stays_opaque_and_every_pixel_type_has_a_palette() {
    for color in COLOR_TYPES {
        let image = sample(40, 30, color);
        let Some(input) = crate::common::try_file(&image, if color.bits_per_pixel() > 64 { Format::Tiff } else { Format::Png }) else {
            continue;
        };
        let (png, _) = run(&input, "png:colors=200").expect("it encodes");
        assert_eq!(kind(&png), (8, PALETTE), "{color:?}");
        let result = pixels(&png);
        assert_eq!(result.color().has_alpha(), color.has_alpha(), "{color:?}");
        assert!(colours(&result).len() <= 200, "{color:?}");
    }
}

#[test]
fn a_palette_is_shorter_than_all_colours_at_every_compression() {
    // A drawing: few colours in large areas, soft edges.
    let image: DynamicImage = RgbaImage::from_fn(400, 300, |x, y| {
        if (x / 50 + y / 40).is_multiple_of(2) { Rgba([200, 30, 30, 255]) } else { Rgba([20, 90, x as u8 / 64, 255]) }
    })
    .into();
    let input = file(&image.blur(1.0), Format::Png);
    for compression in ["fast", "balanced", "best"] {
        let length = |colors: &str| run(&input, &format!("png:compression={compression}{colors}")).expect("it encodes").0.len();
        assert!(length(",colors=256") * 2 < length(""), "{compression}: {} of {}", length(",colors=256"), length(""));
    }
}

#[test]
fn chosen_colours_are_likelier_than_those_of_a_cube() {
    let image = sample(400, 300, ColorType::Rgb8).blur(2.0);
    let input = file(&image, Format::Png);
    // Eight levels of red and green, four of blue, each in the middle of its range: what takes no look at the image.
    let level = |sample: u8, levels: u8| (u16::from(sample) / (256 / u16::from(levels)) * (256 / u16::from(levels))) as u8 + 128 / levels;
    let cube: Vec<u8> =
        image.as_bytes().as_chunks().0.iter().flat_map(|[r, g, b]: &[u8; 3]| [level(*r, 8), level(*g, 8), level(*b, 4)]).collect();
    let uniform = psnr(&cube, image.as_bytes());
    let mut last = 0.0;
    for count in [4, 16, 64, 256] {
        let result = pixels(&run(&input, &format!("png:colors={count},dither=0")).expect("it encodes").0);
        assert!(colours(&result).len() <= count);
        let likeness = psnr(result.to_rgb8().as_raw(), image.as_bytes());
        println!("{count} colours: {likeness:.1} dB, the cube of 256 {uniform:.1} dB");
        assert!(likeness > last + 2.0, "{count}: {likeness:.1} dB, fewer {last:.1} dB");
        last = likeness;
    }
    assert!(last > uniform + 5.0, "{last:.1} dB, the cube {uniform:.1} dB");
}

#[test]
fn dithering_keeps_the_mean_of_an_area() {
    // A gray ramp in four colours: without dithering, bands.
    let image: DynamicImage = RgbaImage::from_fn(256, 64, |x, _| Rgba([x as u8, x as u8, x as u8, 255])).into();
    let input = file(&image, Format::Png);
    let mean_error = |pipeline: &str| {
        let result = pixels(&run(&input, pipeline).expect("it encodes").0).to_rgba8();
        let area = |image: &RgbaImage, left: u32| -> f64 {
            let samples = (0..64 * 16).map(|index| f64::from(image.get_pixel(left + index % 16, index / 16)[0]));
            samples.sum::<f64>() / f64::from(64 * 16)
        };
        let original = image.to_rgba8();
        (0..16).map(|part| (area(&result, part * 16) - area(&original, part * 16)).abs()).sum::<f64>() / 16.0
    };
    let (without, half, with) = (mean_error("png:colors=4,dither=0"), mean_error("png:colors=4,dither=0.5"), mean_error("png:colors=4"));
    assert!(with < without * 0.6 && with < half && half < without, "{without} {half} {with}");
}

#[test]
fn a_palette_keeps_the_colour_profile() {
    let mut profile = vec![7; 600];
    profile[16..20].copy_from_slice(b"RGB ");
    let input = with_profile(&sample(40, 30, ColorType::Rgb8), Format::Png, profile.clone());
    assert_eq!(profile_of(&run(&input, "png:colors=8").expect("it encodes").0), Some(profile));
    let mut gray = vec![7; 600];
    gray[16..20].copy_from_slice(b"GRAY");
    let input = with_profile(&convert(sample(40, 30, ColorType::Rgb8), ColorType::L8), Format::Png, gray);
    assert_eq!(profile_of(&run(&input, "png:colors=8").expect("it encodes").0), None, "a palette is of colours");
}

#[test]
fn an_animation_has_no_palette() {
    let frames: Vec<_> = (0..2).map(|shift| sample(20, 10, ColorType::Rgba8).huerotate(shift * 30).into_rgba8()).collect();
    let input = crate::animation::gif_of(&frames, None);
    let error = run(&input, "png:colors=8").expect_err("it is refused");
    assert_eq!(error.code(), ErrorCode::OperationFailed);
    assert_eq!(error.to_string(), "png: colors is for still images: leave it out, or take one frame by input:frames=first");
    run(&input, "input:frames=first/png:colors=8").expect("one frame");
}
