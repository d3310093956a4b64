//! The order in which steps are really done, decided in one place: `imaging` does what a [`Schedule`] says, and a plan lists it.
//!
//! * Point operations that follow each other wait, and are done in one pass. Steps that only move pixels are done before the pass: a crop
//!   leaves it fewer of them. The result is the same.
//! * `swap_channels` waits for a resize that cannot enlarge, too, and is done on what is left. The result is the same, sample by sample,
//!   because each channel is resized by itself.
//! * Colours of a file with a profile are converted to sRGB before the first step that looks at them, and else at the end.

use super::operation::Touches;
use super::ops::Target;
use super::step::Step;

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action<'p> {
    /// The colours are converted to sRGB, where the file has a profile that asks for it.
    ToSrgb,
    /// A point operation joins those that wait. One that must know the image looks at it now.
    Join(&'p Step),
    /// All that wait are done in one pass.
    Pass,
    /// A step is done.
    Do(&'p Step),
}

/// What was put off, on the way of an image through steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    converted: bool,
    waiting: Waiting,
}

/// Which point operations wait.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Waiting {
    #[default]
    None,
    /// Such as do not care whether the image is resized first.
    Swaps,
    /// Others, too.
    Some,
}

impl Schedule {
    /// What a step makes due, in this order; the step itself comes last.
    pub fn take<'p>(&mut self, step: &'p Step) -> impl Iterator<Item = Action<'p>> + use<'p> {
        let converts = step.looks_at_colours() && !self.converted;
        self.converted |= converts;
        let passes = self.must_pass(step);
        if passes {
            self.waiting = Waiting::None;
        }
        let joins = step.joins_a_pass();
        if joins {
            let is_swap = matches!(step, Step::SwapChannels(_)) && self.waiting != Waiting::Some;
            self.waiting = if is_swap { Waiting::Swaps } else { Waiting::Some };
        }
        let step = if joins { Action::Join(step) } else { Action::Do(step) };
        [converts.then_some(Action::ToSrgb), passes.then_some(Action::Pass), Some(step)].into_iter().flatten()
    }

    /// What is due before ways part, of which each goes on with one of the steps: what all would begin with.
    pub fn part<'p>(&mut self, steps: &[&'p Step]) -> impl Iterator<Item = Action<'p>> + use<'p> {
        let passes = self.waiting != Waiting::None && steps.iter().all(|step| self.must_pass(step));
        let converts = !self.converted && steps.iter().all(|step| step.looks_at_colours());
        if passes {
            self.waiting = Waiting::None;
        }
        self.converted |= converts;
        [passes.then_some(Action::Pass), converts.then_some(Action::ToSrgb)].into_iter().flatten()
    }

    /// What is due after the last step.
    pub fn finish<'p>(self) -> impl Iterator<Item = Action<'p>> {
        let passes = self.waiting != Waiting::None;
        [passes.then_some(Action::Pass), (!self.converted).then_some(Action::ToSrgb)].into_iter().flatten()
    }

    /// Whether what waits must be done before a step.
    fn must_pass(&self, step: &Step) -> bool {
        match self.waiting {
            Waiting::None => false,
            Waiting::Swaps => step.touches() == Touches::Both && !is_resized_by_channels(step),
            Waiting::Some => step.touches() == Touches::Both,
        }
    }
}

/// Whether a step resizes each channel by itself, and to no more pixels.
fn is_resized_by_channels(step: &Step) -> bool {
    matches!(step, Step::Resize(resize) if !resize.enlarge && !step.looks_at_colours())
}

impl Step {
    /// Whether its result depends on what the values mean. A resize mixes colours, which comes out nearly the same in any space that is made
    /// for the eye; after it there are fewer to convert. The colour of a canvas must not be converted, and what is to be kept of an
    /// image is chosen by what one sees.
    #[must_use]
    pub fn looks_at_colours(&self) -> bool {
        match self {
            Self::Resize(resize) => matches!(resize.target, Target::Contain(..)) || resize.interest().is_some(),
            step => step.touches() != Touches::Places,
        }
    }

    /// Whether it can be done in one pass with others: on each pixel by itself. A `normalize` is such a step once it has looked at the image.
    #[must_use]
    pub fn joins_a_pass(&self) -> bool {
        matches!(self, Self::Normalize(_)) || matches!(self.touches(), Touches::LinearColours | Touches::Colours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pipeline::Pipeline;

    /// What is done for a pipeline, in words.
    fn order(text: &str) -> String {
        let pipeline: Pipeline = text.parse().unwrap();
        let mut schedule = Schedule::default();
        let mut done: Vec<String> = Vec::new();
        let mut waiting: Vec<&str> = Vec::new();
        let mut act = |action: Action<'_>| match action {
            Action::ToSrgb => done.push("srgb".to_owned()),
            Action::Join(step) => waiting.push(step.name()),
            Action::Pass => done.push(format!("[{}]", std::mem::take(&mut waiting).join(" "))),
            Action::Do(step) => done.push(step.name().to_owned()),
        };
        pipeline.steps().iter().for_each(|step| schedule.take(step).for_each(&mut act));
        schedule.finish().for_each(&mut act);
        done.join(" ")
    }

    #[test]
    fn point_operations_are_done_in_one_pass_after_what_moves_pixels() {
        assert_eq!(order("invert/gamma:2/sepia/png"), "srgb [invert gamma sepia]");
        assert_eq!(order("invert/crop:5x5/gamma:2/rotate:90/hue:9"), "srgb crop rotate [invert gamma hue]");
        assert_eq!(order("invert/blur:2/gamma:2"), "srgb [invert] blur [gamma]");
        assert_eq!(order("invert/rotate:1"), "srgb [invert] rotate");
        assert_eq!(order("invert/crop:5x5,g=attention/sepia"), "srgb [invert] crop [sepia]");
        assert_eq!(order("invert/normalize/sepia"), "srgb [invert] [normalize sepia]");
        assert_eq!(order("rotate:90/flip:vertical"), "rotate flip srgb");
    }

    #[test]
    fn channels_are_swapped_after_a_resize_that_leaves_fewer_pixels() {
        assert_eq!(order("swap_channels/resize:5x/invert"), "srgb resize [swap_channels invert]");
        assert_eq!(order("swap_channels/swap_channels:gbr/resize:5x5,fit=cover"), "srgb resize [swap_channels swap_channels]");
        for first in ["invert/swap_channels", "swap_channels/invert"] {
            assert!(order(&format!("{first}/resize:5x")).ends_with("] resize"), "{first}");
        }
        for resize in ["resize:5x,enlarge=true", "resize:5x5,fit=contain", "resize:5x5,fit=cover,g=entropy"] {
            assert_eq!(order(&format!("swap_channels/{resize}")), "srgb [swap_channels] resize", "{resize}");
        }
    }

    #[test]
    fn colours_are_converted_before_the_first_step_that_looks_at_them() {
        assert_eq!(order("resize:5x/rotate:90/invert"), "resize rotate srgb [invert]");
        assert_eq!(order("resize:5x5,fit=contain"), "srgb resize");
        assert_eq!(order("resize:5x5,fit=cover,g=attention"), "srgb resize");
        assert_eq!(order("png"), "srgb");
    }

    #[test]
    fn before_ways_part_only_what_all_begin_with_is_done() {
        let steps = |texts: &[&str]| texts.iter().map(|text| text.parse::<Pipeline>().unwrap().steps()[0].clone()).collect::<Vec<_>>();
        let invert = &steps(&["invert"])[0];
        let due = |texts: &[&str], waits: bool| {
            let mut schedule = Schedule::default();
            if waits {
                schedule.take(invert).for_each(drop);
            }
            let steps = steps(texts);
            schedule.part(&steps.iter().collect::<Vec<_>>()).map(|action| format!("{action:?}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(due(&["blur:1", "text:a"], true), "Pass");
        assert_eq!(due(&["blur:1", "crop:1x1"], true), "");
        assert_eq!(due(&["blur:1", "text:a"], false), "ToSrgb");
        assert_eq!(due(&["blur:1", "resize:5x"], false), "");
        // All end here.
        assert_eq!(due(&[], true), "Pass");
        assert_eq!(due(&[], false), "ToSrgb");
    }
}
