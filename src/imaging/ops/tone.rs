//! Operations on each pixel's lightness. The formulas of brightness and contrast are those of CSS (Filter Effects Module Level 1, 8.2
//! and 8.4).

use image::DynamicImage;

use crate::domain::pipeline::ops::{Brightness, Contrast, Gamma, Posterize, Threshold};
use crate::imaging::point::{Curve, Stage};

/// Turns every colour channel around; alpha stays.
pub(in crate::imaging) fn invert(image: &mut DynamicImage) {
    image.invert();
}

/// Keeps the luma; alpha and bit depth stay.
pub(in crate::imaging) fn grayscale(image: &mut DynamicImage) {
    *image = image.grayscale();
}

pub(super) fn brightness(step: &Brightness) -> Stage {
    Stage::Curve(Curve::Linear { factor: step.factor.get(), sum: 0.0 })
}

pub(super) fn contrast(step: &Contrast) -> Stage {
    let factor = step.factor.get();
    Stage::Curve(Curve::Linear { factor, sum: 0.5 - 0.5 * factor })
}

pub(super) fn gamma(step: &Gamma) -> Stage {
    Stage::Curve(Curve::Power(1.0 / step.gamma.get()))
}

pub(super) fn threshold(step: &Threshold) -> [Stage; 2] {
    [Stage::Luma, Stage::Curve(Curve::Step(step.level.get() / 100.0))]
}

pub(super) fn posterize(step: &Posterize) -> Stage {
    Stage::Curve(Curve::Levels(step.levels.get() as f32))
}
