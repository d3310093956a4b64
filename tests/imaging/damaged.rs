//! Files that are cut off, damaged, empty, too large, or something else altogether: an error that says so, never half a picture.

use std::fs;

use image::codecs::webp::WebPEncoder;
use image::{ColorType, ImageEncoder};
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;
use safelight::domain::limits::{ImageLimits, Limit};
use safelight::imaging::{self, Assets, ImagingError};

use crate::common::{COLOR_TYPES, file, made, photos, run, sample, try_file};

fn assert_corrupt(what: &str, input: &[u8]) {
    match run(input, "invert/png") {
        Err(error) => assert_eq!(error.code(), ErrorCode::CorruptImage, "{what}: {error}"),
        Ok((_, info)) => panic!("{what}: came out as {}x{}", info.width, info.height),
    }
}

#[test]
fn a_file_cut_off_anywhere_is_corrupt_in_every_format_and_pixel_type() {
    for color in COLOR_TYPES {
        let image = sample(300, 200, color);
        for format in Format::ALL {
            let Some(whole) = try_file(&image, format) else { continue };
            run(&whole, "invert/png").expect("the whole file is fine");
            for percent in [5, 10, 30, 50, 70, 90, 98] {
                assert_corrupt(&format!("{format} {color:?} cut at {percent} %"), &whole[..whole.len() * percent / 100]);
            }
        }
    }
}

#[test]
fn a_photograph_cut_in_half_is_corrupt() {
    let Some(photos) = photos() else { return };
    for name in ["p12_sunset.jpg", "p12_sunset_prog.jpg", "p8_picos.jpg", "p4_picos.png", "p4_picos.webp"] {
        let whole = fs::read(photos.join(name)).expect("readable");
        assert_corrupt(name, &whole[..whole.len() / 2]);
    }
}

#[test]
fn a_webp_shorter_than_its_header_says_is_corrupt() {
    // The metadata comes last, so that all pixels are there.
    let image = sample(300, 200, ColorType::Rgb8);
    let mut whole = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut whole);
    encoder.set_exif_metadata(vec![7; 100]).expect("WebP has a place for it");
    encoder.encode(image.as_bytes(), 300, 200, image.color().into()).expect("it encodes");
    run(&whole, "invert/png").expect("the whole file is fine");
    assert_corrupt("fifty bytes short", &whole[..whole.len() - 50]);
}

#[test]
fn a_jpeg_without_its_last_bytes_is_corrupt() {
    for color in [ColorType::L8, ColorType::Rgb8] {
        let whole = file(&sample(300, 200, color), Format::Jpeg);
        for missing in 1..40 {
            assert_corrupt(&format!("{missing} bytes short"), &whole[..whole.len() - missing]);
        }
    }
}

#[test]
fn a_jpeg_that_lost_its_second_half_but_kept_its_end_marker_is_corrupt() {
    for color in [ColorType::L8, ColorType::Rgb8] {
        let whole = file(&sample(300, 200, color), Format::Jpeg);
        let mut cut = whole[..whole.len() / 2].to_vec();
        cut.extend([0xff, 0xd9]);
        assert_corrupt("half a scan", &cut);
    }
}

#[test]
fn every_jpeg_size_ends_where_its_scan_ends() {
    // The decoder must neither run out of bytes before the last block nor be given more than it reads ahead.
    for side in 1..=70 {
        for color in [ColorType::L8, ColorType::Rgb8] {
            let flat = image::DynamicImage::new(side, 71 - side, color);
            run(&file(&flat, Format::Jpeg), "invert/png").expect("the file is whole");
        }
    }
}

#[test]
fn bytes_after_the_image_do_no_harm() {
    for format in made() {
        let mut bytes = file(&sample(40, 30, ColorType::Rgb8), format);
        let expected = run(&bytes, "invert/png").expect("the file is whole").0;
        bytes.extend(b"\xff\xd8\xff\xd9 and whatever a camera appends");
        assert_eq!(run(&bytes, "invert/png").expect("still whole").0, expected, "{format}");
    }
}

#[test]
fn what_is_no_image_is_unsupported() {
    for text in [&b""[..], b"B", b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"RIFF\0\0\0\0WAVE"] {
        let error = run(text, "invert").expect_err("no image");
        assert_eq!(error.code(), ErrorCode::UnsupportedFormat, "{text:?}: {error}");
    }
    for magic in [&b"BM"[..], b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"II*\0", b"P3\n", b"P6 ", b"P7\n"] {
        assert_corrupt("a magic number alone", magic);
    }
}

#[test]
fn limits_hold_for_the_original_and_for_every_step() {
    let input = file(&sample(40, 30, ColorType::Rgb8), Format::Png);
    let roomy = ImageLimits { max_width: 50, max_height: 50, max_pixels: 2_000, max_output_bytes: 1 << 20, ..ImageLimits::default() };
    let run = |pipeline: &str, limits: ImageLimits| {
        let pipeline = pipeline.parse().expect("the pipeline is one");
        imaging::run(&input, &pipeline, &Assets::default(), &limits, &mut std::io::Cursor::new(Vec::new()))
    };
    let exceeded = |pipeline: &str, limits: ImageLimits| match run(pipeline, limits) {
        Err(ImagingError::Limit(exceeded)) => (exceeded.limit, exceeded.max, exceeded.found, exceeded.step),
        other => panic!("{pipeline}: {other:?}"),
    };
    assert_eq!(exceeded("invert", ImageLimits { max_width: 39, ..roomy }), (Limit::MaxWidth, 39, 40, None));
    assert_eq!(exceeded("invert", ImageLimits { max_height: 29, ..roomy }), (Limit::MaxHeight, 29, 30, None));
    assert_eq!(exceeded("invert", ImageLimits { max_pixels: 1_199, ..roomy }), (Limit::MaxPixels, 1_199, 1_200, None));
    let enlarging = "invert/resize:60x,enlarge=true/resize:10x";
    assert_eq!(exceeded(enlarging, roomy), (Limit::MaxWidth, 50, 60, Some(2)));
    assert_eq!(exceeded("invert/bmp", ImageLimits { max_output_bytes: 3_600, ..roomy }).0, Limit::MaxOutputBytes);
    run(enlarging, ImageLimits { max_width: 60, max_pixels: 2_700, ..roomy }).expect("within every limit");

    let error = run("invert/png", ImageLimits { max_output_bytes: 100, ..roomy }).expect_err("too large");
    assert_eq!(error.code(), ErrorCode::OutputTooLarge);
    let error = run("invert", ImageLimits { max_width: 39, ..roomy }).expect_err("too wide");
    assert_eq!((error.code(), error.to_string()), (ErrorCode::TooWide, "too large: max_width is 39, found 40".to_owned()));
}

#[test]
fn a_result_that_its_format_cannot_express_is_refused_before_decoding() {
    let input = file(&sample(2, 1, ColorType::Rgb8), Format::Png);
    let limits = ImageLimits { max_width: 70_000, max_pixels: u64::MAX, ..ImageLimits::default() };
    let pipeline = "resize:20000x,enlarge=true/webp".parse().expect("the pipeline is one");
    let error =
        imaging::run(&input, &pipeline, &Assets::default(), &limits, &mut std::io::Cursor::new(Vec::new())).expect_err("too wide for WebP");
    assert_eq!(error.code(), ErrorCode::OperationFailed);
    assert_eq!(error.to_string(), "webp holds at most 16383 pixels a side, the result would have 20000x10000");
}
