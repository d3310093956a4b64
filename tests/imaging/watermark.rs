//! Watermarks, against the formula of source-over at places that are counted out here.

use image::{ColorType, DynamicImage, Rgb, RgbImage, Rgba, RgbaImage};
use moxcms::ColorProfile;
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;

use crate::animation::{decoded, gif_of};
use crate::common::{COLOR_TYPES, Samples, convert, file, pixels, run_with, sample};
use crate::formats::with_profile;
use crate::operations::holder;
use crate::orientation::oriented;

/// The picture that lies over the others: every pixel is another, and alpha takes every value.
fn logo(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        Rgba([(x * 37 + y * 11) as u8, (x * 5 + y * 71) as u8, (200 - x * 3) as u8, (x * 255 / (width - 1).max(1)) as u8])
    })
}

fn opaque(width: u32, height: u32) -> RgbaImage {
    let mut picture = logo(width, height);
    picture.pixels_mut().for_each(|pixel| pixel[3] = 255);
    picture
}

fn png(picture: &RgbaImage) -> Vec<u8> {
    file(&picture.clone().into(), Format::Png)
}

/// The samples before and after a pipeline with the asset `logo`.
fn through(image: &DynamicImage, pipeline: &str, logo: &[u8]) -> (Samples, Samples) {
    let (result, _) =
        run_with(&file(image, holder(image.color())), pipeline, &[("logo", logo)]).unwrap_or_else(|error| panic!("{pipeline}: {error}"));
    (Samples::of(image), Samples::of(&pixels(&result)))
}

/// What source-over (Compositing and Blending Level 1, 5.1) makes of a pixel; samples from 0 to 1.
fn over(below: &[f64], colours: usize, color: [f64; 3], alpha: f64) -> Vec<f64> {
    let behind = below.get(colours).copied().unwrap_or(1.0) * (1.0 - alpha);
    let whole = alpha + behind;
    let mixed = below[..colours]
        .iter()
        .zip(color)
        .map(|(below, color)| if whole > 0.0 { (color * alpha + below * behind) / whole } else { *below });
    mixed.chain((below.len() > colours).then_some(whole)).collect()
}

/// The image with a picture of that opacity laid over it wherever `at` says which of its pixels is where.
fn expected(image: &DynamicImage, logo: &RgbaImage, opacity: f64, at: impl Fn(i64, i64) -> Option<(u32, u32)>) -> Samples {
    let samples = Samples::of(image);
    let (width, mut index) = (samples.width, 0);
    samples.map(|pixel| {
        let (x, y) = (index % width, index / width);
        index += 1;
        let Some((column, row)) = at(x.into(), y.into()) else { return pixel.to_vec() };
        let [r, g, b, a] = logo[(column, row)].0.map(f64::from);
        let below: Vec<f64> = pixel.iter().map(|sample| sample / samples.largest).collect();
        let result = over(&below, samples.colours(), [r / 255.0, g / 255.0, b / 255.0], a / 255.0 * opacity);
        result.into_iter().map(|sample| sample * samples.largest).collect()
    })
}

/// The pixels of a picture whose first is there.
fn once(logo: &RgbaImage, (left, top): (i64, i64)) -> impl Fn(i64, i64) -> Option<(u32, u32)> {
    let (width, height) = (i64::from(logo.width()), i64::from(logo.height()));
    move |x, y| ((0..width).contains(&(x - left)) && (0..height).contains(&(y - top))).then(|| ((x - left) as u32, (y - top) as u32))
}

/// A level of 8 bits or some of 16, for what is rounded here and there.
fn tolerance(samples: &Samples) -> f64 {
    if samples.largest > 1.0 { 1.0 } else { 1e-5 }
}

#[test]
fn every_pixel_type_is_blended_by_alpha_and_opacity() {
    let logo = logo(12, 9);
    for color in COLOR_TYPES.into_iter().filter(|color| color.has_color()) {
        let image = sample(40, 30, color);
        for (pipeline, opacity) in [("watermark:logo,g=northwest,margin=5", 1.0), ("watermark:logo,g=northwest,margin=5,opacity=0.4", 0.4)]
        {
            let (_, after) = through(&image, pipeline, &png(&logo));
            let expected = expected(&image, &logo, opacity, once(&logo, (5, 5)));
            after.assert_near(&expected, tolerance(&expected), &format!("{color:?} {pipeline}"));
        }
    }
}

#[test]
fn a_gray_image_stays_gray_under_a_gray_watermark_only() {
    let gray = DynamicImage::from(logo(12, 9)).into_luma_alpha8();
    let as_colours = DynamicImage::from(gray.clone()).into_rgba8();
    for color in [ColorType::L8, ColorType::La8, ColorType::L16, ColorType::La16] {
        let image = sample(40, 30, color);
        let (_, after) = through(&image, "watermark:logo,g=northwest,margin=5", &file(&gray.clone().into(), Format::Png));
        let expected_gray = expected(&image, &as_colours, 1.0, once(&as_colours, (5, 5)));
        after.assert_near(&expected_gray, tolerance(&expected_gray), &format!("{color:?}"));

        let coloured = logo(12, 9);
        let (_, after) = through(&image, "watermark:logo,g=northwest,margin=5", &png(&coloured));
        let of_colours = convert(
            image,
            match color {
                ColorType::L8 => ColorType::Rgb8,
                ColorType::La8 => ColorType::Rgba8,
                ColorType::L16 => ColorType::Rgb16,
                _ => ColorType::Rgba16,
            },
        );
        let expected = expected(&of_colours, &coloured, 1.0, once(&coloured, (5, 5)));
        after.assert_near(&expected, tolerance(&expected), &format!("{color:?}, coloured"));
    }
}

#[test]
fn it_stands_in_nine_places_and_is_moved_from_there() {
    let (image, logo) = (sample(40, 30, ColorType::Rgb8), opaque(11, 7));
    // The room between the margins is 40 - 2 * 3 - 11 = 23 and 30 - 2 * 3 - 7 = 17; the middle is at half of it, rounded down.
    for (gravity, place) in [
        ("northwest", (3, 3)),
        ("north", (14, 3)),
        ("northeast", (26, 3)),
        ("west", (3, 11)),
        ("center", (14, 11)),
        ("east", (26, 11)),
        ("southwest", (3, 20)),
        ("south", (14, 20)),
        ("southeast", (26, 20)),
    ] {
        for (moved, (dx, dy)) in [("", (0, 0)), (",x=4,y=-2", (4, -2))] {
            let (_, after) = through(&image, &format!("watermark:logo,g={gravity},margin=3{moved}"), &png(&logo));
            let expected = expected(&image, &logo, 1.0, once(&logo, (place.0 + dx, place.1 + dy)));
            after.assert_same(&expected, &format!("{gravity}{moved}"));
        }
    }
    // A tenth of the shorter side.
    let (_, after) = through(&image, "watermark:logo,g=northwest,margin=10%", &png(&logo));
    after.assert_same(&expected(&image, &logo, 1.0, once(&logo, (3, 3))), "in percent");
}

#[test]
fn what_is_outside_of_the_image_is_cut_off() {
    let image = sample(20, 15, ColorType::Rgb8);
    let large = opaque(50, 41);
    // In the middle of something smaller: 15 columns and 13 rows are outside before the image.
    let (_, after) = through(&image, "watermark:logo,g=center,margin=0", &png(&large));
    after.assert_same(&expected(&image, &large, 1.0, once(&large, (-15, -13))), "larger than the image");
    let small = opaque(6, 5);
    for (x, y) in [(-3, -2), (17, 12), (-6, 0), (0, 15), (-65_535, 65_535)] {
        let (_, after) = through(&image, &format!("watermark:logo,g=northwest,margin=0,x={x},y={y}"), &png(&small));
        after.assert_same(&expected(&image, &small, 1.0, once(&small, (x, y))), &format!("at {x},{y}"));
    }
}

#[test]
fn tiles_go_on_to_every_edge_with_their_spacing() {
    let (image, logo) = (sample(40, 30, ColorType::Rgb8), opaque(7, 5));
    let (_, after) = through(&image, "watermark:logo,g=northwest,margin=2,tile=true,spacing=3", &png(&logo));
    // One begins at 2,2, and others every 7 + 3 columns and 5 + 3 rows, before it, too.
    let at = |x: i64, y: i64| {
        let (column, row) = ((x - 2).rem_euclid(10), (y - 2).rem_euclid(8));
        (column < 7 && row < 5).then_some((column as u32, row as u32))
    };
    after.assert_same(&expected(&image, &logo, 1.0, at), "tiled");
    let dot = opaque(1, 1);
    let (_, after) = through(&image, "watermark:logo,tile=true,spacing=0", &png(&dot));
    after.assert_same(&expected(&image, &dot, 1.0, |_, _| Some((0, 0))), "a dot everywhere");
}

#[test]
fn a_scale_fits_it_into_a_part_of_the_image() {
    // Of one colour, so that only the size tells: a quarter of the width is 30, of the height 20; 2:1 fits as 30 by 15.
    let logo = RgbaImage::from_pixel(64, 32, Rgba([250, 10, 90, 255]));
    let shown = RgbaImage::from_pixel(30, 15, Rgba([250, 10, 90, 255]));
    let image = sample(120, 80, ColorType::Rgb8);
    let (_, after) = through(&image, "watermark:logo,scale=25%,g=northwest,margin=0", &png(&logo));
    after.assert_near(&expected(&image, &shown, 1.0, once(&shown, (0, 0))), 0.0, "smaller");
    let small = RgbaImage::from_pixel(8, 4, Rgba([250, 10, 90, 255]));
    let (_, after) = through(&image, "watermark:logo,scale=25%,g=northwest,margin=0", &png(&small));
    after.assert_near(&expected(&image, &shown, 1.0, once(&shown, (0, 0))), 0.0, "larger");
}

#[test]
fn what_cannot_be_seen_does_not_bleed_when_it_is_scaled() {
    // White and opaque on the left, invisible green on the right: nothing green may come out.
    let logo = RgbaImage::from_fn(64, 64, |x, _| if x < 32 { Rgba([255; 4]) } else { Rgba([0, 255, 0, 0]) });
    let white = RgbImage::from_pixel(20, 20, Rgb([255; 3])).into();
    let (_, after) = through(&white, "watermark:logo,scale=100%,margin=0", &png(&logo));
    after.assert_near(&Samples::of(&white), 0.0, "white");
}

#[test]
fn a_watermark_is_upright_and_in_srgb() {
    let image = sample(40, 30, ColorType::Rgb8);
    let logo = opaque(11, 7);
    let mut lying = DynamicImage::from(logo.clone());
    lying.apply_orientation(image::metadata::Orientation::Rotate270);
    let (_, after) = through(&image, "watermark:logo,g=northwest,margin=0", &oriented(&lying, 6));
    after.assert_same(&expected(&image, &logo, 1.0, once(&logo, (0, 0))), "turned by its EXIF");

    // Display P3 (0, 0.5, 0) is beyond sRGB's green: red and blue are cut off at 0, green comes out lighter.
    let green: DynamicImage = RgbImage::from_pixel(11, 7, Rgb([100, 128, 100])).into();
    let profile = ColorProfile::new_display_p3().encode().expect("it is whole");
    let (_, after) = through(&image, "watermark:logo,g=northwest,margin=0", &with_profile(&green, Format::Png, profile));
    let expected = crate::profile::p3_to_srgb(100.0 / 255.0, 128.0 / 255.0, 100.0 / 255.0).map(|sample| sample * 255.0);
    assert!(
        after.pixel(3, 3).iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= 1.0),
        "{:?} {expected:?}",
        after.pixel(3, 3)
    );
    assert!((expected[0] - 100.0).abs() > 2.0, "the profile makes a difference");
}

#[test]
fn every_frame_of_an_animation_has_it() {
    let frames: Vec<RgbaImage> = (0..3).map(|number| RgbaImage::from_pixel(24, 18, Rgba([number * 40, 90, 10, 255]))).collect();
    let logo = RgbaImage::from_pixel(5, 4, Rgba([255, 0, 0, 255]));
    let (result, _) =
        run_with(&gif_of(&frames, None), "watermark:logo,scale=20%,g=northwest,margin=2/png", &[("logo", &png(&logo))]).expect("it runs");
    let (found, _) = decoded(&result);
    assert_eq!(found.len(), 3);
    for (before, (after, _)) in frames.iter().zip(found) {
        // 5:4 in a fifth of 24 by 18, which is 5 by 4.
        let at = |x: u32, y: u32| (2..7).contains(&x) && (2..6).contains(&y);
        let expected = RgbaImage::from_fn(24, 18, |x, y| if at(x, y) { Rgba([255, 0, 0, 255]) } else { before[(x, y)] });
        assert!(after == expected);
    }
}

#[test]
fn of_an_animated_watermark_the_first_frame_is_taken() {
    let frames: Vec<RgbaImage> = (0..2).map(|number| RgbaImage::from_pixel(6, 5, Rgba([200 * number, 20, 10, 255]))).collect();
    let image = sample(20, 15, ColorType::Rgb8);
    let (_, after) = through(&image, "watermark:logo,g=northwest,margin=0", &gif_of(&frames, None));
    after.assert_same(&expected(&image, &frames[0], 1.0, once(&frames[0], (0, 0))), "the first");
}

#[test]
fn an_asset_that_cannot_be_used_is_an_error_that_names_it() {
    let image = file(&sample(20, 15, ColorType::Rgb8), Format::Png);
    let logo = png(&logo(12, 9));
    let wide = file(&DynamicImage::new_luma8(20_000, 1), Format::Png);
    let cases: [(&str, &str, &[u8]); 4] = [
        ("is not there", "other", &logo),
        ("damaged or cut off", "logo", &logo[..logo.len() * 2 / 3]),
        ("no known image format", "logo", b"text"),
        ("max_width is 16384, found 20000", "logo", &wide),
    ];
    for (why, name, bytes) in cases {
        let error = run_with(&image, "watermark:logo", &[(name, bytes)]).expect_err(why);
        assert_eq!(error.code(), ErrorCode::AssetFailed, "{error}");
        assert!(error.to_string().starts_with("the asset logo: ") && error.to_string().contains(why), "{error}");
    }
}
