//! The result is upright, because the tag that said how to turn the file is not carried over.

use std::fs;

use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageEncoder, RgbImage, imageops};
use safelight::domain::format::Format;
use safelight::imaging;

use crate::common::{corpus, file, run, run_to_pixels, sample};

/// A PNG whose EXIF chunk asks for an orientation (1 to 8).
pub(crate) fn oriented(image: &DynamicImage, orientation: u8) -> Vec<u8> {
    // A TIFF header, one directory with one entry: tag 0x112, type SHORT, count 1.
    let exif = [b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation], b"\0\0\0\0\0\0"].concat();
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_exif_metadata(exif).expect("PNG has a place for it");
    encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into()).expect("it encodes");
    bytes
}

#[test]
fn every_orientation_comes_out_upright_and_is_not_asked_for_again() {
    let upright = sample(31, 17, ColorType::Rgb8);
    for tag in 1..=8 {
        // Lay the picture down as a camera would: the inverse of what the tag asks for.
        let inverse = match tag {
            6 => 8,
            8 => 6,
            tag => tag,
        };
        let mut lying = upright.clone();
        lying.apply_orientation(Orientation::from_exif(inverse).expect("1 to 8"));
        let bytes = oriented(&lying, tag);

        let info = imaging::probe(&bytes).expect("the header is whole");
        assert_eq!((info.width, info.height, info.turned), (31, 17, tag >= 5), "{tag}");
        let (result, _) = run(&bytes, "png").expect("it runs");
        assert_eq!(image::load_from_memory(&result).expect("it decodes"), upright, "{tag}");
        assert_eq!(run_to_pixels(&result, "png"), upright, "{tag}: a second time nothing turns");
        let (as_stored, info) = run(&bytes, "input:orient=false/png").expect("it runs");
        assert_eq!((info.width, info.height), (lying.width(), lying.height()), "{tag}: as it is stored");
        assert_eq!(image::load_from_memory(&as_stored).expect("it decodes"), lying, "{tag}: as it is stored");
    }
}

#[test]
fn an_orientation_that_makes_no_sense_is_none() {
    let image = sample(31, 17, ColorType::Rgb8);
    for tag in [0, 9, 255] {
        assert_eq!(run_to_pixels(&oriented(&image, tag), "png"), image, "{tag}");
    }
}

/// The mean difference of two images' samples.
fn difference(a: &RgbImage, b: &RgbImage) -> f64 {
    let sum: u64 = a.iter().zip(b.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.len() as f64
}

#[test]
fn the_photographs_of_the_corpus_all_look_the_same() {
    let Some(corpus) = corpus() else { return };
    for shape in ["landscape", "portrait"] {
        let upright = |tag: u32| {
            let bytes = fs::read(corpus.join(format!("conformance/exif-orientation/{shape}_{tag}.jpg"))).expect("readable");
            run_to_pixels(&bytes, "resize:64x64/png").into_rgb8()
        };
        let first = upright(1);
        for tag in 2..=8 {
            let other = upright(tag);
            assert_eq!(other.dimensions(), first.dimensions(), "{shape} {tag}");
            // Their makers printed the tag on each and gave them different contrast: the right way up is the best match by far.
            let right = difference(&first, &other);
            let wrong = [imageops::flip_horizontal(&other), imageops::flip_vertical(&other), imageops::rotate180(&other)];
            let wrong = wrong.iter().map(|turned| difference(&first, turned)).fold(f64::MAX, f64::min);
            assert!(right < wrong / 2.0, "{shape} {tag}: {right:.1} as it came, {wrong:.1} when turned");
        }
    }
}

#[test]
fn a_file_without_metadata_stays_as_it_is() {
    let image = sample(9, 4, ColorType::L8);
    for format in [Format::Png, Format::Bmp, Format::Tiff] {
        assert_eq!(run_to_pixels(&file(&image, format), "png").into_luma8(), image.clone().into_luma8(), "{format}");
    }
}
