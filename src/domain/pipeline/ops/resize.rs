//! What a resize is asked for. The arithmetic from there to pixels is in `target`.

use super::crop::LOOK;
use super::pixel_types::with_background;
use super::target::{Minimum, ResizePlan, Target};
use crate::domain::pipeline::call::{Argument, Arguments};
use crate::domain::pipeline::error::PipelineError;
use crate::domain::pipeline::operation::{Declaration, Declared, Touches};
use crate::domain::pipeline::parameter::{Need, Parameter};
use crate::domain::pipeline::print::{self, Field, Scalar};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::{Color, Decimal, Fit, Focus, Gravity, Interest, ResizeQuality, Side, Size, SizeOrScale};

/// How many pixels a pixel of a page has on a screen: 0.1 to 10.
pub type PixelRatio = Decimal<100, 10_000>;

/// Changes the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resize {
    /// The size asked for, and how to get there.
    pub target: Target,
    /// What all sizes are multiplied by.
    pub dpr: Option<PixelRatio>,
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
            Parameter::declared::<SizeOrScale>(
                "size",
                &[" The width and the height of a box, or one of them, or a percentage of what there is; in JSON also as `width` and `height`."],
            )
            .positional(),
            Parameter::declared::<Side>("width", &[" The width, where no size is given."]).need(Need::Optional),
            Parameter::declared::<Side>("height", &[" The height, where no size is given."]).need(Need::Optional),
            Parameter::declared::<Fit>("fit", &[" How the image is brought to the box; all but `inside` need both sides."])
                .need(Need::Default(|| Fit::Inside.scalar())),
            Parameter::declared::<Focus>(
                "gravity",
                &[" Of `cover`: what is kept of the image, a place, a point, or what the pixels show. Of `contain`: where the image is in the box, one of the nine places."],
            )
            .short("g")
            .need(Need::Default(|| Focus::CENTER.scalar())),
            Parameter::declared::<Color>("background", &[" Of `contain`: the colour of what the image leaves free of the box."])
                .short("bg")
                .need(Need::Default(|| Color::WHITE.scalar())),
            Parameter::declared::<Side>(
                "min_width",
                &[" Of `inside` and `outside`: the least width; the result sticks out of the box where it must."],
            )
            .need(Need::Optional),
            Parameter::declared::<Side>("min_height", &[" As `min_width`, for the height."]).need(Need::Optional),
            Parameter::declared::<PixelRatio>("dpr", &[" What every size is multiplied by, for screens with denser pixels."])
                .need(Need::Optional),
            Parameter::declared::<bool>("enlarge", &[" Whether a side of the image may grow."]).need(Need::Default(|| Scalar::Bool(false))),
            Parameter::declared::<ResizeQuality>("quality", &[" What matters more: time or pixels."])
                .need(Need::Default(|| ResizeQuality::Default.scalar())),
        ],
        examples: &[
            "resize:100x50",
            "resize:400x",
            "resize:50%",
            "resize:200x200,fit=cover,g=north",
            "resize:400x300,fit=cover,g=attention",
            "resize:200x200,fit=contain,bg=transparent",
            "resize:400x300,min_width=200,dpr=2",
        ],
    };

    fn read(arguments: &mut Arguments<'_>) -> Result<Self, PipelineError> {
        let resize = Self {
            target: Target::read(arguments)?,
            dpr: arguments.optional("dpr")?,
            enlarge: arguments.optional("enlarge")?.unwrap_or(false),
            quality: arguments.optional("quality")?.unwrap_or(ResizeQuality::Default),
        };
        arguments.refuse("gravity", "gravity is for fit=cover and fit=contain")?;
        arguments.refuse("background", "background is for fit=contain")?;
        arguments.refuse("min_width", "min_width is for fit=inside and fit=outside")?;
        arguments.refuse("min_height", "min_height is for fit=inside and fit=outside")?;
        Ok(resize)
    }

    fn fields(&self) -> Vec<Field> {
        let size = |size: Size| Some(size.scalar());
        let both = |width: Side, height: Side| size(Size::Both(width, height));
        let none = Minimum::default();
        let (size, fit, gravity, background, minimum) = match self.target {
            Target::Scale(percent) => (Some(percent.scalar()), None, None, None, none),
            Target::Inside(asked @ Size::Both(..), minimum) => (size(asked), Some(Fit::Inside), None, None, minimum),
            Target::Inside(asked, minimum) => (size(asked), None, None, None, minimum),
            Target::Outside(width, height, minimum) => (both(width, height), Some(Fit::Outside), None, None, minimum),
            Target::Cover(width, height, focus) => (both(width, height), Some(Fit::Cover), Some(focus.scalar()), None, none),
            Target::Contain(width, height, gravity, background) => {
                (both(width, height), Some(Fit::Contain), Some(gravity.scalar()), Some(background.scalar()), none)
            }
            Target::Fill(width, height) => (both(width, height), Some(Fit::Fill), None, None, none),
        };
        let side = |side: Option<Side>| side.map(|side| side.scalar());
        let values = vec![size, None, None, fit.map(|fit| fit.scalar()), gravity, background, side(minimum.width), side(minimum.height)];
        let others = [self.dpr.map(|dpr| dpr.scalar()), Some(Scalar::Bool(self.enlarge)), Some(self.quality.scalar())];
        print::fields(Self::DECLARATION.parameters, values.into_iter().chain(others).collect())
    }

    #[cfg(test)]
    fn any() -> proptest::strategy::BoxedStrategy<Self> {
        use proptest::strategy::Strategy;
        (Target::any(), proptest::option::of(PixelRatio::any()), bool::any(), ResizeQuality::any())
            .prop_map(|(target, dpr, enlarge, quality)| Self { target, dpr, enlarge, quality })
            .boxed()
    }
}

impl Resize {
    /// What the pixels are looked at for, where they decide about what is kept of the image.
    #[must_use]
    pub fn interest(&self) -> Option<Interest> {
        match self.target {
            Target::Cover(_, _, focus) => focus.interest(),
            _ => None,
        }
    }

    /// What to do to an image of that width and height, both at least 1.
    ///
    /// Without `enlarge` no side of the image grows: `inside` and `outside` then scale by at most one; `cover` keeps the box's aspect
    /// ratio and shrinks the box into the image; `fill` shortens each side of the box to the image's; `contain` gives the box.
    #[must_use]
    pub fn plan(&self, size: (u32, u32)) -> ResizePlan {
        self.target.plan(size, self.dpr, self.enlarge)
    }
}

impl Operation for Resize {
    const TOUCHES: Touches = Touches::Both;

    fn size_after(&self, size: (u32, u32)) -> (u32, u32) {
        self.plan(size).size()
    }

    /// What it takes beside the interpolation, before it.
    fn scratch(&self, _pixels: u64, _bytes_per_pixel: u64) -> u64 {
        self.interest().map_or(0, |_| LOOK)
    }

    fn bytes_per_pixel_after(&self, bytes_per_pixel: u64) -> u64 {
        match self.target {
            Target::Contain(_, _, _, background) => with_background(background, bytes_per_pixel),
            _ => bytes_per_pixel,
        }
    }
}

impl Target {
    fn read(arguments: &mut Arguments<'_>) -> Result<Self, PipelineError> {
        let size = match arguments.size()? {
            Some(SizeOrScale::Size(size)) => size,
            Some(SizeOrScale::Scale(percent)) => {
                arguments.refuse("fit", "a percentage leaves the aspect ratio as it is: fit is for sizes in pixels")?;
                return Ok(Self::Scale(percent));
            }
            None => return Err(arguments.missing("a size", "400x300, 400x or x300, a percentage, or width and height")),
        };
        match (size, arguments.optional_at::<Fit>("fit")?) {
            (size, None | Some((Fit::Inside, _))) => Ok(Self::Inside(size, Minimum::read(arguments)?)),
            (Size::Both(width, height), Some((fit, _))) => Ok(match fit {
                Fit::Inside | Fit::Outside => Self::Outside(width, height, Minimum::read(arguments)?),
                Fit::Cover => Self::Cover(width, height, arguments.optional("gravity")?.unwrap_or(Focus::CENTER)),
                Fit::Contain => {
                    let gravity = arguments.optional("gravity")?.unwrap_or(Gravity::Center);
                    Self::Contain(width, height, gravity, arguments.optional("background")?.unwrap_or(Color::WHITE))
                }
                Fit::Fill => Self::Fill(width, height),
            }),
            (_, Some((fit, at))) => Err(PipelineError::new(at, format!("fit={fit} needs both a width and a height"))),
        }
    }
}

impl Minimum {
    fn read(arguments: &mut Arguments<'_>) -> Result<Self, PipelineError> {
        Ok(Self { width: arguments.optional("min_width")?, height: arguments.optional("min_height")? })
    }
}
