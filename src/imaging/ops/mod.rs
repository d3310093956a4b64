//! The operations on pixels: one file per family. Each takes the pixel type it gets; none knows of files or formats.

mod alpha;
mod blur;
mod canvas;
pub(super) mod channels;
mod colour;
mod crop;
mod extend;
#[cfg(feature = "faults")]
mod faults;
mod normalize;
mod orient;
mod over;
mod pixelate;
mod resize;
mod rotate;
mod round;
mod text;
pub(super) mod tone;
mod trim;
mod watermark;

use std::rc::Rc;

use super::assets::{Picture, Pictures};
use super::frame::Frame;
use super::point::{Curve, Pass, Stage};
use super::{ImagingError, area};
use crate::domain::pipeline::{Area, Step};

/// What a step found out from its first image, which holds for all that follow.
#[derive(Clone, Default)]
pub(super) struct Learnt {
    /// How colours change.
    curve: Option<Curve>,
    /// What is kept.
    area: Option<Area>,
    /// What is laid over images of that size.
    picture: Option<((u32, u32), Rc<Picture>)>,
}

/// Makes an image of the same pixel type of the buffer of an image.
macro_rules! map_pixels {
    ($image:expr, $pixels:ident => $result:expr) => {
        match $image {
            DynamicImage::ImageLuma8($pixels) => DynamicImage::ImageLuma8($result),
            DynamicImage::ImageLumaA8($pixels) => DynamicImage::ImageLumaA8($result),
            DynamicImage::ImageRgb8($pixels) => DynamicImage::ImageRgb8($result),
            DynamicImage::ImageRgba8($pixels) => DynamicImage::ImageRgba8($result),
            DynamicImage::ImageLuma16($pixels) => DynamicImage::ImageLuma16($result),
            DynamicImage::ImageLumaA16($pixels) => DynamicImage::ImageLumaA16($result),
            DynamicImage::ImageRgb16($pixels) => DynamicImage::ImageRgb16($result),
            DynamicImage::ImageRgba16($pixels) => DynamicImage::ImageRgba16($result),
            DynamicImage::ImageRgb32F($pixels) => DynamicImage::ImageRgb32F($result),
            DynamicImage::ImageRgba32F($pixels) => DynamicImage::ImageRgba32F($result),
            other => other,
        }
    };
}
use map_pixels;

/// Applies one step, or adds it to a pass that is still to be done, where it works on each pixel by itself. `learnt` is for what the step
/// finds out from its first image and keeps for the following ones; `pictures` are the assets that steps name.
///
/// A resize brings an image that was shrunk when it was decoded to the size that it asks for; the steps
/// before it must be such that they do not care.
pub(super) fn apply(step: &Step, frame: &mut Frame, pass: &mut Pass, learnt: &mut Learnt, pictures: &Pictures) -> Result<(), ImagingError> {
    let image = &mut frame.image;
    match step {
        Step::SwapChannels(step) => pass.then(Stage::Swap(step.order)),
        Step::Invert(_) => pass.then(Stage::Invert),
        Step::Grayscale(_) => pass.then(Stage::Luma),
        Step::Brightness(step) => pass.then(tone::brightness(step)),
        Step::Contrast(step) => pass.then(tone::contrast(step)),
        Step::Gamma(step) => pass.then(tone::gamma(step)),
        Step::Threshold(step) => tone::threshold(step).into_iter().for_each(|stage| pass.then(stage)),
        Step::Posterize(step) => pass.then(tone::posterize(step)),
        Step::Normalize(step) => pass.then(Stage::Curve(*learnt.curve.get_or_insert_with(|| normalize::curve(step, image)))),
        Step::Saturation(step) => pass.then(colour::saturation(step)),
        Step::Hue(step) => pass.then(colour::hue(step)),
        Step::Tint(step) => pass.then(colour::tint(step)),
        Step::Duotone(step) => pass.then(colour::duotone(step)),
        Step::Sepia(step) => pass.then(colour::sepia(step)),
        Step::Recolor(step) => pass.then(colour::recolor(step)),
        Step::Opacity(step) => pass.then(alpha::opacity(step)),
        Step::Flatten(step) => pass.then(alpha::flatten(step)),
        Step::Rotate(step) => rotate::rotate(image, step),
        Step::Flip(step) => orient::flip(image, step.direction),
        Step::Crop(step) => crop::crop(frame, step, learnt)?,
        Step::Resize(step) => resize::resize(image, frame.shrunk.take(), step, learnt)?,
        Step::Extend(step) => extend::extend(image, step),
        Step::Trim(step) => trim::trim(image, step, learnt),
        Step::Blur(step) => area::apply(image, step),
        Step::Sharpen(step) => area::apply(image, step),
        Step::Pixelate(step) => area::apply(image, step),
        Step::Median(step) => area::median(image, step.radius.get().unsigned_abs() as usize),
        Step::Round(step) => round::round(image, step),
        Step::Circle(_) => round::circle(image),
        Step::Caption(step) => text::caption(image, step)?,
        Step::Watermark(step) => watermark::watermark(image, step, pictures, learnt)?,
        #[cfg(feature = "faults")]
        Step::FaultAbort(_) => faults::abort(),
        #[cfg(feature = "faults")]
        Step::FaultLoop(_) => faults::run_forever(),
        #[cfg(feature = "faults")]
        Step::FaultEatMemory(_) => faults::eat_memory(),
        #[cfg(feature = "faults")]
        Step::FaultPanic(_) => faults::panic(),
        #[cfg(feature = "faults")]
        Step::FaultStop(_) => faults::stop(),
    }
    Ok(())
}
