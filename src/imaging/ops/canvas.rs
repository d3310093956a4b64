//! Images on a larger canvas of one colour.

use image::{DynamicImage, ImageBuffer, Pixel};

use super::map_pixels;
use crate::domain::pipeline::Color;
use crate::imaging::point::Sample;

/// Lays an image on a canvas of that size (in pixels, nowhere smaller), with so many columns and rows before it. The pixels of the
/// image stay; gray ones become colours, and alpha is added, where the colour of the canvas needs it.
pub(super) fn lay(image: &mut DynamicImage, size: (u32, u32), at: (u32, u32), background: Color) {
    if size != (image.width(), image.height()) {
        let able = able_to_hold(std::mem::take(image), background);
        *image = map_pixels!(able, pixels => laid(&pixels, size, at, background));
    }
}

/// The image in a pixel type that has the colour; the same image where its own has.
pub(super) fn able_to_hold(image: DynamicImage, Color([r, g, b, a]): Color) -> DynamicImage {
    let kind = image.color();
    let colour = kind.has_color() || r != g || g != b;
    match (kind.bytes_per_pixel() / kind.channel_count(), colour, kind.has_alpha() || a < 255) {
        (1, false, true) => image.into_luma_alpha8().into(),
        (1, true, false) => image.into_rgb8().into(),
        (1, true, true) => image.into_rgba8().into(),
        (2, false, true) => image.into_luma_alpha16().into(),
        (2, true, false) => image.into_rgb16().into(),
        (2, true, true) => image.into_rgba16().into(),
        (4, _, true) => image.into_rgba32f().into(),
        _ => image,
    }
}

/// The colour as a pixel of a type that has it.
pub(super) fn pixel_of<P: Pixel<Subpixel: Sample>>(Color(channels): Color) -> P {
    let [r, g, b, a] = channels.map(|channel| P::Subpixel::nearest(f32::from(channel) / 255.0));
    match P::CHANNEL_COUNT {
        1 => *P::from_slice(&[r]),
        2 => *P::from_slice(&[r, a]),
        3 => *P::from_slice(&[r, g, b]),
        _ => *P::from_slice(&[r, g, b, a]),
    }
}

fn laid<P: Pixel<Subpixel: Sample>>(
    pixels: &ImageBuffer<P, Vec<P::Subpixel>>,
    (width, height): (u32, u32),
    (left, top): (u32, u32),
    background: Color,
) -> ImageBuffer<P, Vec<P::Subpixel>> {
    let channels = usize::from(P::CHANNEL_COUNT);
    let empty = pixel_of::<P>(background).channels().repeat(width as usize);
    let (before, after) = (left as usize * channels, (left + pixels.width()) as usize * channels);
    let mut samples = Vec::with_capacity(empty.len() * height as usize);
    (0..top).for_each(|_| samples.extend_from_slice(&empty));
    for row in pixels.chunks_exact(pixels.width() as usize * channels) {
        samples.extend_from_slice(&empty[..before]);
        samples.extend_from_slice(row);
        samples.extend_from_slice(&empty[after..]);
    }
    (top + pixels.height()..height).for_each(|_| samples.extend_from_slice(&empty));
    ImageBuffer::from_raw(width, height, samples).expect("every row of the canvas")
}
