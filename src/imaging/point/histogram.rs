//! How often each level of luma occurs.

use image::DynamicImage;

use super::Stage;
use super::block::{Block, LENGTH};
use super::sample::{Channels, Sample};

/// How many pixels of an image have each level of luma: 256 levels where it has 8 bits, else 65536. Pixels that cannot be seen are
/// not counted.
pub(in crate::imaging) fn luma_histogram(image: &DynamicImage) -> Vec<u64> {
    let channels = Channels { colour: image.color().has_color(), alpha: image.color().has_alpha() };
    if let Some(pixels) = image.as_flat_samples_u8() {
        return count(pixels.samples, channels, 1 << 8);
    }
    if let Some(pixels) = image.as_flat_samples_u16() {
        return count(pixels.samples, channels, 1 << 16);
    }
    image.as_flat_samples_f32().map_or(Vec::new(), |pixels| count(pixels.samples, channels, 1 << 16))
}

fn count<T: Sample>(samples: &[T], channels: Channels, levels: usize) -> Vec<u64> {
    let mut counts = vec![0; levels];
    let largest = (levels - 1) as f32;
    let mut block = Block::new();
    for samples in samples.chunks(LENGTH * channels.count()) {
        block.load(samples, channels);
        block.apply(&Stage::Luma);
        for (luma, alpha) in block.gray().take(samples.len() / channels.count()) {
            if !channels.alpha || alpha > 0.0 {
                counts[(luma.clamp(0.0, 1.0) * largest + 0.5) as usize] += 1;
            }
        }
    }
    counts
}
