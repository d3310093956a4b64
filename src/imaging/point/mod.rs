//! Point operations: what becomes of a pixel depends on nothing but that pixel. Consecutive ones are gathered here and done in one
//! pass over the image, so that each costs little beside the first.
//!
//! Values are those of the file, sRGB as a rule, not linear light. They are computed as 32-bit floats from 0 (none) to 1 (the full
//! range), clamped after each operation and rounded once, at the end. Where swaps, inversions and grays stand alone they are done
//! one by one in integers, which comes out the same and is faster.

mod block;
mod histogram;
mod pass;
mod sample;

pub(super) use block::LUMA;
pub(super) use histogram::luma_histogram;
pub(super) use sample::{Channels, Sample};

use image::DynamicImage;

use super::ops::{channels, tone};
use crate::domain::pipeline::ChannelOrder;

/// A function of one colour channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Curve {
    /// A factor, then a sum.
    Linear { factor: f32, sum: f32 },
    /// The exponent.
    Power(f32),
    /// What reaches the level becomes 1, all else 0.
    Step(f32),
    /// So many levels, each for an equal part of the range.
    Levels(f32),
}

/// One point operation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stage {
    /// Subtracts every colour channel from 1.
    Invert,
    /// Reorders the colour channels.
    Swap(ChannelOrder),
    /// Makes it gray: the luma with the weights of Rec. 709.
    Luma,
    /// The same function for every colour channel.
    Curve(Curve),
    /// For each of red, green and blue: three factors and a sum.
    Matrix {
        rows: [[f32; 4]; 3],
        /// Whether it gives gray for gray; such a matrix leaves every gray as it is.
        keeps_gray: bool,
    },
    /// Multiplies alpha, which is added where there is none.
    Opacity(f32),
    /// Lays it over a colour and removes alpha.
    Flatten([f32; 3]),
}

/// Point operations that follow each other and are still to be done.
#[derive(Clone, Default)]
pub(super) struct Pass {
    stages: Vec<Stage>,
}

impl Pass {
    /// Adds an operation.
    pub(super) fn then(&mut self, stage: Stage) {
        self.stages.push(stage);
    }

    /// Does what was gathered, and begins anew.
    pub(super) fn run(&mut self, image: &mut DynamicImage) {
        if self.stages.iter().all(|stage| matches!(stage, Stage::Invert | Stage::Swap(_) | Stage::Luma)) {
            self.stages.drain(..).for_each(|stage| one_by_one(&stage, image));
        } else {
            *image = pass::run(&self.stages, std::mem::take(image));
            self.stages.clear();
        }
    }
}

fn one_by_one(stage: &Stage, image: &mut DynamicImage) {
    match stage {
        Stage::Invert => tone::invert(image),
        Stage::Swap(order) => channels::swap(image, *order),
        Stage::Luma => tone::grayscale(image),
        stage => *image = pass::run(std::slice::from_ref(stage), std::mem::take(image)),
    }
}
