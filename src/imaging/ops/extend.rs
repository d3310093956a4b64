//! Laying an image on a larger canvas.

use image::DynamicImage;

use super::canvas;
use crate::domain::pipeline::ops::Extend;

pub(super) fn extend(image: &mut DynamicImage, step: &Extend) {
    let (size, place) = step.canvas((image.width(), image.height()));
    canvas::lay(image, size, (place.left, place.top), step.background);
}
