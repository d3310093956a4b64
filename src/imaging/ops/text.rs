//! Texts over an image.

use image::DynamicImage;

use super::over::{self, Cover, Placement};
use crate::domain::pipeline::ops::Caption;
use crate::imaging::ImagingError;
use crate::imaging::text::{Block, Mask};

pub(super) fn caption(image: &mut DynamicImage, step: &Caption) -> Result<(), ImagingError> {
    let shorter = image.width().min(image.height());
    let em = step.size.along(shorter).max(1);
    let block = Block::new(step.text.as_str(), em as f32, step.gravity).map_err(|missing| {
        ImagingError::Operation(format!("text: the font has no glyph for {:?} (U+{:04X})", missing.0, u32::from(missing.0)))
    })?;
    if !step.keeps_gray() {
        over::colour(image);
    }
    let margin = step.margin.along(shorter);
    // A block without width is not repeated at every pixel.
    let period = |block: u32| i64::from(block.max(em)) + i64::from(margin);
    let placement = Placement {
        gravity: step.gravity,
        margin,
        offset: (0, 0),
        period: step.tile.then(|| (period(block.size.0), period(block.size.1))),
    };
    let [lefts, tops] = placement.places((image.width(), image.height()), block.size);
    for mask in block.masks() {
        let moved = |places: &[i64], by: i64| places.iter().map(|place| place + by).collect::<Vec<_>>();
        let (lefts, tops) = (moved(&lefts, mask.place.0), moved(&tops, mask.place.1));
        over::lay(image, &Ink { mask: &mask, color: step.color.channels(), opacity: step.opacity.get() }, &lefts, &tops);
    }
    Ok(())
}

/// A glyph in its colour.
struct Ink<'m> {
    mask: &'m Mask,
    color: [f32; 3],
    opacity: f32,
}

impl Cover for Ink<'_> {
    fn size(&self) -> (usize, usize) {
        (self.mask.width, self.mask.coverage.len() / self.mask.width)
    }

    #[inline(always)]
    fn pixel(&self, index: usize) -> ([f32; 3], f32) {
        (self.color, self.mask.coverage[index] * self.opacity)
    }
}
