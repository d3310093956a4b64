//! Operations on opacity.

use crate::domain::pipeline::ops::{Flatten, Opacity};
use crate::imaging::point::Stage;

pub(super) fn opacity(step: &Opacity) -> Stage {
    Stage::Opacity(step.factor.get())
}

/// Source-over on an opaque backdrop (Compositing and Blending Level 1, 5.1).
pub(super) fn flatten(step: &Flatten) -> Stage {
    Stage::Flatten(step.background.channels())
}
