//! What is told of an original: what its header says, and what a glance at its pixels shows.

use image::codecs::png::PngEncoder;
use image::{ColorType, DynamicImage, ImageEncoder, Rgb, RgbImage};
use moxcms::ColorProfile;
use safelight::domain::format::Format;
use safelight::domain::probe::{ColorSpace, Details, HexColor};
use safelight::imaging;

use crate::common::{file, run, sample};
use crate::exif::{CAMERA, exif};
use crate::formats::with_profile;
use crate::inks::of_inks;
use crate::metadata::with;

fn details(input: &[u8]) -> Details {
    imaging::details(input).expect("the header is whole")
}

/// What is told of a file of this pixel type.
fn told(color: ColorType, format: Format) -> (ColorSpace, u8, bool) {
    let Details { color_space, bit_depth, alpha, .. } = details(&file(&sample(30, 20, color), format));
    (color_space, bit_depth, alpha)
}

#[test]
fn colours_depth_and_alpha_are_those_of_the_file() {
    use ColorSpace::{Gray, Srgb};
    assert_eq!(told(ColorType::L8, Format::Png), (Gray, 8, false));
    assert_eq!(told(ColorType::La16, Format::Png), (Gray, 16, true));
    assert_eq!(told(ColorType::Rgba8, Format::Webp), (Srgb, 8, true));
    assert_eq!(told(ColorType::Rgb8, Format::Jpeg), (Srgb, 8, false));
    assert_eq!(told(ColorType::Rgb16, Format::Tiff), (Srgb, 16, false));
    assert_eq!(told(ColorType::Rgb32F, Format::Tiff), (Srgb, 32, false));
    let mut two_colours = Vec::new();
    let mut encoder = png::Encoder::new(&mut two_colours, 8, 1);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_palette([255, 0, 0, 0, 0, 255].as_slice());
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&[0b1010_1010])).expect("it encodes");
    let Details { color_space, bit_depth, alpha, .. } = details(&two_colours);
    assert_eq!((color_space, bit_depth, alpha), (Srgb, 1, false));
    let inks = details(&of_inks());
    assert_eq!((inks.color_space, inks.profile, inks.alpha), (ColorSpace::Cmyk, None, false));
}

#[test]
fn a_profile_is_named_and_only_that_of_srgb_means_srgb() {
    let picture = sample(200, 150, ColorType::Rgb8);
    let of = |profile: ColorProfile, format| {
        let Details { color_space, profile, .. } = details(&with_profile(&picture, format, profile.encode().expect("it is whole")));
        (color_space, profile)
    };
    for format in [Format::Png, Format::Jpeg, Format::Webp, Format::Tiff] {
        let (space, name) = of(ColorProfile::new_display_p3(), format);
        assert_eq!(space, ColorSpace::Rgb, "{format}");
        assert!(name.is_some_and(|name| name.contains("P3")), "{format}");
        assert_eq!(of(ColorProfile::new_srgb(), format).0, ColorSpace::Srgb, "{format}");
    }
}

#[test]
fn chosen_tags_are_told_and_of_the_place_only_that_there_is_one() {
    for big_endian in [false, true] {
        let mut png = Vec::new();
        let mut encoder = PngEncoder::new(&mut png);
        encoder.set_exif_metadata(exif(big_endian)).expect("PNG has a place for it");
        let picture = sample(30, 20, ColorType::Rgb8);
        encoder.write_image(picture.as_bytes(), 30, 20, picture.color().into()).expect("it encodes");
        let jpeg = with(&file(&picture, Format::Jpeg), 2, &{
            let data = [b"Exif\0\0", &exif(big_endian)[..]].concat();
            [&[0xff, 0xe1], &(data.len() as u16 + 2).to_be_bytes()[..], &data].concat()
        });
        for input in [png, jpeg, exif(big_endian)] {
            let details = details(&input);
            assert_eq!(details.orientation, 6);
            let told = serde_json::to_value(details.exif.expect("there are tags")).expect("it prints");
            let expected = serde_json::json!({
                "make": CAMERA, "lens": "Nolens 35mm", "taken_at": "2024-05-31T17:04:59", "exposure_time": "1/5", "f_number": 2.8,
                "iso": 400, "focal_length": 35, "artist": "Ann Other", "copyright": "(c) 2024 Ann Other, all rights reserved",
                "has_location": true,
            });
            assert_eq!(told, expected);
        }
    }
    assert_eq!(details(&file(&sample(3, 2, ColorType::Rgb8), Format::Png)).exif, None);
}

#[test]
fn a_glance_shows_the_dominant_colour_in_srgb_whatever_is_made_of_the_image() {
    // Three quarters are of one colour, the rest is noise.
    let noise = sample(800, 600, ColorType::Rgb8).into_rgb8();
    let picture = RgbImage::from_fn(800, 600, |x, y| if x < 600 { Rgb([200, 40, 60]) } else { *noise.get_pixel(x, y) });
    let seen = |input: &[u8], pipeline: &str| run(input, pipeline).expect("it runs").1.glance.expect("something is seen");
    let near = |HexColor(found): HexColor, expected: [u8; 3], by: u8| {
        assert!(found.iter().zip(expected).all(|(found, expected)| found.abs_diff(expected) <= by), "{found:?} for {expected:?}");
    };
    let (png, jpeg) = (file(&picture.clone().into(), Format::Png), file(&picture.clone().into(), Format::Jpeg));
    let whole = seen(&png, "invert/png");
    near(whole.dominant_color, [200, 40, 60], 0);
    for pipeline in ["resize:50x", "grayscale/jpeg", "input:profile=keep/webp"] {
        near(seen(&jpeg, pipeline).dominant_color, [200, 40, 60], 3);
    }
    // The mean colour is in the third to the sixth character; the eighth of a JPEG has nearly that of the whole.
    let mean = |hash: &str| {
        let alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";
        let number = hash[2..6].chars().fold(0_u32, |number, digit| number * 83 + alphabet.find(digit).expect("a digit") as u32);
        [(number >> 16) as u8, (number >> 8) as u8, number as u8]
    };
    let (full, small) = (seen(&jpeg, "invert").blurhash, seen(&jpeg, "resize:50x,quality=fast").blurhash);
    near(HexColor(mean(small.as_str())), mean(full.as_str()), 4);
    // Pure red of Display P3 lies outside of sRGB, a dull one inside: by the matrix between their primaries.
    let dull = DynamicImage::from(RgbImage::from_pixel(40, 30, Rgb([150, 100, 100])));
    let tagged = with_profile(&dull, Format::Png, ColorProfile::new_display_p3().encode().expect("it is whole"));
    for pipeline in ["invert", "input:profile=keep/invert"] {
        near(seen(&tagged, pipeline).dominant_color, P3, 1);
    }
}

/// What (150, 100, 100) of Display P3 is in sRGB.
const P3: [u8; 3] = [159, 97, 99];
