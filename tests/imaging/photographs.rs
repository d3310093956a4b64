//! Photographs through the default pipeline, judged by a JPEG decoder that shares no code with the one under test.

use std::fs;

use image::RgbImage;

use crate::common::{photos, run};

pub(crate) fn decode(jpeg: &[u8]) -> RgbImage {
    let mut decoder = jpeg_decoder::Decoder::new(jpeg);
    let pixels = decoder.decode().expect("the other decoder reads it");
    let info = decoder.info().expect("it was decoded");
    assert_eq!(info.pixel_format, jpeg_decoder::PixelFormat::RGB24);
    RgbImage::from_raw(info.width.into(), info.height.into(), pixels).expect("three bytes to a pixel")
}

/// Peak signal-to-noise ratio in decibels over all samples.
pub(crate) fn psnr(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let squares: u64 = a.iter().zip(b.iter()).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    let mean = squares as f64 / a.len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}

#[test]
fn red_and_blue_swapped_at_the_default_quality_stay_above_38_decibels() {
    let Some(photos) = photos() else { return };
    for name in ["p12_seeding.jpg", "p12_sunset.jpg", "p12_sunset_prog.jpg", "p8_picos.jpg", "p1_picos.jpg", "p1_seeding.jpg"] {
        let original = fs::read(photos.join(name)).expect("readable");
        let mut expected = decode(&original);
        expected.pixels_mut().for_each(|pixel| pixel.0.swap(0, 2));
        let (bytes, _) = run(&original, "swap_channels").expect("it is processed");
        let ratio = psnr(&decode(&bytes), &expected);
        println!("{name}: {ratio:.2} dB, {} bytes of {}", bytes.len(), original.len());
        assert!(ratio > 38.0, "{name}: {ratio:.2} dB");
    }
}
