//! The steps of a pipeline on one frame after the other.

use super::error::ImagingError;
use super::frame::Frame;
use super::ops;
use super::point::{Curve, Pass};
use crate::domain::limits::ImageLimits;
use crate::domain::pipeline::Step;

/// Steps, and the limits that each intermediate result keeps.
pub(super) struct Program<'p> {
    steps: &'p [Step],
    limits: &'p ImageLimits,
    /// For each step: what the first frame taught it, and what holds for all that follow.
    learnt: Vec<Option<Curve>>,
}

impl<'p> Program<'p> {
    pub(super) fn new(steps: &'p [Step], limits: &'p ImageLimits) -> Self {
        Self { steps, limits, learnt: vec![None; steps.len()] }
    }

    /// Applies every step. A size that could not be told before it was seen is checked here.
    pub(super) fn apply(&mut self, frame: &mut Frame) -> Result<(), ImagingError> {
        let mut pass = Pass::default();
        for (index, (step, learnt)) in self.steps.iter().zip(&mut self.learnt).enumerate() {
            self.limits.check_size(step.size_after(frame.size()), Some(index + 1))?;
            ops::apply(step, frame, &mut pass, learnt)?;
        }
        pass.run(&mut frame.image);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pipeline::Pipeline;
    use image::GrayImage;

    #[test]
    fn the_first_frame_of_an_animation_decides_how_all_are_normalized() {
        let frame = |levels: [u8; 2]| Frame { image: GrayImage::from_raw(2, 1, levels.to_vec()).unwrap().into(), shrunk: None };
        let pipeline: Pipeline = "normalize:0".parse().unwrap();
        let limits = ImageLimits::default();
        let mut program = Program::new(pipeline.steps(), &limits);
        let (mut first, mut second) = (frame([50, 101]), frame([60, 70]));
        program.apply(&mut first).unwrap();
        program.apply(&mut second).unwrap();
        assert_eq!(first.image.as_bytes(), [0, 255]);
        assert_eq!(second.image.as_bytes(), [50, 100]);
    }
}
