//! JPEG as it is written, judged by a decoder that shares no code with its encoder, and by the header of the file.

use image::{ColorType, DynamicImage};
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;

use crate::common::{convert, file, pixels, psnr, run, sample};

/// The kind of the frame header (ITU T.81, table B.1) and the sampling factors of its components.
fn frame(file: &[u8]) -> (u8, Vec<u8>) {
    let mut at = 2;
    loop {
        let (kind, length) = (file[at + 1], usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]])));
        if matches!(kind, 0xc0..=0xc2) {
            return (kind, file[at + 10..at + 2 + length].chunks(3).map(|component| component[1]).collect());
        }
        at += 2 + length;
    }
}

fn decoded(file: &[u8]) -> Vec<u8> {
    jpeg_decoder::Decoder::new(file).decode().expect("it decodes")
}

fn smooth(color: ColorType) -> DynamicImage {
    convert(sample(301, 199, ColorType::Rgb8).blur(2.0), color)
}

#[test]
fn colour_is_subsampled_as_asked() {
    let image = smooth(ColorType::Rgb8);
    let input = file(&image, Format::Png);
    let sampling = |output: &str| frame(&run(&input, output).expect("it encodes").0);
    assert_eq!(sampling("jpeg"), (0xc0, vec![0x22, 0x11, 0x11]));
    assert_eq!(sampling("jpeg:q=100,subsampling=420").1, [0x22, 0x11, 0x11]);
    assert_eq!(sampling("jpeg:subsampling=422").1, [0x21, 0x11, 0x11]);
    assert_eq!(sampling("jpeg:subsampling=444").1, [0x11, 0x11, 0x11]);
    assert_eq!(sampling(r#"{"output":{"format":"jpeg","subsampling":444}}"#).1, [0x11, 0x11, 0x11]);
    assert_eq!(sampling("grayscale/jpeg").1.len(), 1);
}

#[test]
fn every_kind_of_jpeg_is_near_the_image() {
    for color in [ColorType::Rgb8, ColorType::L8] {
        let image = smooth(color);
        let input = file(&image, Format::Png);
        for output in ["jpeg", "jpeg:subsampling=444", "jpeg:progressive=true", "jpeg:progressive=true,subsampling=422", "jpeg:q=100"] {
            let (file, _) = run(&input, output).expect("it encodes");
            for decoded in [decoded(&file), pixels(&file).into_bytes()] {
                let like = psnr(&decoded, image.as_bytes());
                assert!(like > 38.0, "{color:?} {output}: {like}");
            }
        }
    }
}

#[test]
fn a_progressive_jpeg_has_nearly_the_same_pixels() {
    let input = file(&smooth(ColorType::Rgb8), Format::Png);
    let (baseline, progressive) = (run(&input, "jpeg").expect("it encodes").0, run(&input, "jpeg:progressive=true").expect("it encodes").0);
    assert_eq!((frame(&baseline).0, frame(&progressive).0), (0xc0, 0xc2));
    let like = psnr(&decoded(&baseline), &decoded(&progressive));
    assert!(like > 48.0, "{like}");
}

#[test]
fn a_baseline_jpeg_can_be_decoded_at_a_scale_again() {
    let (file, _) = run(&file(&smooth(ColorType::Rgb8), Format::Png), "jpeg").expect("it encodes");
    assert!(safelight::imaging::probe(&file).expect("the header is whole").scales);
}

#[test]
fn the_codes_of_an_image_are_made_for_it() {
    // One colour: 10,000 blocks of luma and 5,000 of chroma, each of two codes of one bit. By the tables of the specification it is six.
    for (image, blocks) in [(DynamicImage::new_luma8(800, 800), 10_000), (DynamicImage::new_rgb8(800, 800), 15_000)] {
        let (file, _) = run(&file(&image, Format::Png), "jpeg").expect("it encodes");
        assert!(file.len() < blocks * 2 / 8 + 500, "{}", file.len());
    }
}

#[test]
fn the_best_quality_that_fits_is_taken() {
    let input = file(&sample(200, 150, ColorType::Rgb8), Format::Png);
    let bytes = |output: &str| run(&input, output).map(|(file, _)| file);
    for (name, room) in [("jpeg", 6_000), ("jpeg:progressive=true", 6_000), ("webp", 5_000), ("webp:effort=0", 5_000)] {
        let with = |settings: String| format!("{name}{}{settings}", if name.contains(':') { "," } else { ":" });
        let fitted = bytes(&with(format!("q=95,max_bytes={room}"))).expect("it fits");
        assert!(fitted.len() <= room, "{name}: {}", fitted.len());
        let quality =
            (1..=95).find(|quality| bytes(&with(format!("q={quality}"))).expect("it encodes") == fitted).expect("it is one of them");
        let better = bytes(&with(format!("q={}", quality + 1))).expect("it encodes");
        assert!(quality > 5 && better.len() > room, "{name}: {quality}, better {}", better.len());
        assert_eq!(bytes(&with("max_bytes=1000000".to_owned())).ok(), bytes(name).ok(), "{name}: no less than asked for where it fits");

        let error = bytes(&with("max_bytes=50".to_owned())).expect_err("it never fits");
        let smallest = bytes(&with("q=1".to_owned())).expect("it encodes").len();
        assert_eq!(error.code(), ErrorCode::OperationFailed);
        assert_eq!(error.to_string(), format!("max_bytes is 50, and even with a quality of 1 the result has {smallest} bytes"));
    }
}
