//! Cutting off borders of one colour.

use image::{DynamicImage, ImageBuffer, Pixel};

use super::{Learnt, crop, map_pixels};
use crate::domain::pipeline::Area;
use crate::domain::pipeline::ops::Trim;
use crate::imaging::area::premultiplied;
use crate::imaging::point::Sample;

/// Keeps what is inside of the border, or what was kept of the first frame.
pub(super) fn trim(image: &mut DynamicImage, step: &Trim, learnt: &mut Learnt) {
    *image = map_pixels!(std::mem::take(image), pixels => {
        let area = *learnt.area.get_or_insert_with(|| content(&pixels, step).unwrap_or(Area::whole(pixels.dimensions())));
        crop::kept(pixels, area)
    });
}

/// The smallest part with all pixels that are no border; `None` where there is no such pixel.
fn content<P: Pixel<Subpixel: Sample>>(pixels: &ImageBuffer<P, Vec<P::Subpixel>>, step: &Trim) -> Option<Area> {
    let border = match step.color {
        Some(color) => premultiplied(&color.0),
        None => premultiplied(pixels.get_pixel(0, 0).channels()),
    };
    // A little more, so that a distance of just as much is not taken for more when it was rounded.
    let threshold = step.threshold.get() / 100.0 + 1e-6;
    let differs = |pixel: &[P::Subpixel]| {
        let distances = premultiplied(pixel).into_iter().zip(border).map(|(a, b)| (a - b).abs());
        distances.fold(0.0, f32::max) > threshold
    };
    bounds(pixels, usize::from(P::CHANNEL_COUNT), pixels.width(), differs)
}

/// The smallest part with all pixels of which something is true. A row is looked at from both ends and no further than to what
/// others before it left.
fn bounds<S>(samples: &[S], channels: usize, width: u32, holds: impl Fn(&[S]) -> bool) -> Option<Area> {
    let has_one = |row: &[S]| row.chunks_exact(channels).any(&holds);
    let mut rows = samples.chunks_exact(width as usize * channels);
    let top = rows.position(has_one)?;
    let bottom = rows.rposition(has_one).map_or(top, |below| top + 1 + below);
    let (mut left, mut right) = (width as usize, 0);
    for row in samples.chunks_exact(width as usize * channels).take(bottom + 1).skip(top) {
        left = row[..left * channels].chunks_exact(channels).position(&holds).unwrap_or(left);
        right += row[right * channels..].chunks_exact(channels).rposition(&holds).map_or(0, |last| last + 1);
    }
    let pixels = |length: usize| u32::try_from(length).expect("no more than the image has");
    Some(Area { left: pixels(left), top: pixels(top), width: pixels(right - left), height: pixels(bottom + 1 - top) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_those_of_all_pixels() {
        let width = 7;
        for pixels in [vec![10], vec![0], vec![34], vec![8, 26], vec![13, 7, 20], vec![0, 34], vec![6, 28]] {
            let mut samples = vec![0_u8; 35];
            pixels.iter().for_each(|pixel| samples[*pixel] = 1);
            let (xs, ys): (Vec<_>, Vec<_>) = pixels.iter().map(|pixel| (*pixel as u32 % width, *pixel as u32 / width)).unzip();
            let range = |of: &[u32]| (*of.iter().min().unwrap(), of.iter().max().unwrap() - of.iter().min().unwrap() + 1);
            let ((left, across), (top, down)) = (range(&xs), range(&ys));
            let expected = Area { left, top, width: across, height: down };
            assert_eq!(bounds(&samples, 1, width, |pixel| pixel[0] == 1), Some(expected), "{pixels:?}");
        }
        assert_eq!(bounds(&[0_u8; 35], 1, 7, |pixel| pixel[0] == 1), None);
    }
}
