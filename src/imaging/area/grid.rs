//! Images of any pixel type as samples of one generic type.

use image::DynamicImage;

use crate::imaging::point::{Channels, Sample};

/// The samples of an image, row after row.
pub(in crate::imaging) struct Grid<'i, T> {
    /// Pixels of a row, at least 1.
    pub(in crate::imaging) width: usize,
    /// Rows, at least 1.
    pub(in crate::imaging) height: usize,
    pub(in crate::imaging) channels: Channels,
    pub(in crate::imaging) samples: &'i mut [T],
}

/// Something that is done to an image, whatever its samples are: in place, or with a result.
pub(in crate::imaging) trait EverySample<R = ()> {
    fn apply<T: Sample>(&self, grid: Grid<'_, T>) -> R;
}

/// Does it in place. An image without pixels stays as it is.
pub(in crate::imaging) fn apply(image: &mut DynamicImage, work: &impl EverySample) {
    each(image, work);
}

/// Does it, and gives what comes out; `None` for an image without pixels.
pub(in crate::imaging) fn each<R>(image: &mut DynamicImage, work: &impl EverySample<R>) -> Option<R> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let channels = Channels { colour: image.color().has_color(), alpha: image.color().has_alpha() };
    if width == 0 || height == 0 {
        return None;
    }
    match image {
        DynamicImage::ImageLuma8(samples) => Some(work.apply(Grid { width, height, channels, samples })),
        DynamicImage::ImageLumaA8(samples) => Some(work.apply(Grid { width, height, channels, samples })),
        DynamicImage::ImageRgb8(samples) => Some(work.apply(Grid { width, height, channels, samples })),
        DynamicImage::ImageRgba8(samples) => Some(work.apply(Grid { width, height, channels, samples })),
        DynamicImage::ImageLuma16(samples) => Some(work.apply(Grid { width, height, channels, samples })),
        DynamicImage::ImageLumaA16(samples) => Some(work.apply(Grid { width, height, channels, samples })),
        DynamicImage::ImageRgb16(samples) => Some(work.apply(Grid { width, height, channels, samples })),
        DynamicImage::ImageRgba16(samples) => Some(work.apply(Grid { width, height, channels, samples })),
        DynamicImage::ImageRgb32F(samples) => Some(work.apply(Grid { width, height, channels, samples })),
        DynamicImage::ImageRgba32F(samples) => Some(work.apply(Grid { width, height, channels, samples })),
        _ => None,
    }
}
