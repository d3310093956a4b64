//! Which part of an image is kept where its pixels decide: `entropy` and `attention`, as libvips has them in `vips_smartcrop`.
//!
//! Both look at no more than 256 samples along each side, evenly spread, so that the time does not depend on the image, and a picture that
//! was decoded at a scale gives the same part, nearly, as all its pixels do.

mod attention;
mod entropy;

use image::DynamicImage;

use super::area::{self, EverySample, Grid, premultiplied};
use super::frame::Shrunk;
use super::point::Sample;
use crate::domain::pipeline::{Area, Interest};

/// How many samples are looked at along a side.
const SIDE: usize = 256;

/// The part of that size that is kept of an image, nowhere larger than it. `shrunk`: what the image was decoded from, if it has more
/// pixels; the part is one of that.
pub(super) fn find(asked: Interest, image: &mut DynamicImage, shrunk: Option<&Shrunk>, (width, height): (u32, u32)) -> Area {
    let whole = shrunk.map_or((image.width(), image.height()), |shrunk| shrunk.window().size());
    let part = (f64::from(width) / f64::from(whole.0), f64::from(height) / f64::from(whole.1));
    let rectangle = match shrunk {
        Some(shrunk) => shrunk.locate(Area::whole(whole)),
        None => (0.0, 0.0, f64::from(whole.0), f64::from(whole.1)),
    };
    let miniature = area::each(image, &Look { rectangle });
    let (x, y) = miniature.map_or((0.5, 0.5), |miniature| match asked {
        Interest::Entropy => entropy::find(&miniature, part),
        Interest::Attention => attention::find(&miniature, part),
    });
    let place = |room: u32, portion: f64| ((f64::from(room) * portion).round() as u32).min(room);
    Area { left: place(whole.0 - width, x), top: place(whole.1 - height, y), width, height }
}

/// Samples of an image, row after row: red, green and blue multiplied by alpha, from 0 to 1.
struct Miniature {
    width: usize,
    height: usize,
    pixels: Vec<[f32; 3]>,
}

/// Takes them from a rectangle of pixels: left, top, width, height.
struct Look {
    rectangle: (f64, f64, f64, f64),
}

impl EverySample<Miniature> for Look {
    fn apply<T: Sample>(&self, grid: Grid<'_, T>) -> Miniature {
        let (left, top, width, height) = self.rectangle;
        let count = grid.channels.count();
        let places = |start: f64, length: f64, pixels: usize| -> Vec<usize> {
            let samples = (length.ceil() as usize).clamp(1, SIDE);
            let step = length / samples as f64;
            (0..samples).map(|sample| ((start + (sample as f64 + 0.5) * step).max(0.0) as usize).min(pixels - 1)).collect()
        };
        let (columns, rows) = (places(left, width, grid.width), places(top, height, grid.height));
        let pixel = |x: usize, y: usize| {
            let [r, g, b, _] = premultiplied(&grid.samples[(y * grid.width + x) * count..][..count]);
            [r, g, b]
        };
        let pixels = rows.iter().flat_map(|y| columns.iter().map(move |x| (*x, *y))).map(|(x, y)| pixel(x, y)).collect();
        Miniature { width: columns.len(), height: rows.len(), pixels }
    }
}
