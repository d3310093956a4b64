//! Thumbnails of JPEG files, of which only as many pixels are decoded as they need: the same size and nearly the same pixels
//! as when all are decoded, judged by a decoder that shares no code with the one under test.

use std::fs;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageEncoder, RgbImage};
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;
use safelight::domain::pipeline::{Pipeline, Scale};
use safelight::imaging::{self, Assets};

use crate::allocation::peak_of;
use crate::common::{corpus, file, photos, run, run_to_pixels, sample};
use crate::photographs::{decode, psnr};

/// All pixels, decoded elsewhere, then the same pipeline.
fn expected(input: &[u8], pipeline: &str) -> RgbImage {
    run_to_pixels(&file(&decode(input).into(), Format::Png), &format!("{pipeline}/png")).into_rgb8()
}

#[test]
fn thumbnails_of_photographs_stay_above_40_decibels() {
    let Some(photos) = photos() else { return };
    for name in ["p12_seeding.jpg", "p12_sunset.jpg", "p8_picos.jpg", "p1_picos.jpg", "p1_seeding.jpg"] {
        let input = fs::read(photos.join(name)).expect("readable");
        for pipeline in ["resize:1000x", "resize:400x", "resize:203x200,fit=cover", "invert/resize:x150", "resize:100x100,fit=fill"] {
            let found = run_to_pixels(&input, &format!("{pipeline}/png")).into_rgb8();
            let ratio = psnr(&found, &expected(&input, pipeline));
            let info = imaging::probe(&input).expect("the header is whole");
            println!("{name} {pipeline}: {:?}, {ratio:.2} dB", info.scale(&pipeline.parse::<Pipeline>().expect("a pipeline")));
            assert!(ratio > 40.0, "{name} {pipeline}: {ratio:.2} dB");
        }
    }
}

/// A JPEG file whose EXIF segment asks for an orientation (1 to 8).
pub(crate) fn oriented(image: &DynamicImage, orientation: u8) -> Vec<u8> {
    let exif = [b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation], b"\0\0\0\0\0\0"].concat();
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
    encoder.set_exif_metadata(exif).expect("JPEG has a place for it");
    encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into()).expect("it encodes");
    bytes
}

/// A picture whose sides are no multiples of what is decoded to one pixel, and steep, so that a shift shows.
fn steep() -> DynamicImage {
    let wave = |place: u32, period: f64| (128.0 + 90.0 * (f64::from(place) * std::f64::consts::TAU / period).sin()) as u8;
    RgbImage::from_fn(333, 251, |x, y| image::Rgb([wave(x, 90.0), wave(y, 70.0), wave(x + 2 * y, 110.0)])).into()
}

#[test]
fn every_orientation_is_shrunk_to_the_same_place() {
    let upright = steep();
    // Of some the picture is decoded at its full size, and shrunk row by row all the same.
    let at_scale = ["resize:40x", "resize:20x20,fit=cover", "resize:70x", "resize:41x30,fit=fill"].map(|pipeline| (pipeline, true));
    let at_full = ["resize:200x", "resize:180x80,fit=cover,gravity=northwest", "resize:100x200,fit=cover,gravity=east"];
    for (pipeline, is_scaled) in at_scale.into_iter().chain(at_full.map(|pipeline| (pipeline, false))) {
        let expected = run_to_pixels(&file(&upright, Format::Png), &format!("{pipeline}/png")).into_rgb8();
        for tag in 1..=8 {
            let inverse = match tag {
                6 => 8,
                8 => 6,
                tag => tag,
            };
            let mut lying = upright.clone();
            lying.apply_orientation(Orientation::from_exif(inverse).expect("1 to 8"));
            let input = oriented(&lying, tag);
            let info = imaging::probe(&input).expect("the header is whole");
            assert_eq!(info.scale(&pipeline.parse().expect("a pipeline")) != Scale::Full, is_scaled, "{pipeline}");
            let ratio = psnr(&run_to_pixels(&input, &format!("{pipeline}/png")).into_rgb8(), &expected);
            println!("{pipeline} {tag}: {ratio:.2} dB");
            assert!(ratio > 40.0, "{pipeline} of orientation {tag}: {ratio:.2} dB");
        }
    }
}

#[test]
fn a_thumbnail_has_the_size_that_was_asked_for() {
    for color in [ColorType::L8, ColorType::Rgb8] {
        for (width, height) in [(160, 160), (161, 97), (15, 400), (401, 16)] {
            let image = sample(width, height, color);
            let (jpeg, png) = (file(&image, Format::Jpeg), file(&image, Format::Png));
            for pipeline in
                ["resize:10x", "resize:x3", "resize:7x9,fit=cover", "resize:5x5,fit=fill", "resize:3x50,fit=outside", "resize:1x1"]
            {
                let (found, whole) = (run(&jpeg, pipeline).expect("it runs").1, run(&png, pipeline).expect("it runs").1);
                assert_eq!((found.width, found.height), (whole.width, whole.height), "{width}x{height} {color:?} {pipeline}");
            }
        }
    }
}

#[test]
fn a_thumbnail_takes_the_memory_of_what_is_decoded() {
    let input = file(&sample(1600, 1600, ColorType::Rgb8), Format::Jpeg);
    let pipeline: Pipeline = "resize:100x/png".parse().expect("a pipeline");
    let mut out = std::io::Cursor::new(Vec::new());
    let (done, used) = peak_of(|| imaging::run(&input, &pipeline, &Assets::default(), &Default::default(), &mut out));
    done.expect("it runs");
    assert!(used < 1600 * 1600 * 3 / 4 + input.len() as u64, "{used} bytes for a file of {}", input.len());
}

#[test]
fn a_picture_that_is_shrunk_a_little_is_never_there_as_a_whole() {
    let input = file(&sample(1600, 1600, ColorType::Rgb8), Format::Jpeg);
    for pipeline in ["resize:700x/jpeg", "invert/resize:700x/jpeg"] {
        let pipeline: Pipeline = pipeline.parse().expect("a pipeline");
        let mut out = std::io::Cursor::new(Vec::new());
        let (done, used) = peak_of(|| imaging::run(&input, &pipeline, &Assets::default(), &Default::default(), &mut out));
        done.expect("it runs");
        assert!(used < 1600 * 1600 * 3 + input.len() as u64, "{used} bytes for a file of {}", input.len());
    }
}

#[test]
fn a_damaged_file_gives_no_thumbnail() {
    for color in [ColorType::L8, ColorType::Rgb8] {
        let whole = file(&sample(300, 200, color), Format::Jpeg);
        run(&whole, "resize:20x").expect("the whole file is fine");
        for len in (whole.len() / 3..whole.len() - 2).step_by(101).chain(whole.len() - 40..whole.len()) {
            let without_end = &whole[..len];
            // The last byte of the scan may hold nothing but padding.
            let mut inputs = vec![without_end.to_vec()];
            if len < whole.len() - 3 {
                inputs.push([without_end, b"\xff\xd9"].concat());
            }
            for input in inputs {
                let error = run(&input, "resize:20x").expect_err("something is missing");
                assert_eq!(error.code(), ErrorCode::CorruptImage, "{len} of {} bytes: {error}", whole.len());
            }
        }
    }
}

/// All files below a folder.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn hostile_files_give_a_thumbnail_only_where_they_give_a_picture() {
    let Some(corpus) = corpus() else { return };
    let (mut both, mut neither, mut stricter) = (0, 0, 0);
    for path in files(&corpus.join("bad")).into_iter().chain(files(&corpus.join("conformance/image-rs"))) {
        let input = fs::read(&path).expect("readable");
        let Ok(info) = imaging::probe(&input) else { continue };
        let pixels = u64::from(info.width) * u64::from(info.height);
        if info.format != Format::Jpeg || !info.scales || pixels > 4 << 20 {
            continue;
        }
        let side = info.width.min(info.height);
        let thumbnail = format!("resize:{}x{},fit=fill", (info.width / 16).max(1), (info.height / 16).max(1));
        if side < 16 {
            continue;
        }
        match (run(&input, "invert/bmp").is_ok(), run(&input, &format!("{thumbnail}/bmp")).is_ok()) {
            (true, true) => both += 1,
            (false, false) => neither += 1,
            (true, false) => {
                println!("stricter: {}: {}", path.display(), run(&input, &thumbnail).expect_err("as before"));
                stricter += 1;
            }
            (false, true) => {
                panic!("{}: a thumbnail of what is no picture: {}", path.display(), run(&input, "invert/bmp").expect_err("as before"))
            }
        }
    }
    println!("{both} pictures, {neither} neither, {stricter} only whole");
    assert!(both + neither > 0, "the corpus has such files");
}
