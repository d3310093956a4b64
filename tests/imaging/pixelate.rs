//! Large pixels, against the mean of every square.

use image::ColorType;
use safelight::domain::format::Format;

use crate::common::{COLOR_TYPES, Samples, file, run_to_pixels, sample};
use crate::operations::through;

/// The mean of the pixels of a square, colours weighted by their alpha.
fn mean(image: &Samples, (left, top): (u32, u32), side: u32) -> Vec<f64> {
    let places = (top..(top + side).min(image.height)).flat_map(|y| (left..(left + side).min(image.width)).map(move |x| (x, y)));
    let pixels: Vec<&[f64]> = places.map(|(x, y)| image.pixel(x, y)).collect();
    let weight = |pixel: &[f64]| if image.has_alpha { pixel[image.colours()] } else { 1.0 };
    let weights: f64 = pixels.iter().map(|pixel| weight(pixel)).sum();
    let colour = |channel| pixels.iter().map(|pixel| pixel[channel] * weight(pixel)).sum::<f64>() / weights;
    let alpha = image.has_alpha.then_some(weights / pixels.len() as f64);
    (0..image.colours()).map(colour).chain(alpha).collect()
}

#[test]
fn pixelate_gives_every_square_its_mean() {
    for color in COLOR_TYPES {
        for side in [2, 7, 16, 30, 1000] {
            let (before, after) = through(&sample(61, 47, color), &format!("pixelate:{side}"));
            let mut places = (0..47).flat_map(|y| (0..61).map(move |x| (x, y)));
            let expected = before.map(|_| {
                let (x, y) = places.next().expect("as many as pixels");
                mean(&before, (x / side * side, y / side * side), side)
            });
            let off = if before.largest == 1.0 { 1e-5 } else { 0.51 + before.largest * 1e-6 };
            after.assert_near(&expected, off, &format!("{color:?} {side}"));
        }
    }
}

#[test]
fn transparent_pixels_have_no_weight_in_a_square() {
    let striped = image::RgbaImage::from_fn(8, 8, |x, _| image::Rgba(if x % 2 == 0 { [255, 0, 0, 255] } else { [0, 255, 0, 0] }));
    let large = run_to_pixels(&file(&striped.into(), Format::Png), "pixelate:4").into_rgba8();
    assert!(large.pixels().all(|pixel| pixel.0 == [255, 0, 0, 128]), "{:?}", large.get_pixel(0, 0));
    let nothing = image::RgbaImage::from_pixel(8, 8, image::Rgba([9, 9, 9, 0]));
    let large = run_to_pixels(&file(&nothing.into(), Format::Png), "pixelate:4");
    assert_eq!(large.color(), ColorType::Rgba8);
    assert!(large.into_rgba8().pixels().all(|pixel| pixel[3] == 0));
}
