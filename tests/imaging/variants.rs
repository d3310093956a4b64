//! Several pipelines for one image: each result is that of its pipeline alone, made once, whatever becomes of the others; and
//! what they share is done once.

use std::io::Cursor;

use image::ColorType;
use safelight::domain::format::Format;
use safelight::domain::limits::ImageLimits;
use safelight::domain::pipeline::{Pipeline, cost};
use safelight::imaging::{self, Assets, ImagingError, OutputInfo};

use crate::allocation::peak_of;
use crate::animation::{gif_of, pictures};
use crate::common::{COLOR_TYPES, file, run, sample, try_file};
use crate::profile::tagged;

type Result = std::result::Result<OutputInfo, ImagingError>;

/// What is told of each pipeline, in the order in which it is told, and the files.
fn run_all(input: &[u8], pipelines: &[&str]) -> (Vec<(usize, Result)>, Vec<Vec<u8>>) {
    let pipelines: Vec<Pipeline> = pipelines.iter().map(|text| text.parse().expect("a pipeline")).collect();
    let mut outs = vec![Cursor::new(Vec::new()); pipelines.len()];
    let mut told = Vec::new();
    let (pipelines, places) = (pipelines.iter().collect::<Vec<_>>(), outs.iter_mut().collect());
    imaging::run_all(input, &pipelines, &Assets::default(), &ImageLimits::default(), places, &mut |index, result| {
        told.push((index, result));
    })
    .expect("it decodes");
    (told, outs.into_iter().map(Cursor::into_inner).collect())
}

/// Every result is the one that its pipeline makes alone, to the byte.
fn assert_as_alone(input: &[u8], pipelines: &[&str]) {
    let (mut told, files) = run_all(input, pipelines);
    told.sort_by_key(|(index, _)| *index);
    assert_eq!(told.len(), pipelines.len(), "each is told once");
    for ((index, result), (pipeline, made)) in told.into_iter().zip(pipelines.iter().zip(files)) {
        let (alone, info) = run(input, pipeline).unwrap_or_else(|error| panic!("{pipeline}: {error}"));
        assert_eq!(result.unwrap_or_else(|error| panic!("{index}: {error}")), info, "{pipeline}");
        assert!(made == alone, "{pipeline} makes another file beside others");
    }
}

const MANY: [&str; 10] = [
    "png",
    "swap_channels/png",
    "swap_channels/contrast:1.5/png",
    "swap_channels/contrast:1.5/flip:horizontal/sepia/tiff",
    "swap_channels/contrast:1.5/resize:20x/webp",
    "swap_channels/contrast:1.5/resize:20x/rotate:90/png",
    "swap_channels/contrast:1.5/resize:30x/png",
    "blur:2/trim/png",
    "crop:10x10/normalize:1/png",
    "crop:10x10/jpeg",
];

#[test]
fn each_result_is_that_of_its_pipeline_alone() {
    for color in COLOR_TYPES {
        let image = sample(61, 43, color);
        for input in [Format::Png, Format::Tiff].into_iter().filter_map(|format| try_file(&image, format)) {
            assert_as_alone(&input, &MANY);
        }
    }
}

#[test]
fn colours_are_converted_once_for_all_or_for_each() {
    let input = tagged(&sample(31, 17, ColorType::Rgb8));
    assert_as_alone(&input, &["png", "resize:8x/png", "resize:8x/invert/png", "flip:vertical/invert/png", "flip:vertical/png"]);
    assert_as_alone(&input, &["input:profile=keep/png", "invert/png"]);
}

#[test]
fn a_photograph_is_decoded_at_the_scale_that_leaves_enough_for_all() {
    let input = file(&sample(640, 480, ColorType::Rgb8), Format::Jpeg);
    assert_as_alone(&input, &["resize:80x/png", "resize:70x/invert/bmp", "resize:80x/jpeg"]);
    // Each alone would be decoded at another scale.
    let (told, files) = run_all(&input, &["resize:40x/png", "png"]);
    assert!(told.iter().all(|(_, result)| result.is_ok()), "{told:?}");
    assert!(files[1] == run(&input, "png").unwrap().0, "nothing is shrunk for the full size");
    let small = crate::common::pixels(&files[0]).into_rgb8();
    let alone = crate::common::run_to_pixels(&input, "resize:40x,quality=best/png").into_rgb8();
    assert!(small == alone, "from all pixels");
}

#[test]
fn animations_stay_and_stills_take_their_first_frame() {
    assert_as_alone(
        &gif_of(&pictures(), None),
        &["webp:lossless=true", "gif", "resize:4x/png", "png", "jpeg", "input:frames=2/png", "bmp"],
    );
}

#[test]
fn a_result_is_there_before_the_next_is_begun() {
    let input = file(&sample(61, 43, ColorType::Rgb8), Format::Png);
    let pipelines: Vec<Pipeline> = ["png", "invert/bmp", "blur:3/webp"].iter().map(|text| text.parse().expect("a pipeline")).collect();
    let outs: Vec<tempfile::NamedTempFile> = pipelines.iter().map(|_| tempfile::NamedTempFile::new().unwrap()).collect();
    let lengths = || outs.iter().map(|out| out.path().metadata().unwrap().len() > 0).collect::<Vec<_>>();
    let mut seen = Vec::new();
    let places = outs.iter().map(tempfile::NamedTempFile::as_file).collect();
    imaging::run_all(
        &input,
        &pipelines.iter().collect::<Vec<_>>(),
        &Assets::default(),
        &ImageLimits::default(),
        places,
        &mut |index, result| {
            assert!(result.is_ok());
            let format = Format::sniff(&std::fs::read(outs[index].path()).unwrap());
            seen.push((index, format, lengths()));
        },
    )
    .unwrap();
    assert_eq!(seen[0], (0, Some(Format::Png), vec![true, false, false]));
    assert_eq!(seen[1], (1, Some(Format::Bmp), vec![true, true, false]));
    assert_eq!(seen[2], (2, Some(Format::Webp), vec![true, true, true]));
}

#[test]
fn what_cannot_be_made_keeps_nothing_else_from_it() {
    let input = file(&sample(20, 20, ColorType::Rgb8), Format::Png);
    let (told, files) = run_all(&input, &["crop:1x1,x=50/png", "invert/png", "crop:1x1,x=50/bmp", "jpeg:max_bytes=100"]);
    let ends: Vec<_> = told.iter().map(|(index, result)| (*index, result.is_ok())).collect();
    // Two fail at the step that they share: one of them is told.
    assert_eq!(ends.iter().filter(|(_, made)| *made).collect::<Vec<_>>(), [&(1, true)]);
    assert_eq!(ends.len(), 3, "{ends:?}");
    assert!(files[1] == run(&input, "invert/png").unwrap().0);
    let refused: Vec<Pipeline> = ["png", "resize:20000x,enlarge=true/png"].iter().map(|text| text.parse().expect("a pipeline")).collect();
    let places = vec![Cursor::new(Vec::new()); 2];
    let refused = refused.iter().collect::<Vec<_>>();
    let end =
        imaging::run_all(&input, &refused, &Assets::default(), &ImageLimits::default(), places, &mut |_, _| panic!("nothing is begun"));
    assert!(matches!(end, Err(ImagingError::Limit(_))), "{end:?}");
}

/// What the pipelines take together is no more than was estimated.
fn assert_estimated(name: &str, input: &[u8], pipelines: &[&str]) {
    let count = pipelines.len();
    let pipelines: Vec<Pipeline> = pipelines.iter().map(|text| text.parse().expect("a pipeline")).collect();
    let pipelines: Vec<&Pipeline> = pipelines.iter().collect();
    let estimate = cost::peak_bytes_of_all(&imaging::probe(input).expect("the header is whole"), &pipelines);
    let outs = pipelines.iter().map(|_| tempfile::tempfile().expect("a temporary file")).collect();
    let (_, used) = peak_of(|| {
        imaging::run_all(input, &pipelines, &Assets::default(), &ImageLimits::default(), outs, &mut |_, result| {
            assert!(result.is_ok());
        })
        .expect("it decodes");
    });
    let used = input.len() as u64 + used;
    println!("{name} {count}: used {used}, estimated {estimate}");
    assert!(estimate >= used, "{name} {count}: used {used}, estimated {estimate}");
}

#[test]
fn the_estimate_holds_for_all_of_them_together() {
    // Here the copies outweigh all else: a resize of pixels with alpha begins with one of its own.
    let large = file(&sample(1500, 1500, ColorType::Rgba8), Format::Png);
    assert_estimated("large", &large, &["resize:10x/png", "resize:11x/png"]);
    let image = sample(700, 500, ColorType::Rgba8);
    let many = ["rotate:90/png", "rotate:90/blur:2/bmp", "rotate:90/blur:2/median:1/tiff", "resize:600x/webp", "opacity:0.5/webp"];
    for (name, input) in [("png", file(&image, Format::Png)), ("gif", gif_of(&pictures(), None))] {
        for count in 1..=many.len() {
            assert_estimated(name, &input, &many[..count]);
        }
    }
}
