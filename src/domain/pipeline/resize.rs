//! The size that a resize asks for, and the arithmetic from there to pixels.

use super::call::{Arguments, Parameter};
use super::error::PipelineError;
use super::print::Field;
use super::values::{Fit, Side, Size};

/// The size that a resize asks for. With one side the other follows from the aspect ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A width.
    Width(Side),
    /// A height.
    Height(Side),
    /// A box.
    Box {
        /// The width of the box.
        width: Side,
        /// The height of the box.
        height: Side,
        /// How the image is brought to the box.
        fit: Fit,
    },
}

/// What a resize does to one image: cut a rectangle out, then scale it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResizePlan {
    /// The rectangle of the source that is kept: left, top, width, height in pixels.
    pub crop: (u32, u32, u32, u32),
    /// The width of the result in pixels, at least 1.
    pub width: u32,
    /// The height of the result in pixels, at least 1.
    pub height: u32,
}

impl Target {
    pub(super) const PARAMETERS: &'static [Parameter] = &[
        Parameter::positional("size"),
        Parameter::named("width"),
        Parameter::named("height"),
        Parameter::named("fit"),
        Parameter::named("enlarge"),
    ];

    /// What to do to an image of width `w` and height `h` (both at least 1).
    ///
    /// Without `enlarge` no side grows: `inside` and `outside` then scale by at most one; `cover` keeps the box's aspect
    /// ratio and shrinks the box into the image; `fill` shortens each side of the box to the image's.
    #[must_use]
    pub fn plan(&self, (w, h): (u32, u32), enlarge: bool) -> ResizePlan {
        let whole = (0, 0, w, h);
        match *self {
            Self::Width(width) => scaled(whole, (width.get(), w), enlarge),
            Self::Height(height) => scaled(whole, (height.get(), h), enlarge),
            Self::Box { width, height, fit } => {
                let (bw, bh) = (width.get(), height.get());
                let box_is_wider = product(bw, h) > product(bh, w);
                match fit {
                    Fit::Inside => scaled(whole, if box_is_wider { (bh, h) } else { (bw, w) }, enlarge),
                    Fit::Outside => scaled(whole, if box_is_wider { (bw, w) } else { (bh, h) }, enlarge),
                    Fit::Fill if enlarge => ResizePlan { crop: whole, width: bw, height: bh },
                    Fit::Fill => ResizePlan { crop: whole, width: bw.min(w), height: bh.min(h) },
                    Fit::Cover => {
                        let (cw, ch) = if box_is_wider { (w, ratio(w, bh, bw)) } else { (ratio(h, bw, bh), h) };
                        let (cw, ch) = (cw.min(w), ch.min(h));
                        let crop = ((w - cw) / 2, (h - ch) / 2, cw, ch);
                        let grows = bw > cw || bh > ch;
                        let (width, height) = if grows && !enlarge { (cw, ch) } else { (bw, bh) };
                        ResizePlan { crop, width, height }
                    }
                }
            }
        }
    }

    pub(super) fn read(arguments: &mut Arguments<'_>) -> Result<Self, PipelineError> {
        let size = arguments.optional::<Size>("size")?;
        let (width, height) = (arguments.optional_at::<Side>("width")?, arguments.optional_at::<Side>("height")?);
        let size = match (size, width, height) {
            (Some(size), None, None) => size,
            (None, Some((width, _)), Some((height, _))) => Size::Both(width, height),
            (None, Some((width, _)), None) => Size::Width(width),
            (None, None, Some((height, _))) => Size::Height(height),
            (None, None, None) => return Err(arguments.missing("a size", "400x300, 400x or x300, or width and height")),
            (Some(_), Some((_, at)), _) | (Some(_), None, Some((_, at))) => {
                return Err(PipelineError::new(at, "a side is given twice: once in the size, once by its name"));
            }
        };
        match (size, arguments.optional_at::<Fit>("fit")?) {
            (Size::Both(width, height), fit) => Ok(Self::Box { width, height, fit: fit.map(|(fit, _)| fit).unwrap_or_default() }),
            (Size::Width(width), None | Some((Fit::Inside, _))) => Ok(Self::Width(width)),
            (Size::Height(height), None | Some((Fit::Inside, _))) => Ok(Self::Height(height)),
            (_, Some((fit, at))) => Err(PipelineError::new(at, format!("fit={fit} needs both a width and a height"))),
        }
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        match *self {
            Self::Width(width) => vec![Field::size(Size::Width(width))],
            Self::Height(height) => vec![Field::size(Size::Height(height))],
            Self::Box { width, height, fit } => vec![Field::size(Size::Both(width, height)), Field::named("fit", fit)],
        }
    }
}

/// The crop scaled by `to / from`, keeping its aspect ratio.
fn scaled(crop: (u32, u32, u32, u32), (to, from): (u32, u32), enlarge: bool) -> ResizePlan {
    let (_, _, width, height) = crop;
    let to = if enlarge { to } else { to.min(from) };
    ResizePlan { crop, width: ratio(width, to, from), height: ratio(height, to, from) }
}

/// `value * numerator / denominator`, rounded to the nearest, at least 1, saturating.
fn ratio(value: u32, numerator: u32, denominator: u32) -> u32 {
    let denominator = u64::from(denominator.max(1));
    let rounded = (product(value, numerator) + denominator / 2) / denominator;
    u32::try_from(rounded).unwrap_or(u32::MAX).max(1)
}

fn product(a: u32, b: u32) -> u64 {
    u64::from(a) * u64::from(b)
}
