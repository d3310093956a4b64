//! The operations on pixels: one file per family. Each takes the pixel type it gets; none knows of files or formats.

mod channels;
#[cfg(feature = "faults")]
mod faults;
mod orient;
mod resize;
mod tone;

use super::ImagingError;
use super::frame::Frame;
use crate::domain::pipeline::Step;

/// Applies one step. A resize brings an image that was shrunk when it was decoded to the size that it asks for; the steps
/// before it must be such that they do not care.
pub(super) fn apply(step: &Step, frame: &mut Frame) -> Result<(), ImagingError> {
    let Frame { image, shrunk } = frame;
    match step {
        Step::SwapChannels(step) => channels::swap(image, step.order),
        Step::Invert(_) => tone::invert(image),
        Step::Grayscale(_) => tone::grayscale(image),
        Step::Rotate(step) => orient::rotate(image, step.degrees),
        Step::Flip(step) => orient::flip(image, step.direction),
        Step::Resize(step) => resize::resize(image, shrunk.take(), step)?,
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
