//! Images for the tests, made here, so that every expected pixel is known.

use std::io::Cursor;

use image::{DynamicImage, ImageBuffer, ImageFormat, Rgb, Rgba};

/// A picture in which every pixel differs from its neighbours and no channel equals another.
pub fn rgb(width: u32, height: u32) -> DynamicImage {
    ImageBuffer::from_fn(width, height, |x, y| Rgb([(x * 3 + y) as u8, (y * 5) as u8, (x * 7 + 128) as u8])).into()
}

/// The same with an alpha channel.
pub fn rgba(width: u32, height: u32) -> DynamicImage {
    ImageBuffer::from_fn(width, height, |x, y| Rgba([(x * 3 + y) as u8, (y * 5) as u8, (x * 7 + 128) as u8, (x + y * 2) as u8])).into()
}

/// The same with 16 bits per channel, using all of them.
pub fn rgba16(width: u32, height: u32) -> DynamicImage {
    let picture = ImageBuffer::from_fn(width, height, |x, y| {
        Rgba([(x * 771 + y) as u16, (y * 1285 + 7) as u16, (x * 1799 + 32768) as u16, (x * 255 + y * 514) as u16])
    });
    DynamicImage::ImageRgba16(picture)
}

/// The picture as a file of the given format.
pub fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).expect("the picture can be encoded");
    file.into_inner()
}

/// The picture in a file.
pub fn decode(file: &[u8]) -> DynamicImage {
    image::load_from_memory(file).expect("the file can be decoded")
}

/// A small PNG, for tests that are not about pixels.
pub fn small_png() -> Vec<u8> {
    encode(&rgb(40, 30), ImageFormat::Png)
}
