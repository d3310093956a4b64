//! The steps of a tree of pipelines, on one frame after the other. What the pipelines have in common is done once; where they
//! part, all but the last go on with a copy.

use super::assets::Pictures;
use super::error::ImagingError;
use super::frame::Frame;
use super::ops::{self, Learnt};
use super::point::Pass;
use super::profile::ToSrgb;
use crate::domain::limits::ImageLimits;
use crate::domain::pipeline::{Action, Node, Schedule, Step};

/// A tree of steps, and the limits that each intermediate result keeps.
pub(super) struct Program<'p> {
    root: Part<'p>,
    /// Done before the first step that looks at colours.
    to_srgb: Option<ToSrgb>,
    given: Given<'p>,
}

/// What is the same for every step and every frame.
struct Given<'g> {
    limits: &'g ImageLimits,
    /// The assets that the steps name.
    pictures: &'g Pictures,
}

/// A node of the tree.
struct Part<'p> {
    /// Each step with what the first frame taught it, and what holds for all that follow.
    steps: Vec<(&'p Step, Learnt)>,
    ends: Vec<usize>,
    branches: Vec<Part<'p>>,
    /// How many steps come before these.
    depth: usize,
}

/// A frame on its way.
#[derive(Clone)]
struct Passage {
    frame: Frame,
    /// What is put off.
    schedule: Schedule,
    /// Point operations that are still to be done.
    pass: Pass,
}

/// What comes out at the end of pipelines, which are named by their indices.
pub(super) enum Delivery {
    /// The frame of one.
    Made(usize, Frame),
    /// Why some, at least one, have none: a step that they share failed.
    Failed(Vec<usize>, ImagingError),
}

/// Who is given it.
pub(super) type Deliver<'d> = dyn FnMut(Delivery) + 'd;

impl<'p> Program<'p> {
    pub(super) fn new(root: &Node<'p>, limits: &'p ImageLimits, to_srgb: Option<ToSrgb>, pictures: &'p Pictures) -> Self {
        Self { root: Part::of(root, 0), to_srgb, given: Given { limits, pictures } }
    }

    /// Takes a frame through every pipeline, and delivers what becomes of it as soon as that is known.
    pub(super) fn apply(&mut self, frame: Frame, deliver: &mut Deliver<'_>) {
        let passage = Passage { frame, schedule: Schedule::default(), pass: Pass::default() };
        let mut colours = Colours(self.to_srgb.as_mut());
        self.root.take(passage, &self.given, &mut colours, deliver);
    }
}

impl<'p> Part<'p> {
    fn of(node: &Node<'p>, depth: usize) -> Self {
        let below = depth + node.steps.len();
        Self {
            steps: node.steps.iter().map(|step| (*step, Learnt::default())).collect(),
            ends: node.ends.clone(),
            branches: node.branches.iter().map(|branch| Part::of(branch, below)).collect(),
            depth,
        }
    }

    fn take(&mut self, mut passage: Passage, given: &Given<'_>, colours: &mut Colours<'_>, deliver: &mut Deliver<'_>) {
        if let Err(error) = self.steps(&mut passage, given, colours).and_then(|()| self.before_parting(&mut passage, colours)) {
            return deliver(Delivery::Failed(self.members(), error));
        }
        let mut left = self.ends.len() + self.branches.len();
        let mut passage = Some(passage);
        // The last is given the image itself.
        let mut next = || {
            left -= 1;
            if left == 0 { passage.take() } else { passage.clone() }
        };
        for end in &self.ends {
            next().into_iter().for_each(|passage| {
                deliver(match passage.finish(colours) {
                    Ok(frame) => Delivery::Made(*end, frame),
                    Err(error) => Delivery::Failed(vec![*end], error),
                });
            });
        }
        for branch in &mut self.branches {
            next().into_iter().for_each(|passage| branch.take(passage, given, colours, deliver));
        }
    }

    /// Applies the steps of this node. A size that could not be told before it was seen is checked here.
    fn steps(&mut self, passage: &mut Passage, given: &Given<'_>, colours: &mut Colours<'_>) -> Result<(), ImagingError> {
        for (index, (step, learnt)) in self.steps.iter_mut().enumerate() {
            given.limits.check_size(step.size_after(passage.frame.size()), Some(self.depth + index + 1))?;
            passage.schedule.take(step).try_for_each(|action| match action {
                Action::Join(step) | Action::Do(step) => ops::apply(step, &mut passage.frame, &mut passage.pass, learnt, given.pictures),
                action => passage.catch_up(action, colours),
            })?;
        }
        Ok(())
    }

    /// Does what every way on from here begins with.
    fn before_parting(&self, passage: &mut Passage, colours: &mut Colours<'_>) -> Result<(), ImagingError> {
        let firsts: Vec<&Step> = self.branches.iter().filter_map(|branch| branch.steps.first()).map(|(step, _)| *step).collect();
        passage.schedule.part(&firsts).try_for_each(|action| passage.catch_up(action, colours))
    }

    /// The pipelines that end here or further on.
    fn members(&self) -> Vec<usize> {
        self.ends.iter().copied().chain(self.branches.iter().flat_map(Self::members)).collect()
    }
}

impl Passage {
    /// Does what was put off; a step itself is not.
    fn catch_up(&mut self, action: Action<'_>, colours: &mut Colours<'_>) -> Result<(), ImagingError> {
        match action {
            Action::ToSrgb => colours.convert(&mut self.frame)?,
            Action::Pass => self.pass.run(&mut self.frame.image),
            Action::Join(_) | Action::Do(_) => {}
        }
        Ok(())
    }

    /// Does what is still to be done at the end of a pipeline.
    fn finish(mut self, colours: &mut Colours<'_>) -> Result<Frame, ImagingError> {
        let schedule = std::mem::take(&mut self.schedule);
        schedule.finish().try_for_each(|action| self.catch_up(action, colours))?;
        Ok(self.frame)
    }
}

/// The conversion to sRGB, where there is one.
struct Colours<'c>(Option<&'c mut ToSrgb>);

impl Colours<'_> {
    fn convert(&mut self, frame: &mut Frame) -> Result<(), ImagingError> {
        self.0.as_mut().map_or(Ok(()), |to_srgb| to_srgb.apply(&mut frame.image))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pipeline::Pipeline;
    use crate::domain::pipeline::Tree;
    use crate::domain::pipeline::cost::ImageInfo;
    use crate::imaging::frame::Delay;
    use image::GrayImage;

    const INFO: ImageInfo = ImageInfo {
        format: crate::domain::format::Format::Png,
        width: 2,
        height: 1,
        bytes_per_pixel: 1,
        encoded_bytes: 0,
        decoder_bytes: 0,
        header_bytes: 0,
        turned: false,
        flipped: false,
        alpha: false,
        scales: false,
        frames: 1,
        duration_ms: 0,
    };

    fn frame(levels: [u8; 2]) -> Frame {
        Frame { image: GrayImage::from_raw(2, 1, levels.to_vec()).unwrap().into(), shrunk: None, delay: Delay::NONE }
    }

    /// What each of some pipelines makes of some frames of two pixels.
    fn results(pipelines: &[&str], frames: &[[u8; 2]]) -> Vec<Vec<Vec<u8>>> {
        let pipelines: Vec<Pipeline> = pipelines.iter().map(|text| text.parse().unwrap()).collect();
        let trees = Tree::grow(&INFO, &pipelines.iter().collect::<Vec<_>>()).unwrap();
        let (limits, pictures) = (ImageLimits::default(), Pictures::default());
        let mut program = Program::new(&trees[0].root, &limits, None, &pictures);
        let mut results = vec![Vec::new(); pipelines.len()];
        for levels in frames {
            program.apply(frame(*levels), &mut |delivery| match delivery {
                Delivery::Made(index, frame) => results[index].push(frame.image.as_bytes().to_vec()),
                Delivery::Failed(_, error) => panic!("{error}"),
            });
        }
        results
    }

    #[test]
    fn the_first_frame_of_an_animation_decides_how_all_are_normalized() {
        let frames = &results(&["normalize:0"], &[[50, 101], [60, 70]])[0];
        assert_eq!(frames[0], [0, 255]);
        assert_eq!(frames[1], [50, 100]);
    }

    #[test]
    fn pipelines_that_part_do_not_see_each_others_steps() {
        // The contrast of a half is undone by one of two only because nothing is rounded in between.
        let made = results(&["invert/contrast:0.5", "invert", "invert/contrast:0.5/contrast:2", "invert/flip:horizontal"], &[[3, 250]]);
        assert_eq!(made, [[vec![190, 66]], [vec![252, 5]], [vec![252, 5]], [vec![5, 252]]].map(Vec::from));
    }

    #[test]
    fn a_step_that_fails_fails_all_that_share_it_and_no_others() {
        let pipelines: Vec<Pipeline> = ["crop:1x1,x=5/invert", "crop:1x1,x=5", "invert"].iter().map(|text| text.parse().unwrap()).collect();
        let trees = Tree::grow(&INFO, &pipelines.iter().collect::<Vec<_>>()).unwrap();
        let (limits, pictures) = (ImageLimits::default(), Pictures::default());
        let mut told = Vec::new();
        Program::new(&trees[0].root, &limits, None, &pictures).apply(frame([1, 2]), &mut |delivery| {
            told.push(match delivery {
                Delivery::Made(index, _) => (vec![index], true),
                Delivery::Failed(indices, _) => (indices, false),
            });
        });
        assert_eq!(told, [(vec![1, 0], false), (vec![2], true)]);
    }
}
