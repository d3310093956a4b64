//! Some pixels as planes of floats, and what the operations do to them. A plane at a time, so that the compiler finds the vector
//! instructions; few enough pixels that all planes stay in the nearest cache.

use super::sample::{Channels, Sample};
use super::{Curve, Stage};

/// How many pixels a block has.
pub(super) const LENGTH: usize = 512;

type Plane = [f32; LENGTH];

/// The weights of red, green and blue in luma (ITU-R BT.709-6, 3.2).
pub(in crate::imaging) const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// A block of pixels. A gray one has its values in the first plane of colours.
pub(super) struct Block {
    pub(super) channels: Channels,
    colours: [Plane; 3],
    alpha: Plane,
}

impl Block {
    pub(super) fn new() -> Self {
        Self { channels: Channels::GRAY, colours: [[0.0; LENGTH]; 3], alpha: [1.0; LENGTH] }
    }

    /// Takes pixels in, at most [`LENGTH`].
    pub(super) fn load<T: Sample>(&mut self, samples: &[T], channels: Channels) {
        self.channels = channels;
        let Self { colours: [r, g, b], alpha, .. } = self;
        match (channels.colour, channels.alpha) {
            (false, false) => separate([r], samples),
            (false, true) => separate([r, alpha], samples),
            (true, false) => separate([r, g, b], samples),
            (true, true) => separate([r, g, b, alpha], samples),
        }
    }

    /// Puts the first pixels out, as many as there is room for. Channels that the block does not have must not be asked for, but
    /// colours: a gray block has them.
    pub(super) fn store<T: Sample>(&mut self, samples: &mut [T], channels: Channels) {
        if channels.colour {
            self.spread();
        }
        let Self { colours: [r, g, b], alpha, .. } = self;
        match (channels.colour, channels.alpha) {
            (false, false) => interleave([r], samples),
            (false, true) => interleave([r, alpha], samples),
            (true, false) => interleave([r, g, b], samples),
            (true, true) => interleave([r, g, b, alpha], samples),
        }
    }

    /// The gray and the alpha of each pixel of a gray block; alpha is what it last was where the block has none.
    pub(super) fn gray(&self) -> impl Iterator<Item = (f32, f32)> {
        self.colours[0].iter().copied().zip(self.alpha.iter().copied())
    }

    /// Makes a block of colours.
    fn spread(&mut self) {
        if !self.channels.colour {
            let [gray, others @ ..] = &mut self.colours;
            others.fill(*gray);
            self.channels.colour = true;
        }
    }

    /// Does one operation.
    pub(super) fn apply(&mut self, stage: &Stage) {
        let after = stage.channels_after(self.channels);
        if after.colour {
            self.spread();
        }
        if after.alpha && !self.channels.alpha {
            self.alpha.fill(1.0);
        }
        let present = if self.channels.colour { &mut self.colours[..] } else { &mut self.colours[..1] };
        match stage {
            Stage::Invert => present.iter_mut().for_each(|plane| each(plane, |value| 1.0 - value)),
            Stage::Curve(curve) => present.iter_mut().for_each(|plane| curve.apply(plane)),
            Stage::Swap(order) if after.colour => self.colours = order.sources().map(|source| self.colours[source]),
            Stage::Luma if self.channels.colour => weigh(&mut self.colours, LUMA),
            Stage::Matrix { rows, .. } if after.colour => matrix(&mut self.colours, rows),
            Stage::Swap(_) | Stage::Luma | Stage::Matrix { .. } => {}
            Stage::Opacity(factor) => each(&mut self.alpha, |alpha| alpha * factor),
            Stage::Flatten(background) if self.channels.alpha => {
                for (plane, background) in self.colours.iter_mut().zip(background) {
                    flatten(plane, &self.alpha, *background);
                }
            }
            Stage::Flatten(_) => {}
        }
        self.channels = after;
    }
}

impl Stage {
    /// The channels that pixels have after the operation.
    pub(super) fn channels_after(&self, channels: Channels) -> Channels {
        match self {
            Self::Invert | Self::Swap(_) | Self::Curve(_) | Self::Matrix { keeps_gray: true, .. } => channels,
            Self::Luma => Channels { colour: false, ..channels },
            Self::Matrix { .. } => Channels { colour: true, ..channels },
            Self::Opacity(_) => Channels { alpha: true, ..channels },
            Self::Flatten([r, g, b]) => {
                let coloured = channels.alpha && (r != g || g != b);
                Channels { colour: channels.colour || coloured, alpha: false }
            }
        }
    }
}

impl Curve {
    fn apply(self, plane: &mut Plane) {
        match self {
            Self::Linear { factor, sum } => each(plane, |value| clamp(value * factor + sum)),
            Self::Power(exponent) => each(plane, |value| clamp(value).powf(exponent)),
            Self::Step(level) => each(plane, |value| if value >= level { 1.0 } else { 0.0 }),
            Self::Levels(levels) => each(plane, |value| clamp((clamp(value) * levels).floor() / (levels - 1.0))),
        }
    }
}

#[inline(always)]
fn clamp(value: f32) -> f32 {
    value.clamp(0.0, 1.0)
}

#[inline(always)]
fn each(plane: &mut Plane, function: impl Fn(f32) -> f32) {
    for value in plane {
        *value = function(*value);
    }
}

/// Leaves the weighted sum in the first plane.
fn weigh([r, g, b]: &mut [Plane; 3], weights: [f32; 3]) {
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        *r = weights[0] * *r + weights[1] * *g + weights[2] * *b;
    }
}

fn matrix([r, g, b]: &mut [Plane; 3], rows: &[[f32; 4]; 3]) {
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        let sum = |[x, y, z, sum]: [f32; 4]| clamp(x * *r + y * *g + z * *b + sum);
        let [x, y, z] = rows.map(sum);
        (*r, *g, *b) = (x, y, z);
    }
}

fn flatten(plane: &mut Plane, alpha: &Plane, background: f32) {
    for (value, alpha) in plane.iter_mut().zip(alpha) {
        *value = *value * alpha + background * (1.0 - alpha);
    }
}

/// `N` samples to a pixel.
fn separate<T: Sample, const N: usize>(planes: [&mut Plane; N], samples: &[T]) {
    let pixels = samples.as_chunks::<N>().0;
    for (channel, plane) in planes.into_iter().enumerate() {
        for (value, pixel) in plane.iter_mut().zip(pixels) {
            *value = pixel[channel].unit();
        }
    }
}

fn interleave<T: Sample, const N: usize>(planes: [&mut Plane; N], samples: &mut [T]) {
    let pixels = samples.as_chunks_mut::<N>().0;
    for (channel, plane) in planes.into_iter().enumerate() {
        for (value, pixel) in plane.iter().zip(&mut *pixels) {
            pixel[channel] = T::nearest(*value);
        }
    }
}
