//! Pixel types that a format can hold.

use image::{ColorType, DynamicImage, GrayImage, RgbImage};

use crate::domain::pipeline::Output;

/// The image in a pixel type that the output's format can hold; the same image where it already is in one.
pub(super) fn held_by(output: &Output, image: DynamicImage) -> DynamicImage {
    match (output, image.color()) {
        // A palette is made of what has alpha.
        (Output::Png(png), _) if png.colors.is_some() => image.into_rgba8().into(),
        (Output::Png(_), ColorType::Rgb32F) => image.into_rgb16().into(),
        (Output::Png(_), ColorType::Rgba32F) => image.into_rgba16().into(),
        (Output::Avif(_), _) => to_8_bits(image),
        (Output::Jpeg(_), _) => on_white(to_8_bits(image)),
        (Output::Gif(_), _) => with_binary_alpha(image),
        (Output::Bmp(_), _) => without_gray_alpha(to_8_bits(image)),
        (Output::Webp(_) | Output::Qoi(_), _) => colours_of_8_bits(image),
        (Output::Tiff(_), _) => without_gray_alpha(image),
        (Output::Png(_), _) => image,
    }
}

fn to_8_bits(image: DynamicImage) -> DynamicImage {
    match image.color() {
        ColorType::L16 => image.into_luma8().into(),
        ColorType::La16 => image.into_luma_alpha8().into(),
        ColorType::Rgb16 | ColorType::Rgb32F => image.into_rgb8().into(),
        ColorType::Rgba16 | ColorType::Rgba32F => image.into_rgba8().into(),
        _ => image,
    }
}

fn without_gray_alpha(image: DynamicImage) -> DynamicImage {
    match image.color() {
        ColorType::La8 => image.into_rgba8().into(),
        ColorType::La16 => image.into_rgba16().into(),
        _ => image,
    }
}

/// Lays an 8-bit image over white.
fn on_white(image: DynamicImage) -> DynamicImage {
    let (width, height) = (image.width(), image.height());
    let flat = match &image {
        DynamicImage::ImageLumaA8(pixels) => GrayImage::from_raw(width, height, over_white::<1, 2>(pixels)).map(DynamicImage::from),
        DynamicImage::ImageRgba8(pixels) => RgbImage::from_raw(width, height, over_white::<3, 4>(pixels)).map(DynamicImage::from),
        _ => None,
    };
    flat.unwrap_or(image)
}

/// `C` colours and an alpha to each pixel of `N` samples.
fn over_white<const C: usize, const N: usize>(samples: &[u8]) -> Vec<u8> {
    let mut flat = Vec::with_capacity(samples.len() / N * C);
    for pixel in samples.as_chunks::<N>().0 {
        let alpha = u32::from(pixel[C]);
        flat.extend(pixel[..C].iter().map(|colour| ((u32::from(*colour) * alpha + 255 * (255 - alpha) + 127) / 255) as u8));
    }
    flat
}

/// A colour image of 8 bits, with alpha if it has any.
pub(super) fn colours_of_8_bits(image: DynamicImage) -> DynamicImage {
    if image.color().has_alpha() { image.into_rgba8().into() } else { image.into_rgb8().into() }
}

/// An 8-bit colour image whose pixels are opaque or transparent, nothing between.
pub(super) fn with_binary_alpha(image: DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return image.into_rgb8().into();
    }
    let mut pixels = image.into_rgba8();
    for pixel in pixels.as_chunks_mut::<4>().0 {
        if pixel[3] < 128 {
            // One transparent colour takes one place in the palette.
            *pixel = [0; 4];
        } else {
            pixel[3] = 255;
        }
    }
    pixels.into()
}
