//! Resizing: Lanczos with a window of three, on colours multiplied by their alpha, so that transparent pixels do not bleed.

use fast_image_resize::{ResizeOptions, Resizer};
use image::DynamicImage;

use crate::domain::pipeline::ops::Resize;
use crate::imaging::ImagingError;
use crate::imaging::frame::Shrunk;

/// `shrunk`: what the image was decoded from, if it has more pixels; the target is for that.
pub(super) fn resize(image: &mut DynamicImage, shrunk: Option<Shrunk>, step: &Resize) -> Result<(), ImagingError> {
    let original = shrunk.map_or((image.width(), image.height()), |shrunk| shrunk.original);
    let plan = step.target.plan(original, step.enlarge);
    let (left, top, width, height) = plan.crop;
    if (width, height) == (plan.width, plan.height) {
        // Nothing is to be interpolated.
        if (width, height) != (image.width(), image.height()) {
            *image = image.crop_imm(left, top, width, height);
        }
        return Ok(());
    }
    let mut resized = DynamicImage::new(plan.width, plan.height, image.color());
    let (left, top, width, height) = match shrunk {
        Some(shrunk) => shrunk.locate(plan.crop),
        None => (left.into(), top.into(), width.into(), height.into()),
    };
    let options = ResizeOptions::new().crop(left, top, width, height);
    let done = Resizer::new().resize(image, &mut resized, &options);
    done.map_err(|error| ImagingError::Operation(format!("resize: {error}")))?;
    *image = resized;
    Ok(())
}
