//! The size that a resize asks for, and the arithmetic from there to pixels.

use crate::domain::pipeline::area::Area;
use crate::domain::pipeline::call::{Argument, Arguments};
use crate::domain::pipeline::error::PipelineError;
use crate::domain::pipeline::operation::{Declaration, Declared, Touches};
use crate::domain::pipeline::parameter::{Need, Parameter};
use crate::domain::pipeline::print::{self, Field, Scalar};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::{Fit, Focus, ResizeQuality, Side, Size, ratio};

/// Changes the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resize {
    /// The size asked for, and how to get there.
    pub target: Target,
    /// Whether the result may have more pixels along a side than there were.
    pub enlarge: bool,
    /// What matters more: time or pixels.
    pub quality: ResizeQuality,
}

impl Declared for Resize {
    const DECLARATION: Declaration = Declaration {
        name: "resize",
        text: &[" Changes the size. Colours are multiplied by their alpha on the way, so that transparent pixels do not bleed."],
        parameters: &[
            Parameter::declared::<Size>(
                "size",
                &[" The width and the height of a box, or one of them; in JSON also as `width` and `height`."],
            )
            .positional(),
            Parameter::declared::<Side>("width", &[" The width, where no size is given."]).need(Need::Optional),
            Parameter::declared::<Side>("height", &[" The height, where no size is given."]).need(Need::Optional),
            Parameter::declared::<Fit>("fit", &[" How the image is brought to the box; all but `inside` need both sides."])
                .need(Need::Default(|| Fit::Inside.scalar())),
            Parameter::declared::<bool>("enlarge", &[" Whether a side may grow."]).need(Need::Default(|| Scalar::Bool(false))),
            Parameter::declared::<ResizeQuality>("quality", &[" What matters more: time or pixels."])
                .need(Need::Default(|| ResizeQuality::Default.scalar())),
        ],
        examples: &["resize:100x50", "resize:400x", "resize:200x200,fit=cover"],
    };

    fn read(arguments: &mut Arguments<'_>) -> Result<Self, PipelineError> {
        Ok(Self {
            target: Target::read(arguments)?,
            enlarge: arguments.optional("enlarge")?.unwrap_or(false),
            quality: arguments.optional("quality")?.unwrap_or(ResizeQuality::Default),
        })
    }

    fn fields(&self) -> Vec<Field> {
        let (size, fit) = match self.target {
            Target::Width(width) => (Size::Width(width), None),
            Target::Height(height) => (Size::Height(height), None),
            Target::Box { width, height, fit } => (Size::Both(width, height), Some(fit.scalar())),
        };
        let values = vec![Some(size.scalar()), None, None, fit, Some(Scalar::Bool(self.enlarge)), Some(self.quality.scalar())];
        print::fields(Self::DECLARATION.parameters, values)
    }

    #[cfg(test)]
    fn any() -> proptest::strategy::BoxedStrategy<Self> {
        use proptest::strategy::Strategy;
        let target = (Size::any(), Fit::any()).prop_map(|(size, fit)| match size {
            Size::Width(width) => Target::Width(width),
            Size::Height(height) => Target::Height(height),
            Size::Both(width, height) => Target::Box { width, height, fit },
        });
        (target, bool::any(), ResizeQuality::any()).prop_map(|(target, enlarge, quality)| Self { target, enlarge, quality }).boxed()
    }
}

impl Operation for Resize {
    const TOUCHES: Touches = Touches::Both;

    fn size_after(&self, size: (u32, u32)) -> (u32, u32) {
        let plan = self.target.plan(size, self.enlarge);
        (plan.width, plan.height)
    }
}

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
    /// What is kept of the source.
    pub crop: Area,
    /// The width of the result in pixels, at least 1.
    pub width: u32,
    /// The height of the result in pixels, at least 1.
    pub height: u32,
}

impl Target {
    /// What to do to an image of width `w` and height `h` (both at least 1).
    ///
    /// Without `enlarge` no side grows: `inside` and `outside` then scale by at most one; `cover` keeps the box's aspect
    /// ratio and shrinks the box into the image; `fill` shortens each side of the box to the image's.
    #[must_use]
    pub fn plan(&self, (w, h): (u32, u32), enlarge: bool) -> ResizePlan {
        let whole = Area::whole((w, h));
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
                        let crop = Focus::CENTER.area((w, h), (cw, ch));
                        let grows = bw > cw || bh > ch;
                        let (width, height) = if grows && !enlarge { (cw, ch) } else { (bw, bh) };
                        ResizePlan { crop, width, height }
                    }
                }
            }
        }
    }

    fn read(arguments: &mut Arguments<'_>) -> Result<Self, PipelineError> {
        let Some(size) = arguments.size::<Side>()? else {
            return Err(arguments.missing("a size", "400x300, 400x or x300, or width and height"));
        };
        match (size, arguments.optional_at::<Fit>("fit")?) {
            (Size::Both(width, height), fit) => Ok(Self::Box { width, height, fit: fit.map_or(Fit::Inside, |(fit, _)| fit) }),
            (Size::Width(width), None | Some((Fit::Inside, _))) => Ok(Self::Width(width)),
            (Size::Height(height), None | Some((Fit::Inside, _))) => Ok(Self::Height(height)),
            (_, Some((fit, at))) => Err(PipelineError::new(at, format!("fit={fit} needs both a width and a height"))),
        }
    }
}

/// The crop scaled by `to / from`, keeping its aspect ratio.
fn scaled(crop: Area, (to, from): (u32, u32), enlarge: bool) -> ResizePlan {
    let to = if enlarge { to } else { to.min(from) };
    ResizePlan { crop, width: ratio(crop.width, to, from), height: ratio(crop.height, to, from) }
}

fn product(a: u32, b: u32) -> u64 {
    u64::from(a) * u64::from(b)
}
