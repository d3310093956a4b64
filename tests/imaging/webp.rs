//! WebP as it is written, judged by a decoder that shares no code with its encoder.

use std::io::Cursor;

use image::codecs::webp::WebPDecoder;
use image::{ColorType, DynamicImage, ImageDecoder, RgbaImage};
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;
use safelight::domain::limits::ImageLimits;
use safelight::imaging::{self, Assets};

use crate::common::{file, pixels, psnr, run, run_to_pixels, sample};

/// Smooth, as a photograph is.
fn smooth(width: u32, height: u32) -> DynamicImage {
    sample(width, height, ColorType::Rgb8).blur(2.0)
}

/// The kind of the chunk that holds the pixels, in a file without a colour profile or alpha of its own.
fn chunk(file: &[u8]) -> &[u8] {
    &file[12..16]
}

#[test]
fn a_webp_is_lossy_unless_told_otherwise_and_near_the_image() {
    let image = smooth(301, 199);
    let input = file(&image, Format::Png);
    let near = |pipeline: &str| psnr(run_to_pixels(&input, pipeline).into_rgb8().as_raw(), image.as_bytes());
    let (default, _) = run(&input, "webp").expect("it encodes");
    assert_eq!(chunk(&default), b"VP8 ");
    assert_eq!(default, run(&input, "webp:q=80,effort=4").expect("it encodes").0);
    assert!(near("webp") > 38.0, "{}", near("webp"));
    assert!(near("webp:q=20") < near("webp"), "{}", near("webp:q=20"));
    let (lossless, _) = run(&input, "webp:lossless=true").expect("it encodes");
    assert_eq!(chunk(&lossless), b"VP8L");
    assert!(default.len() * 2 < lossless.len());
}

#[test]
fn more_effort_is_a_smaller_file() {
    let input = file(&sample(400, 300, ColorType::Rgb8), Format::Png);
    let length = |pipeline: &str| run(&input, pipeline).expect("it encodes").0.len();
    assert!(length("webp:effort=6") < length("webp:effort=0"));
    assert!(length("webp:lossless=true,effort=6") < length("webp:lossless=true,effort=0"));
}

#[test]
fn alpha_is_exact_also_where_the_colours_are_not() {
    let image = RgbaImage::from_fn(64, 48, |x, y| image::Rgba([x as u8 * 4, y as u8 * 5, 128, (x * 4) as u8]));
    let input = file(&image.clone().into(), Format::Png);
    let lossy = run_to_pixels(&input, "webp:q=70").into_rgba8();
    assert!(lossy.pixels().zip(image.pixels()).all(|(a, b)| a[3] == b[3]));
    // Colours that nobody sees are kept as well where every pixel is to stay as it is.
    assert_eq!(run_to_pixels(&input, "webp:lossless=true").into_rgba8(), image);
}

#[test]
fn gray_images_become_colour() {
    let image = sample(50, 40, ColorType::L8);
    let result = run_to_pixels(&file(&image, Format::Png), "webp:lossless=true");
    assert_eq!(result.into_rgb8(), image.into_rgb8());
    let image = sample(50, 40, ColorType::La8);
    let result = run_to_pixels(&file(&image, Format::Png), "webp:lossless=true");
    assert_eq!(result.into_rgba8(), image.into_rgba8());
}

#[test]
fn a_profile_goes_with_lossy_and_lossless_pixels_with_and_without_alpha() {
    let mut profile: Vec<u8> = (0..601_u32).map(|i| (i * 31 % 251) as u8).collect();
    profile[16..20].copy_from_slice(b"RGB ");
    for color in [ColorType::Rgb8, ColorType::Rgba8] {
        let image = sample(40, 30, color);
        let input = crate::formats::with_profile(&image, Format::Png, profile.clone());
        for output in ["webp:q=90", "webp:lossless=true"] {
            let (file, _) = run(&input, output).expect("it encodes");
            let mut decoder = WebPDecoder::new(Cursor::new(&file)).expect("the file has a header");
            assert_eq!(decoder.icc_profile().expect("the chunk is whole").as_ref(), Some(&profile), "{color:?} {output}");
            let result = pixels(&file);
            assert_eq!(result.color(), color);
            let like = psnr(result.as_bytes(), image.as_bytes());
            assert!(if output.contains("lossless") { like.is_infinite() } else { like > 25.0 }, "{color:?} {output}: {like}");
        }
    }
}

#[test]
fn a_file_beyond_the_limit_is_given_up() {
    let input = file(&sample(200, 200, ColorType::Rgb8), Format::Png);
    let limits = ImageLimits { max_output_bytes: 2_000, ..ImageLimits::default() };
    for pipeline in ["webp:q=100", "webp:lossless=true"] {
        let mut out = Cursor::new(Vec::new());
        let error = imaging::run(&input, &pipeline.parse().expect("a pipeline"), &Assets::default(), &limits, &mut out)
            .expect_err("it is too large");
        assert_eq!(error.code(), ErrorCode::OutputTooLarge);
        assert!(error.to_string().contains("max_output_bytes is 2000, found "), "{error}");
        assert!(out.into_inner().is_empty());
    }
}
