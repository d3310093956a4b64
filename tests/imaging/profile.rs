//! Colours that a profile describes, against the formulas of their colour spaces.

use image::{ColorType, DynamicImage};
use moxcms::ColorProfile;
use safelight::domain::format::Format;

use crate::allocation::peak_of;
use crate::common::{COLOR_TYPES, Samples, pixels, run, run_to_pixels, sample};
use crate::formats::{profile_of, with_profile};

/// A format that holds the pixel type and a profile.
fn holder(color: ColorType) -> Format {
    if matches!(color, ColorType::Rgb32F | ColorType::Rgba32F) { Format::Tiff } else { Format::Png }
}

fn encoded(profile: &ColorProfile) -> Vec<u8> {
    profile.encode().expect("it is whole")
}

/// From sRGB's curve (which Display P3 shares) to linear light, IEC 61966-2-1.
fn linear(value: f64) -> f64 {
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// From linear light to sRGB's curve.
fn curved(value: f64) -> f64 {
    let value = value.clamp(0.0, 1.0);
    if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 }
}

/// From Display P3 to sRGB: both have the same white, so one matrix between their primaries is all.
pub(crate) fn p3_to_srgb(r: f64, g: f64, b: f64) -> [f64; 3] {
    let [r, g, b] = [r, g, b].map(linear);
    let rows = [[1.224_940_2, -0.224_940_2, 0.0], [-0.042_056_9, 1.042_056_9, 0.0], [-0.019_637_6, -0.078_636_1, 1.098_273_5]];
    rows.map(|[x, y, z]| curved(x * r + y * g + z * b))
}

/// What a picture with a profile must come out as.
fn expected(image: &DynamicImage, gray_gamma: f64) -> Samples {
    let samples = Samples::of(image);
    let largest = samples.largest;
    samples.map(|pixel| {
        let (colours, alpha) = pixel.split_at(samples.colours());
        let converted = match *colours {
            [r, g, b] => p3_to_srgb(r / largest, g / largest, b / largest).to_vec(),
            [gray, ..] => vec![curved((gray / largest).powf(gray_gamma))],
            [] => unreachable!("a pixel has a sample"),
        };
        converted.into_iter().map(|sample| sample * largest).chain(alpha.iter().copied()).collect()
    })
}

pub(crate) fn tagged(image: &DynamicImage) -> Vec<u8> {
    tagged_as(image, holder(image.color()))
}

pub(crate) fn tagged_as(image: &DynamicImage, format: Format) -> Vec<u8> {
    let profile = if image.color().has_color() { ColorProfile::new_display_p3() } else { ColorProfile::new_gray_with_gamma(1.8) };
    with_profile(image, format, encoded(&profile))
}

#[test]
fn colours_are_converted_to_srgb_in_every_pixel_type() {
    for color in COLOR_TYPES {
        let image = sample(67, 41, color);
        let (bytes, info) = run(&tagged(&image), &holder(color).to_string()).expect("it runs");
        let found = Samples::of(&pixels(&bytes));
        let largest = found.largest;
        // A profile's primaries are rounded, and the curves are tables; near black, where sRGB's is steep, this shows.
        let off = largest * if largest == 255.0 { 1.0 } else { 0.5 } / 255.0;
        let expected = expected(&image, 1.8);
        found.assert_near(&expected, off, &format!("{color:?}"));
        let pairs = found.pixels().flatten().zip(expected.pixels().flatten()).filter(|(_, expected)| **expected > largest / 10.0);
        let off = pairs.map(|(found, expected)| (found - expected).abs() * 255.0 / largest).fold(0.0, f64::max);
        assert!(off <= if largest == 255.0 { 0.75 } else { 0.2 }, "{color:?}: {off} of 255 levels off above a tenth of the range");
        assert_eq!(profile_of(&bytes), None, "{color:?} as {}: sRGB needs none", info.format);
        let changed = Samples::of(&image).pixels().zip(found.pixels()).filter(|(before, after)| before != after).count();
        assert!(changed > 1000, "{color:?}: the conversion changes colours: {changed}");
    }
}

#[test]
fn steps_that_look_at_colours_see_srgb() {
    let image = sample(67, 41, ColorType::Rgb8);
    let srgb = with_profile(&run_to_pixels(&tagged(&image), "png"), Format::Png, encoded(&ColorProfile::new_srgb()));
    for steps in ["swap_channels", "invert", "grayscale", "gamma:2/sepia", "normalize", "rotate:90/swap_channels"] {
        assert_eq!(run_to_pixels(&tagged(&image), steps), run_to_pixels(&srgb, steps), "{steps}");
    }
}

#[test]
fn the_colour_of_a_canvas_is_not_converted() {
    for pipeline in ["resize:20x60,fit=contain,bg=20c040/png", "extend:9,bg=20c040/png"] {
        let found = run_to_pixels(&tagged(&sample(20, 30, ColorType::Rgb8)), pipeline).into_rgb8();
        assert_eq!(found.get_pixel(1, 1).0, [0x20, 0xc0, 0x40], "{pipeline}");
    }
}

#[test]
fn values_and_profile_stay_where_they_are_to_be_kept() {
    let image = sample(67, 41, ColorType::Rgb8);
    let bytes = run(&tagged(&image), "input:profile=keep/png").expect("it runs").0;
    assert_eq!(pixels(&bytes), image);
    assert_eq!(profile_of(&bytes), Some(encoded(&ColorProfile::new_display_p3())));
}

#[test]
fn a_profile_of_srgb_changes_no_value() {
    let image = sample(67, 41, ColorType::Rgb8);
    let bytes = run(&with_profile(&image, Format::Png, encoded(&ColorProfile::new_srgb())), "png").expect("it runs").0;
    assert_eq!(pixels(&bytes), image);
    assert_eq!(profile_of(&bytes), None);
}

#[test]
fn the_estimate_of_memory_holds_for_a_conversion() {
    for color in COLOR_TYPES {
        let bytes = tagged(&sample(500, 300, color));
        let pipeline = "swap_channels/png".parse().expect("a pipeline");
        let estimate =
            safelight::domain::pipeline::cost::peak_bytes(&safelight::imaging::probe(&bytes).expect("the header is whole"), &pipeline);
        let (_, used) = peak_of(|| run(&bytes, "swap_channels/png").expect("it runs"));
        println!("{color:?}: used {used}, estimated {estimate}");
        assert!(used <= estimate, "{color:?}: used {used}, estimated {estimate}");
    }
}
