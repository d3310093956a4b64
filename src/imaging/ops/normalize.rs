//! Which range of an image is stretched to the full one.

use image::DynamicImage;

use crate::domain::pipeline::ops::Normalize;
use crate::imaging::point::{self, Curve};

/// The curve that stretches the range of an image's luma. One that is flat stays as it is.
pub(super) fn curve(step: &Normalize, image: &DynamicImage) -> Curve {
    let histogram = point::luma_histogram(image);
    let largest = histogram.len().saturating_sub(1) as f32;
    let seen: u64 = histogram.iter().sum();
    // Less than half of them: there is a pixel on each side.
    let clipped = seen * u64::from(step.clip.thousandths().unsigned_abs()) / 100_000;
    let low = level(histogram.iter(), clipped).map(|level| level as f32);
    let high = level(histogram.iter().rev(), clipped).map(|level| largest - level as f32);
    match (low, high) {
        (Some(low), Some(high)) if low < high => Curve::Linear { factor: largest / (high - low), sum: -low / (high - low) },
        _ => Curve::Linear { factor: 1.0, sum: 0.0 },
    }
}

/// The first level at which more pixels are counted than are to be skipped.
fn level<'h>(mut histogram: impl Iterator<Item = &'h u64>, skipped: u64) -> Option<usize> {
    let mut counted = 0;
    histogram.position(|count| {
        counted += count;
        counted > skipped
    })
}
