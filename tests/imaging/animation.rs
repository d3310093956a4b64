//! Animations: each frame as it is shown, its time, and how often all of them play; judged by other decoders.

use std::io::Cursor;

use gif::{DisposalMethod, Encoder, Repeat};
use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::LoopCount;
use image::{AnimationDecoder, Frames, Rgba, RgbaImage};
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;
use safelight::domain::limits::{ImageLimits, Limit};
use safelight::domain::probe::Warning;
use safelight::imaging::{self, Assets, ImagingError};

use crate::common::{file, pixels, psnr, run, run_to_pixels};

const SIZE: (u16, u16) = (24, 18);
const DELAYS: [u16; 3] = [10, 25, 4];

/// Few colours; what is opaque in one frame is transparent in the next.
pub(crate) fn pictures() -> Vec<RgbaImage> {
    let picture = |number: u32| {
        RgbaImage::from_fn(SIZE.0.into(), SIZE.1.into(), |x, y| match (x / 4 + y / 3 + number) % 3 {
            0 => Rgba([0, 0, 0, 0]),
            1 => Rgba([200, number as u8 * 50, 30, 255]),
            _ => Rgba([10, 90, number as u8 * 40, 255]),
        })
    };
    (0..3).map(picture).collect()
}

/// A GIF of whole frames that plays three times.
pub(crate) fn gif_of(pictures: &[RgbaImage], repeat: Option<Repeat>) -> Vec<u8> {
    let mut out = Vec::new();
    let (width, height) = (pictures[0].width() as u16, pictures[0].height() as u16);
    let mut encoder = Encoder::new(&mut out, width, height, &[]).expect("a header");
    if let Some(repeat) = repeat {
        encoder.set_repeat(repeat).expect("an extension");
    }
    for (index, picture) in pictures.iter().enumerate() {
        let mut frame = gif::Frame::from_rgba_speed(width, height, &mut picture.clone().into_raw(), 1);
        frame.delay = DELAYS[index % 3];
        frame.dispose = DisposalMethod::Background;
        encoder.write_frame(&frame).expect("a frame");
    }
    drop(encoder);
    out
}

/// Frames with their delays in milliseconds, and how often they play; 0: forever.
pub(crate) fn decoded(file: &[u8]) -> (Vec<(RgbaImage, u32)>, u32) {
    let cursor = Cursor::new(file);
    let plays = |count| match count {
        LoopCount::Infinite => 0,
        LoopCount::Finite(count) => count.get(),
    };
    let (frames, plays): (Frames<'_>, u32) = match Format::sniff(file) {
        Some(Format::Gif) => {
            // The decoder of `image` takes none for forever, and does not count the first play.
            let repeats = gif::DecodeOptions::new().read_info(Cursor::new(file)).expect("a header").repeat();
            let plays = match repeats {
                Repeat::Infinite => 0,
                Repeat::Finite(repeats) => u32::from(repeats) + 1,
            };
            (GifDecoder::new(cursor).expect("a header").into_frames(), plays)
        }
        Some(Format::Webp) => {
            let decoder = WebPDecoder::new(cursor).expect("a header");
            let plays = plays(decoder.loop_count());
            (decoder.into_frames(), plays)
        }
        _ => {
            let decoder = PngDecoder::new(cursor).expect("a header").apng().expect("an animation");
            let plays = plays(decoder.loop_count());
            (decoder.into_frames(), plays)
        }
    };
    let frame = |frame: image::ImageResult<image::Frame>| {
        let frame = frame.expect("a frame");
        let (numerator, denominator) = frame.delay().numer_denom_ms();
        assert_eq!(numerator % denominator, 0);
        (frame.into_buffer(), numerator / denominator)
    };
    (frames.map(frame).collect(), plays)
}

fn expected() -> Vec<(RgbaImage, u32)> {
    pictures().into_iter().zip(DELAYS).map(|(picture, delay)| (picture, u32::from(delay) * 10)).collect()
}

/// As it is seen: what is transparent has no colour.
fn seen((mut picture, delay): (RgbaImage, u32)) -> (RgbaImage, u32) {
    picture.pixels_mut().filter(|pixel| pixel[3] == 0).for_each(|pixel| *pixel = Rgba([0; 4]));
    (picture, delay)
}

#[test]
fn animations_stay_exact_between_the_formats_that_have_them() {
    for (repeat, plays) in [(Some(Repeat::Infinite), 0), (None, 1), (Some(Repeat::Finite(2)), 3)] {
        let source = gif_of(&pictures(), repeat);
        assert_eq!(decoded(&source), (expected(), plays), "the test's own file");
        for by in ["gif", "png", "webp:lossless=true"] {
            let (between, info) = run(&source, by).expect("it converts");
            assert!(info.warnings.is_empty());
            assert_eq!(imaging::probe(&between).expect("a header").frames, 3, "{by}");
            for output in ["gif", "png:compression=balanced", "webp:lossless=true"] {
                let (frames, found) = decoded(&run(&between, output).expect("it converts").0);
                let frames: Vec<_> = frames.into_iter().map(seen).collect();
                assert!(frames == expected(), "{by} {output}");
                assert_eq!(found, plays, "{by} {output}");
            }
        }
    }
}

#[test]
fn a_lossy_animation_is_near_its_frames() {
    let opaque: Vec<RgbaImage> = pictures()
        .into_iter()
        .map(|mut picture| {
            picture.pixels_mut().for_each(|pixel| pixel[3] = 255);
            image::imageops::resize(&picture, 96, 72, image::imageops::FilterType::Nearest)
        })
        .collect();
    let (frames, _) = decoded(&run(&gif_of(&opaque, None), "webp:q=90").expect("it converts").0);
    assert_eq!(frames.len(), 3);
    for ((frame, _), picture) in frames.iter().zip(&opaque) {
        assert!(psnr(frame, picture) > 28.0, "{}", psnr(frame, picture));
    }
}

#[test]
fn every_frame_goes_through_every_step() {
    let source = gif_of(&pictures(), None);
    let (file, info) = run(&source, "rotate:90/invert/png").expect("it runs");
    assert_eq!((info.width, info.height), (18, 24));
    let (frames, _) = decoded(&file);
    let inverted = |mut picture: RgbaImage| {
        image::imageops::invert(&mut picture);
        image::imageops::rotate90(&picture)
    };
    let expected: Vec<RgbaImage> = pictures().into_iter().map(inverted).collect();
    assert!(frames.into_iter().map(|(frame, _)| frame).eq(expected));
}

#[test]
fn filters_shapes_and_texts_make_of_every_frame_what_they_make_of_it_alone() {
    let source = gif_of(&pictures(), None);
    for step in ["blur:1.5", "blur:6", "sharpen", "pixelate:5", "median:2", "round:6", "circle", "text:Hg,size=14,margin=1"] {
        let (frames, _) = decoded(&run(&source, &format!("{step}/png")).expect("it is processed").0);
        assert_eq!(frames.len(), 3, "{step}");
        for ((frame, _), picture) in frames.into_iter().zip(pictures()) {
            let alone = run_to_pixels(&file(&picture.clone().into(), Format::Png), &format!("{step}/png")).into_rgba8();
            assert!(seen((frame, 0)).0 == seen((alone.clone(), 0)).0, "{step}");
            assert!(alone != picture, "{step} changes something");
        }
    }
}

#[test]
fn every_frame_is_cropped_to_the_same_part() {
    let (file, _) = run(&gif_of(&pictures(), None), "crop:10x6,gravity=southeast/png").expect("it runs");
    let (frames, _) = decoded(&file);
    let expected: Vec<RgbaImage> = pictures().iter().map(|picture| image::imageops::crop_imm(picture, 14, 12, 10, 6).to_image()).collect();
    assert!(frames.into_iter().map(|(frame, _)| seen((frame, 0)).0).eq(expected));
}

#[test]
fn a_frame_is_decoded_with_what_is_left_of_those_before_it() {
    let (red, blue) = (Rgba([255, 0, 0, 255]), Rgba([0, 0, 255, 255]));
    let mut source = Vec::new();
    let mut encoder = Encoder::new(&mut source, 20, 10, &[]).expect("a header");
    for (left, width, color) in [(0, 20, red), (4, 6, blue), (12, 3, blue)] {
        let mut frame = gif::Frame::from_rgba_speed(width, 10, &mut RgbaImage::from_pixel(width.into(), 10, color).into_raw(), 1);
        (frame.left, frame.dispose) = (left, DisposalMethod::Keep);
        encoder.write_frame(&frame).expect("a frame");
    }
    drop(encoder);
    let last = RgbaImage::from_fn(20, 10, |x, _| if (4..10).contains(&x) || (12..15).contains(&x) { blue } else { red });
    let (frames, _) = decoded(&run(&source, "png").expect("it converts").0);
    assert!(frames[2].0 == last);
    assert_eq!(run_to_pixels(&source, "input:frames=2/bmp").into_rgba8(), last);
}

#[test]
fn the_input_says_which_frames_are_taken() {
    let source = gif_of(&pictures(), None);
    for output in ["png", "gif", "webp:lossless=true"] {
        for (number, picture) in pictures().into_iter().enumerate() {
            let (file, info) = run(&source, &format!("input:frames={number}/{output}")).expect("it runs");
            assert!(info.warnings.is_empty(), "one was asked for");
            assert!(seen((pixels(&file).into_rgba8(), 0)).0 == picture, "{output} {number}");
            assert_eq!(imaging::probe(&file).expect("a header").frames, 1);
        }
    }
    assert_eq!(run(&source, "input:frames=first/gif").expect("it runs").0, run(&source, "input:frames=0/gif").expect("it runs").0);
    let error = run(&source, "input:frames=3/png").expect_err("there are three");
    assert_eq!(error.code(), ErrorCode::OperationFailed);
    assert_eq!(error.to_string(), "the image has 3 frames, counted from 0; frame 3 is none of them");
}

#[test]
fn frames_that_an_output_cannot_hold_are_dropped_with_a_warning() {
    let source = gif_of(&pictures(), None);
    for output in ["jpeg", "bmp", "tiff"] {
        let (_, info) = run(&source, output).expect("it runs");
        assert_eq!(info.warnings, [Warning::FramesDropped { kept: 1, of: 3 }], "{output}");
        assert!(run(&source, &format!("input:frames=first/{output}")).expect("it runs").1.warnings.is_empty());
    }
    assert!(run_to_pixels(&source, "tiff").into_rgba8() == pictures()[0]);
}

#[test]
fn limits_on_all_frames_hold_before_any_is_decoded() {
    let source = gif_of(&pictures(), None);
    let whole = 3 * u64::from(SIZE.0) * u64::from(SIZE.1);
    let cases = [
        ("png", ImageLimits { max_frames: 2, ..Default::default() }, (Limit::MaxFrames, 2, 3, None)),
        ("input:frames=2/png", ImageLimits { max_frames: 2, ..Default::default() }, (Limit::MaxFrames, 2, 3, None)),
        ("png", ImageLimits { max_duration_ms: 389, ..Default::default() }, (Limit::MaxDurationMs, 389, 390, None)),
        ("png", ImageLimits { max_total_pixels: whole - 1, ..Default::default() }, (Limit::MaxTotalPixels, whole - 1, whole, None)),
        (
            "resize:48x36,enlarge=true/png",
            ImageLimits { max_total_pixels: whole, ..Default::default() },
            (Limit::MaxTotalPixels, whole, whole * 4, Some(1)),
        ),
    ];
    for (pipeline, limits, expected) in cases {
        // The header alone has to do.
        let mut out = Cursor::new(Vec::new());
        match imaging::run(&source, &pipeline.parse().expect("a pipeline"), &Assets::default(), &limits, &mut out) {
            Err(ImagingError::Limit(exceeded)) => {
                assert_eq!((exceeded.limit, exceeded.max, exceeded.found, exceeded.step), expected, "{pipeline}");
                let code = match exceeded.limit {
                    Limit::MaxFrames => ErrorCode::TooManyFrames,
                    Limit::MaxDurationMs => ErrorCode::TooLong,
                    _ => ErrorCode::TooManyTotalPixels,
                };
                assert_eq!(exceeded.limit.code(), code);
            }
            other => panic!("{pipeline}: {other:?}"),
        }
        imaging::run(&source, &"input:frames=first/png".parse().expect("a pipeline"), &Assets::default(), &limits, &mut out)
            .expect("one frame is within");
    }
}

#[test]
fn an_animation_that_is_cut_off_is_corrupt() {
    let source = gif_of(&pictures(), None);
    for format in ["gif", "png", "webp:lossless=true"] {
        let (whole, _) = run(&source, format).expect("it converts");
        for missing in (1..whole.len() / 2).step_by(7) {
            match run(&whole[..whole.len() - missing], "invert/png") {
                Err(error) => assert_eq!(error.code(), ErrorCode::CorruptImage, "{format} {missing}: {error}"),
                // The last byte of a RIFF file may be padding, and a PNG without its last mark has all its pixels.
                Ok(_) => assert!(missing == 1 && format.starts_with("webp"), "{format}: {missing} bytes are missing"),
            }
        }
    }
}

#[test]
fn results_beyond_the_limit_are_given_up() {
    let limits = ImageLimits { max_output_bytes: 300, ..Default::default() };
    for output in ["gif", "png", "webp:lossless=true"] {
        let mut out = Cursor::new(Vec::new());
        let pipeline = format!("resize:240x180,enlarge=true/{output}").parse().expect("a pipeline");
        let error =
            imaging::run(&gif_of(&pictures(), None), &pipeline, &Assets::default(), &limits, &mut out).expect_err("it is too large");
        assert_eq!(error.code(), ErrorCode::OutputTooLarge, "{output}: {error}");
        assert!(error.to_string().contains("max_output_bytes is 300, found "), "{error}");
    }
}
