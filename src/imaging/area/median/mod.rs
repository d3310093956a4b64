//! The median of a square around every pixel, each channel by itself. Beyond an edge the image goes on as its last pixel is.

mod deep;
mod shallow;
mod smallest;

use image::DynamicImage;

use crate::imaging::point::Sample;

/// Rows and columns, both at least 1, and the samples of a pixel.
#[derive(Clone, Copy, Debug)]
struct Shape {
    width: usize,
    height: usize,
    channels: usize,
}

/// Gives every sample the median of a square whose sides have `2 * radius + 1` pixels. Floats are taken as if they had 16 bits. An image
/// without pixels stays as it is. `radius`: 1 to 127.
pub(in crate::imaging) fn median(image: &mut DynamicImage, radius: usize) {
    let channels = usize::from(image.color().channel_count());
    let shape = Shape { width: image.width() as usize, height: image.height() as usize, channels };
    if shape.width == 0 || shape.height == 0 {
        return;
    }
    match image {
        DynamicImage::ImageLuma8(samples) => of_8_bits(samples, shape, radius),
        DynamicImage::ImageLumaA8(samples) => of_8_bits(samples, shape, radius),
        DynamicImage::ImageRgb8(samples) => of_8_bits(samples, shape, radius),
        DynamicImage::ImageRgba8(samples) => of_8_bits(samples, shape, radius),
        DynamicImage::ImageLuma16(samples) => of_16_bits(samples, shape, radius),
        DynamicImage::ImageLumaA16(samples) => of_16_bits(samples, shape, radius),
        DynamicImage::ImageRgb16(samples) => of_16_bits(samples, shape, radius),
        DynamicImage::ImageRgba16(samples) => of_16_bits(samples, shape, radius),
        DynamicImage::ImageRgb32F(samples) => of_floats(samples, shape, radius),
        DynamicImage::ImageRgba32F(samples) => of_floats(samples, shape, radius),
        _ => {}
    }
}

fn of_8_bits(samples: &mut [u8], shape: Shape, radius: usize) {
    let mut result = vec![0; samples.len()];
    match radius {
        1 => smallest::median(samples, shape, &mut result),
        radius => shallow::median(samples, shape, radius, &mut result),
    }
    samples.copy_from_slice(&result);
}

fn of_16_bits(samples: &mut [u16], shape: Shape, radius: usize) {
    let mut result = vec![0; samples.len()];
    match radius {
        1 => smallest::median(samples, shape, &mut result),
        radius => deep::median(samples, shape, radius, &mut result),
    }
    samples.copy_from_slice(&result);
}

fn of_floats(samples: &mut [f32], shape: Shape, radius: usize) {
    let mut integers: Vec<u16> = samples.iter().map(|sample| u16::nearest(sample.clamp(0.0, 1.0))).collect();
    of_16_bits(&mut integers, shape, radius);
    samples.iter_mut().zip(&integers).for_each(|(sample, integer)| *sample = integer.unit());
}
