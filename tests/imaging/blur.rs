//! Blurring, against the Gaussian as its formula says, over a neighbourhood that leaves nothing of it out.

use image::{ColorType, DynamicImage};
use safelight::domain::format::Format;

use crate::common::{COLOR_TYPES, Samples, convert, file, run_to_pixels, sample};
use crate::operations::through;

/// Every pixel as the sum of all around it, colours weighted by their alpha; beyond the edges the last pixels are repeated.
pub(crate) fn gaussian(image: &Samples, sigma: f64) -> Samples {
    let reach = (6.0 * sigma).ceil() as i64;
    let bell = |distance: i64| (-(distance as f64).powi(2) / (2.0 * sigma * sigma)).exp();
    let weights: Vec<f64> = (-reach..=reach).map(bell).collect();
    let whole: f64 = weights.iter().sum();
    let (width, height) = (i64::from(image.width), i64::from(image.height));
    let colours = image.colours();
    // Down the columns first, then along the rows, of pixels with the last channel as the weight of the others.
    let along = |pixels: &[Vec<f64>], (dx, dy): (i64, i64)| -> Vec<Vec<f64>> {
        let pixel = |index: i64| {
            let (x, y) = (index % width, index / width);
            let mut sums = vec![0.0; colours + 1];
            for (step, weight) in (-reach..=reach).zip(&weights) {
                let (x, y) = ((x + step * dx).clamp(0, width - 1), (y + step * dy).clamp(0, height - 1));
                sums.iter_mut().zip(&pixels[(y * width + x) as usize]).for_each(|(sum, value)| *sum += weight / whole * value);
            }
            sums
        };
        (0..width * height).map(pixel).collect()
    };
    let multiplied = image.pixels().map(|pixel| {
        let alpha = if image.has_alpha { pixel[colours] / image.largest } else { 1.0 };
        pixel[..colours].iter().map(|colour| colour * alpha).chain([alpha]).collect()
    });
    let blurred = along(&along(&multiplied.collect::<Vec<_>>(), (0, 1)), (1, 0));
    let mut pixels = blurred.iter().map(|pixel| {
        let (alpha, colours) = pixel.split_last().expect("it has a last one");
        let divided = colours.iter().map(|colour| if *alpha > 0.0 { colour / alpha } else { 0.0 });
        divided.chain(image.has_alpha.then_some(alpha * image.largest)).collect::<Vec<f64>>()
    });
    image.map(|_| pixels.next().expect("as many as before"))
}

#[test]
fn blur_is_the_gaussian() {
    for color in COLOR_TYPES {
        for (sigma, steps_off) in [(0.3, 1.0), (1.0, 1.0), (2.4, 1.0), (4.0, 1.0)] {
            let (before, after) = through(&sample(37, 29, color), &format!("blur:{sigma}"));
            let off = if before.largest == 1.0 { 2e-5 } else { steps_off };
            after.assert_near(&gaussian(&before, sigma), off, &format!("{color:?} {sigma}"));
        }
    }
}

#[test]
fn a_wide_blur_is_near_the_gaussian() {
    for color in COLOR_TYPES {
        for sigma in [4.001, 7.3, 25.0] {
            for (of, part) in [(straight_edge as fn(u32, u32) -> [f32; 3], 100.0), (fields, 25.0)] {
                let (before, after) = through(&drawn(61, 47, color, of), &format!("blur:{sigma}"));
                let off = before.largest / part + if before.largest == 1.0 { 0.0 } else { 0.5 };
                after.assert_near(&gaussian(&before, sigma), off, &format!("{color:?} {sigma}"));
            }
        }
    }
}

fn straight_edge(x: u32, _: u32) -> [f32; 3] {
    [20, 30, 50].map(|edge| if x < edge { 1.0 } else { 0.0 })
}

fn fields(x: u32, y: u32) -> [f32; 3] {
    [20, 31, 9].map(|size| if (x / size + y / size).is_multiple_of(2) { 1.0 } else { 0.0 })
}

/// Colours by a function of the place, and the same alpha everywhere.
fn drawn(width: u32, height: u32, color: ColorType, of: fn(u32, u32) -> [f32; 3]) -> DynamicImage {
    let pixel = |x, y| {
        let [r, g, b] = of(x, y);
        image::Rgba([r, g, b, 0.6])
    };
    convert(image::Rgba32FImage::from_fn(width, height, pixel).into(), color)
}

#[test]
fn blur_keeps_a_flat_image_and_one_that_is_smaller_than_the_kernel() {
    for color in COLOR_TYPES {
        for (width, height) in [(40, 30), (1, 1), (1, 50), (50, 1), (3, 2)] {
            let image = convert(image::RgbaImage::from_pixel(width, height, image::Rgba([200, 100, 50, 150])).into(), color);
            for sigma in [0.1, 3.0, 20.0, 250.0] {
                let (before, after) = through(&image, &format!("blur:{sigma}"));
                after.assert_near(&before, before.largest * 3e-5, &format!("{color:?} {width}x{height} {sigma}"));
            }
        }
    }
}

#[test]
fn a_blur_does_not_let_transparent_pixels_bleed() {
    let halves = image::RgbaImage::from_fn(60, 20, |x, _| image::Rgba(if x < 30 { [255, 0, 0, 255] } else { [0, 255, 0, 0] }));
    for pipeline in ["blur:3", "blur:9"] {
        let blurred = run_to_pixels(&file(&halves.clone().into(), Format::Png), pipeline).into_rgba8();
        assert!(blurred.pixels().all(|pixel| pixel[1] == 0 && (pixel[0] == 255 || pixel[3] == 0)), "{pipeline}");
        assert!(blurred.pixels().any(|pixel| (1..255).contains(&pixel[3])), "{pipeline}");
    }
}

#[test]
fn sharpen_adds_the_difference_from_the_blurred_image() {
    for color in COLOR_TYPES {
        for (pipeline, sigma, amount) in [("sharpen", 1.0, 1.0), ("sharpen:2.5,amount=3", 2.5, 3.0), ("sharpen:1,amount=0", 1.0, 0.0)] {
            let (before, after) = through(&sample(37, 29, color), pipeline);
            let blurred = gaussian(&before, sigma);
            let mut blurred = blurred.pixels();
            let expected = before.map(|pixel| {
                let (colours, alpha) = pixel.split_at(before.colours());
                let blurred = blurred.next().expect("as many pixels");
                let sharper = colours.iter().zip(blurred).map(|(colour, blurred)| colour + amount * (colour - blurred));
                sharper.map(|colour| colour.clamp(0.0, before.largest)).chain(alpha.iter().copied()).collect()
            });
            let off = if before.largest == 1.0 { 2e-5 } else { 1.0 + amount };
            after.assert_near(&expected, off, &format!("{color:?} {pipeline}"));
        }
    }
}

#[test]
fn sharpen_leaves_differences_below_the_threshold() {
    // A low step on the left, a high one on the right; the blurred step differs by half of its height at most.
    let steps = image::GrayImage::from_fn(60, 9, |x, _| {
        image::Luma([if x < 20 {
            100
        } else if x < 40 {
            110
        } else {
            210
        }])
    });
    let sharpened = run_to_pixels(&file(&steps.clone().into(), Format::Png), "sharpen:1,amount=2,threshold=2").into_luma8();
    let changed: Vec<u32> = (0..60).filter(|x| sharpened.get_pixel(*x, 4) != steps.get_pixel(*x, 4)).collect();
    assert_eq!(changed, [38, 39, 40, 41]);
    let all = run_to_pixels(&file(&steps.into(), Format::Png), "sharpen:1,amount=2").into_luma8();
    assert!(all.get_pixel(19, 4)[0] < 100 && all.get_pixel(20, 4)[0] > 110);
}
