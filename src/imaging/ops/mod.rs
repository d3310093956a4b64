//! The operations on pixels: one file per family. Each takes the pixel type it gets; none knows of files or formats.

mod channels;
#[cfg(feature = "faults")]
mod faults;
mod orient;
mod resize;
mod tone;

use image::DynamicImage;

use super::ImagingError;
use crate::domain::pipeline::Step;

/// Applies one step.
pub(super) fn apply(step: &Step, image: &mut DynamicImage) -> Result<(), ImagingError> {
    match *step {
        Step::SwapChannels { order } => channels::swap(image, order),
        Step::Invert => tone::invert(image),
        Step::Grayscale => tone::grayscale(image),
        Step::Rotate { rotation } => orient::rotate(image, rotation),
        Step::Flip { direction } => orient::flip(image, direction),
        Step::Resize { target, enlarge } => resize::resize(image, target, enlarge)?,
        #[cfg(feature = "faults")]
        Step::FaultAbort => faults::abort(),
        #[cfg(feature = "faults")]
        Step::FaultLoop => faults::run_forever(),
        #[cfg(feature = "faults")]
        Step::FaultEatMemory => faults::eat_memory(),
        #[cfg(feature = "faults")]
        Step::FaultPanic => faults::panic(),
        #[cfg(feature = "faults")]
        Step::FaultStop => faults::stop(),
    }
    Ok(())
}
