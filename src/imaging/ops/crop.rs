//! Cutting a part out. The rows are moved together in place, and the memory of the rest is given back.

use image::{DynamicImage, ImageBuffer, Pixel};

use super::{Learnt, map_pixels};
use crate::domain::pipeline::Area;
use crate::domain::pipeline::ops::Crop;
use crate::imaging::ImagingError;
use crate::imaging::frame::Frame;
use crate::imaging::interest;

/// Crops a frame; one that was decoded at a scale when it is resized. Where pixels decide, those of the first frame do.
pub(super) fn crop(frame: &mut Frame, step: &Crop, learnt: &mut Learnt) -> Result<(), ImagingError> {
    let mut area = step.area(frame.size()).map_err(|error| ImagingError::Operation(error.to_string()))?;
    if let Some(asked) = step.interest() {
        let found = || interest::find(asked, &mut frame.image, frame.shrunk.as_ref(), area.size());
        area = *learnt.area.get_or_insert_with(found);
    }
    match &mut frame.shrunk {
        Some(shrunk) => shrunk.crop(area),
        None => keep(&mut frame.image, area),
    }
    Ok(())
}

/// Keeps an area of an image, which must have it.
pub(super) fn keep(image: &mut DynamicImage, area: Area) {
    *image = map_pixels!(std::mem::take(image), pixels => kept(pixels, area));
}

/// What [`keep`] makes of one pixel type.
pub(super) fn kept<P: Pixel>(pixels: ImageBuffer<P, Vec<P::Subpixel>>, area: Area) -> ImageBuffer<P, Vec<P::Subpixel>> {
    if area == Area::whole(pixels.dimensions()) {
        return pixels;
    }
    let channels = usize::from(P::CHANNEL_COUNT);
    let stride = pixels.width() as usize * channels;
    let row = area.width as usize * channels;
    let first = area.top as usize * stride + area.left as usize * channels;
    let mut samples = pixels.into_raw();
    for y in 0..area.height as usize {
        let start = first + y * stride;
        samples.copy_within(start..start + row, y * row);
    }
    samples.truncate(row * area.height as usize);
    samples.shrink_to_fit();
    ImageBuffer::from_raw(area.width, area.height, samples).expect("the rows of the area")
}
