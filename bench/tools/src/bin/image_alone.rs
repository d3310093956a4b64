//! The contender "the `image` crate alone": what a program gets from it with no other crate around. Its JPEG encoder writes
//! 4:4:4 with the standard Huffman tables, its AVIF encoder (ravif) 4:4:4; neither has a switch.

use std::io::Cursor;

use bench_tools::{Outcome, Output, Refusal, serve};
use image::codecs::avif::AvifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};

fn main() -> Outcome<()> {
    serve("image 0.25.10", work)
}

fn work(input: &[u8], output: &Output) -> Result<Vec<u8>, Refusal> {
    if output.animated || output.format == "webp" {
        return Err(Refusal::Unsupported("no lossy WebP"));
    }
    let mut image = image::load_from_memory(input)?;
    if let Some((width, height)) = output.size {
        image = match output.cover {
            true => image.resize_to_fill(width, height, FilterType::Lanczos3),
            false => image.resize(width, height, FilterType::Lanczos3),
        };
    }
    if output.swap {
        let mut rgb = image.into_rgb8();
        rgb.pixels_mut().for_each(|pixel| pixel.0.swap(0, 2));
        image = DynamicImage::ImageRgb8(rgb);
    }
    let mut file = Cursor::new(Vec::new());
    match output.format.as_str() {
        "jpeg" => image.write_with_encoder(JpegEncoder::new_with_quality(&mut file, output.quality))?,
        // Speed 8 of ravif and one thread: the middle of what servers use.
        "avif" => image.write_with_encoder(AvifEncoder::new_with_speed_quality(&mut file, 8, output.quality).with_num_threads(Some(1)))?,
        _ => image.write_to(&mut file, ImageFormat::Png)?,
    }
    Ok(file.into_inner())
}
