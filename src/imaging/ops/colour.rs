//! Operations on each pixel's hue and saturation, as matrices. Those of saturation, hue and sepia are CSS's (Filter Effects Module
//! Level 1, 9.6 and 13.1.1), with its rounded weights of luma.

use crate::domain::pipeline::ops::{Duotone, Hue, Recolor, Saturation, Sepia, Tint};
use crate::imaging::point::{LUMA, Stage};

type Rows = [[f32; 4]; 3];

/// The matrix that changes nothing.
const IDENTITY: Rows = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];

/// CSS's sepia of full strength.
const SEPIA: Rows = [[0.393, 0.769, 0.189, 0.0], [0.349, 0.686, 0.168, 0.0], [0.272, 0.534, 0.131, 0.0]];

/// CSS's weights of luma.
const GRAY: [f32; 4] = [0.213, 0.715, 0.072, 0.0];

/// What the sine of the angle contributes to CSS's rotation of hues.
const SINE: Rows = [[-0.213, -0.715, 0.928, 0.0], [0.143, 0.140, -0.283, 0.0], [-0.787, 0.715, 0.072, 0.0]];

/// So much of one matrix, and the rest of another.
fn mixed(a: Rows, b: Rows, part_of_b: f32) -> Rows {
    combined(a, 1.0 - part_of_b, b, part_of_b)
}

fn combined(a: Rows, factor_of_a: f32, b: Rows, factor_of_b: f32) -> Rows {
    std::array::from_fn(|row| std::array::from_fn(|column| a[row][column] * factor_of_a + b[row][column] * factor_of_b))
}

/// The luma times a factor for each channel, and a sum.
fn of_luma(factors: [f32; 3], sums: [f32; 3]) -> Rows {
    let [r, g, b] = LUMA;
    std::array::from_fn(|channel| [r * factors[channel], g * factors[channel], b * factors[channel], sums[channel]])
}

pub(super) fn saturation(step: &Saturation) -> Stage {
    Stage::Matrix { rows: mixed([GRAY; 3], IDENTITY, step.factor.get()), keeps_gray: true }
}

pub(super) fn hue(step: &Hue) -> Stage {
    let (sine, cosine) = step.degrees.get().to_radians().sin_cos();
    let turned = mixed([GRAY; 3], IDENTITY, cosine);
    Stage::Matrix { rows: combined(turned, 1.0, SINE, sine), keeps_gray: true }
}

pub(super) fn tint(step: &Tint) -> Stage {
    let rows = mixed(IDENTITY, of_luma(step.color.channels(), [0.0; 3]), step.strength.get());
    Stage::Matrix { rows, keeps_gray: false }
}

pub(super) fn duotone(step: &Duotone) -> Stage {
    let (dark, light) = (step.shadows.channels(), step.highlights.channels());
    let range = std::array::from_fn(|channel| light[channel] - dark[channel]);
    Stage::Matrix { rows: of_luma(range, dark), keeps_gray: false }
}

pub(super) fn sepia(step: &Sepia) -> Stage {
    Stage::Matrix { rows: mixed(IDENTITY, SEPIA, step.strength.get()), keeps_gray: false }
}

pub(super) fn recolor(step: &Recolor) -> Stage {
    Stage::Matrix { rows: step.matrix.rows(), keeps_gray: false }
}
