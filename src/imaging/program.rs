//! The steps of a pipeline on one frame after the other.

use super::assets::Pictures;
use super::error::ImagingError;
use super::frame::Frame;
use super::ops::{self, Learnt};
use super::point::Pass;
use super::profile::ToSrgb;
use crate::domain::limits::ImageLimits;
use crate::domain::pipeline::ops::Target;
use crate::domain::pipeline::{Step, Touches};

/// Steps, and the limits that each intermediate result keeps.
pub(super) struct Program<'p> {
    steps: &'p [Step],
    limits: &'p ImageLimits,
    /// For each step: what the first frame taught it, and what holds for all that follow.
    learnt: Vec<Learnt>,
    /// Done before the first step that looks at colours.
    to_srgb: Option<ToSrgb>,
    /// The assets that the steps name.
    pictures: Pictures,
}

impl<'p> Program<'p> {
    pub(super) fn new(steps: &'p [Step], limits: &'p ImageLimits, to_srgb: Option<ToSrgb>, pictures: Pictures) -> Self {
        Self { steps, limits, learnt: vec![Learnt::default(); steps.len()], to_srgb, pictures }
    }

    /// Applies every step. A size that could not be told before it was seen is checked here.
    pub(super) fn apply(&mut self, frame: &mut Frame) -> Result<(), ImagingError> {
        let mut pass = Pass::default();
        let mut to_srgb = self.to_srgb.as_mut();
        for (index, (step, learnt)) in self.steps.iter().zip(&mut self.learnt).enumerate() {
            self.limits.check_size(step.size_after(frame.size()), Some(index + 1))?;
            if let Some(to_srgb) = to_srgb.take_if(|_| looks_at_colours(step)) {
                to_srgb.apply(&mut frame.image)?;
            }
            ops::apply(step, frame, &mut pass, learnt, &self.pictures)?;
        }
        pass.run(&mut frame.image);
        to_srgb.map_or(Ok(()), |to_srgb| to_srgb.apply(&mut frame.image))
    }
}

/// Whether the result of a step depends on what the values mean. A resize mixes colours, which comes out nearly the same in any
/// space that is made for the eye; after it there are fewer to convert. The colour of a canvas must not be converted, and what is to be kept
/// of an image is chosen by what one sees.
fn looks_at_colours(step: &Step) -> bool {
    match step {
        Step::Resize(resize) => matches!(resize.target, Target::Contain(..)) || resize.interest().is_some(),
        step => step.touches() != Touches::Places,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pipeline::Pipeline;
    use crate::imaging::frame::Delay;
    use image::GrayImage;

    #[test]
    fn the_first_frame_of_an_animation_decides_how_all_are_normalized() {
        let frame =
            |levels: [u8; 2]| Frame { image: GrayImage::from_raw(2, 1, levels.to_vec()).unwrap().into(), shrunk: None, delay: Delay::NONE };
        let pipeline: Pipeline = "normalize:0".parse().unwrap();
        let limits = ImageLimits::default();
        let mut program = Program::new(pipeline.steps(), &limits, None, Pictures::default());
        let (mut first, mut second) = (frame([50, 101]), frame([60, 70]));
        program.apply(&mut first).unwrap();
        program.apply(&mut second).unwrap();
        assert_eq!(first.image.as_bytes(), [0, 255]);
        assert_eq!(second.image.as_bytes(), [50, 100]);
    }
}
