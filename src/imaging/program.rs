//! The steps of a pipeline on one frame after the other.

use super::error::ImagingError;
use super::frame::Frame;
use super::ops;
use crate::domain::limits::ImageLimits;
use crate::domain::pipeline::Step;

/// Steps, and the limits that each intermediate result keeps.
pub(super) struct Program<'p> {
    steps: &'p [Step],
    limits: &'p ImageLimits,
}

impl<'p> Program<'p> {
    pub(super) fn new(steps: &'p [Step], limits: &'p ImageLimits) -> Self {
        Self { steps, limits }
    }

    /// Applies every step. A size that could not be told before it was seen is checked here.
    pub(super) fn apply(&self, frame: &mut Frame) -> Result<(), ImagingError> {
        for (index, step) in self.steps.iter().enumerate() {
            self.limits.check_size(step.size_after(frame.size()), Some(index + 1))?;
            ops::apply(step, frame)?;
        }
        Ok(())
    }
}
