//! Resizing: Lanczos with a window of three, on colours multiplied by their alpha, so that transparent pixels do not bleed.

use fast_image_resize::{ResizeOptions, Resizer};
use image::DynamicImage;

use crate::domain::pipeline::Target;
use crate::imaging::ImagingError;

pub(super) fn resize(mut image: DynamicImage, target: Target, enlarge: bool) -> Result<DynamicImage, ImagingError> {
    let plan = target.plan((image.width(), image.height()), enlarge);
    let (left, top, width, height) = plan.crop;
    if (width, height) == (plan.width, plan.height) {
        // Not a pixel is to be interpolated.
        let whole = (width, height) == (image.width(), image.height());
        return Ok(if whole { image } else { image.crop(left, top, width, height) });
    }
    let mut resized = DynamicImage::new(plan.width, plan.height, image.color());
    let options = ResizeOptions::new().crop(left.into(), top.into(), width.into(), height.into());
    let done = Resizer::new().resize(&image, &mut resized, &options);
    done.map_err(|error| ImagingError::Operation(format!("resize: {error}")))?;
    Ok(resized)
}
