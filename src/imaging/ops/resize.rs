//! Resizing: Lanczos with a window of three, on colours multiplied by their alpha, so that transparent pixels do not bleed.

use fast_image_resize::{ResizeOptions, Resizer};
use image::DynamicImage;

use super::{Learnt, canvas, crop};
use crate::domain::pipeline::Area;
use crate::domain::pipeline::ops::{Backdrop, Resize, ResizePlan};
use crate::imaging::ImagingError;
use crate::imaging::frame::Shrunk;
use crate::imaging::interest;

/// `shrunk`: what the image was decoded from, if it has more pixels; the target is for that. Where pixels decide what is kept, those
/// of the first frame do.
pub(super) fn resize(image: &mut DynamicImage, shrunk: Option<Shrunk>, step: &Resize, learnt: &mut Learnt) -> Result<(), ImagingError> {
    let original = shrunk.map_or((image.width(), image.height()), |shrunk| shrunk.window().size());
    let mut plan = step.plan(original);
    if let Some(asked) = step.interest() {
        let found = || interest::find(asked, image, shrunk.as_ref(), plan.crop.size());
        plan.crop = *learnt.area.get_or_insert_with(found);
    }
    if !shrunk.is_some_and(|shrunk| shrunk.is_resized()) {
        interpolate(image, shrunk, &plan)?;
    }
    if let Some(Backdrop { size, place, color }) = plan.canvas {
        canvas::lay(image, size, place, color);
    }
    Ok(())
}

/// Brings a whole image to a size.
pub(super) fn scale(image: &mut DynamicImage, (width, height): (u32, u32)) -> Result<(), ImagingError> {
    let crop = Area::whole((image.width(), image.height()));
    interpolate(image, None, &ResizePlan { crop, width, height, canvas: None })
}

fn interpolate(image: &mut DynamicImage, shrunk: Option<Shrunk>, plan: &ResizePlan) -> Result<(), ImagingError> {
    if plan.crop.size() == (plan.width, plan.height) {
        crop::keep(image, plan.crop);
        return Ok(());
    }
    let (left, top, width, height) = match shrunk {
        Some(shrunk) => located(image, &shrunk, plan.crop),
        None => {
            let Area { left, top, width, height } = plan.crop;
            (left.into(), top.into(), width.into(), height.into())
        }
    };
    let mut resized = DynamicImage::new(plan.width, plan.height, image.color());
    let options = ResizeOptions::new().crop(left, top, width, height);
    let done = Resizer::new().resize(image, &mut resized, &options);
    done.map_err(|error| ImagingError::Operation(format!("resize: {error}")))?;
    *image = resized;
    Ok(())
}

/// Where an area of what is left of a picture lies among the pixels that were decoded of it. Those of which nothing is left are cut
/// off first, so that they do not bleed into the others.
fn located(image: &mut DynamicImage, shrunk: &Shrunk, area: Area) -> (f64, f64, f64, f64) {
    let (left, top, width, height) = shrunk.locate(Area::whole(shrunk.window().size()));
    let span = |start: f64, length: f64, pixels: u32| {
        let first = start.floor().max(0.0) as u32;
        (first, ((start + length).ceil() as u32).min(pixels) - first)
    };
    let ((left, width), (top, height)) = (span(left, width, image.width()), span(top, height, image.height()));
    crop::keep(image, Area { left, top, width, height });
    let (x, y, width, height) = shrunk.locate(area);
    (x - f64::from(left), y - f64::from(top), width, height)
}
