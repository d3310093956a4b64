//! Images over an image.

use std::rc::Rc;

use image::DynamicImage;

use super::over::{self, Cover, Placement};
use super::{Learnt, resize};
use crate::domain::pipeline::ops::Watermark;
use crate::imaging::ImagingError;
use crate::imaging::assets::{Picture, Pictures};
use crate::imaging::point::Sample;

/// Lays a picture over an image. What it was scaled to is kept for the following images, which have the same size.
pub(super) fn watermark(image: &mut DynamicImage, step: &Watermark, pictures: &Pictures, learnt: &mut Learnt) -> Result<(), ImagingError> {
    let size = (image.width(), image.height());
    let picture = match &learnt.picture {
        Some((of, picture)) if *of == size => Rc::clone(picture),
        _ => {
            let picture = Rc::new(scaled(step, pictures, size)?);
            learnt.picture = Some((size, Rc::clone(&picture)));
            picture
        }
    };
    if !picture.is_gray {
        over::colour(image);
    }
    let opacity = step.opacity.get();
    match &picture.pixels {
        DynamicImage::ImageRgba8(pixels) => lay(image, step, pixels.dimensions(), pixels, opacity),
        DynamicImage::ImageRgba16(pixels) => lay(image, step, pixels.dimensions(), pixels, opacity),
        DynamicImage::ImageRgba32F(pixels) => lay(image, step, pixels.dimensions(), pixels, opacity),
        other => return Err(ImagingError::Operation(format!("watermark: pixels of an unexpected type, {:?}", other.color()))),
    }
    Ok(())
}

/// The picture in the size that it has over an image of that size.
fn scaled(step: &Watermark, pictures: &Pictures, image: (u32, u32)) -> Result<Picture, ImagingError> {
    let picture = pictures.get(&step.asset)?;
    let size = (picture.pixels.width(), picture.pixels.height());
    let mut pixels = picture.pixels.clone();
    resize::scale(&mut pixels, step.size(size, image))?;
    Ok(Picture { pixels, is_gray: picture.is_gray })
}

fn lay<T: Sample>(image: &mut DynamicImage, step: &Watermark, size: (u32, u32), samples: &[T], opacity: f32) {
    let shorter = image.width().min(image.height());
    let spacing = step.spacing.along(shorter);
    let period = |side: u32| i64::from(side) + i64::from(spacing);
    let placement = Placement {
        gravity: step.gravity,
        margin: step.margin.along(shorter),
        offset: (step.x.get().into(), step.y.get().into()),
        period: step.tile.then(|| (period(size.0), period(size.1))),
    };
    let [lefts, tops] = placement.places((image.width(), image.height()), size);
    let pixels = samples.as_chunks::<4>().0;
    over::lay(image, &Overlay { width: size.0 as usize, pixels, opacity }, &lefts, &tops);
}

/// A picture with its alpha.
struct Overlay<'p, T> {
    width: usize,
    pixels: &'p [[T; 4]],
    opacity: f32,
}

impl<T: Sample> Cover for Overlay<'_, T> {
    fn size(&self) -> (usize, usize) {
        (self.width, self.pixels.len() / self.width.max(1))
    }

    #[inline(always)]
    fn pixel(&self, index: usize) -> ([f32; 3], f32) {
        let [r, g, b, a] = self.pixels[index].map(Sample::unit);
        ([r, g, b], a * self.opacity)
    }
}
