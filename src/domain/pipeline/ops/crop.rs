//! Which part of an image a crop keeps.

use crate::domain::pipeline::area::Area;
use crate::domain::pipeline::call::{Argument, Arguments};
use crate::domain::pipeline::error::PipelineError;
use crate::domain::pipeline::operation::{Declaration, Declared, Touches};
use crate::domain::pipeline::parameter::{Need, Parameter};
use crate::domain::pipeline::print::{self, Field};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::{Focus, Interest, Length, Ratio, Size};

/// An upper bound of the bytes that it takes to look at an image before a part is chosen; see `imaging::interest`.
pub(super) const LOOK: u64 = 2 << 20;

/// Keeps a part of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Crop {
    /// How large it is.
    pub size: CropSize,
    /// Where it is.
    pub position: Position,
}

/// The part begins beyond the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("crop: the part begins beyond the image, which has {width}x{height} pixels at this step")]
pub struct BeyondImage {
    /// The width of the image in pixels.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

/// How large the part is that a crop keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CropSize {
    /// Sides, at most the image's; one that is not given is the image's.
    Sides(Size<Length<1>>),
    /// As large as there is one with that ratio.
    Aspect(Ratio),
}

/// Where the part is that a crop keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Position {
    /// At so many columns and rows; what is beyond the image is left out.
    At(Length<0>, Length<0>),
    /// Chosen by something in the image.
    Focus(Focus),
}

impl Declared for Crop {
    const DECLARATION: Declaration = Declaration {
        name: "crop",
        text: &[
            " Keeps a part of the image, at most all of it. What a position puts beyond the image is left out; a part that begins beyond it is an error.",
        ],
        parameters: &[
            Parameter::declared::<Size<Length<1>>>(
                "size",
                &[" The width and the height of the part, or one of them; in JSON also as `width` and `height`."],
            )
            .positional()
            .need(Need::Optional),
            Parameter::declared::<Length<1>>("width", &[" The width, where no size is given."]).need(Need::Optional),
            Parameter::declared::<Length<1>>("height", &[" The height, where no size is given."]).need(Need::Optional),
            Parameter::declared::<Ratio>(
                "aspect",
                &[" The ratio of the sides, instead of a size: the part is as large as the image has one."],
            )
            .need(Need::Optional),
            Parameter::declared::<Length<0>>("x", &[" The columns before the part, 0 where only `y` is given."]).need(Need::Optional),
            Parameter::declared::<Length<0>>("y", &[" The rows above the part, 0 where only `x` is given."]).need(Need::Optional),
            Parameter::declared::<Focus>(
                "gravity",
                &[" What the part is chosen by, where neither `x` nor `y` is given: a place, a point, or what the pixels show."],
            )
            .short("g")
            .need(Need::Default(|| Focus::CENTER.scalar())),
        ],
        examples: &[
            "crop:50%x60%,g=0.4;0.6",
            "crop:aspect=16x9",
            "crop:400x300,x=10,y=20",
            "crop:x300,g=north",
            "crop:50%x50%,g=attention",
        ],
    };

    fn read(arguments: &mut Arguments<'_>) -> Result<Self, PipelineError> {
        Ok(Self { size: CropSize::read(arguments)?, position: Position::read(arguments)? })
    }

    fn fields(&self) -> Vec<Field> {
        let (size, aspect) = match self.size {
            CropSize::Sides(size) => (Some(size.scalar()), None),
            CropSize::Aspect(ratio) => (None, Some(ratio.scalar())),
        };
        let (x, y, gravity) = match self.position {
            Position::At(x, y) => (Some(x.scalar()), Some(y.scalar()), None),
            Position::Focus(focus) => (None, None, Some(focus.scalar())),
        };
        print::fields(Self::DECLARATION.parameters, vec![size, None, None, aspect, x, y, gravity])
    }

    #[cfg(test)]
    fn any() -> proptest::strategy::BoxedStrategy<Self> {
        use proptest::prop_oneof;
        use proptest::strategy::Strategy;
        let size = prop_oneof![Size::any().prop_map(CropSize::Sides), Ratio::any().prop_map(CropSize::Aspect)];
        let at = (Length::any(), Length::any()).prop_map(|(x, y)| Position::At(x, y));
        (size, prop_oneof![at, Focus::any().prop_map(Position::Focus)]).prop_map(|(size, position)| Self { size, position }).boxed()
    }
}

impl CropSize {
    fn read(arguments: &mut Arguments<'_>) -> Result<Self, PipelineError> {
        let size = arguments.size::<_, Size<Length<1>>>()?;
        match (size, arguments.optional_at::<Ratio>("aspect")?) {
            (Some(size), None) => Ok(Self::Sides(size)),
            (None, Some((ratio, _))) => Ok(Self::Aspect(ratio)),
            (None, None) => Err(arguments.missing("a size", "400x300, 50%x50%, 400x or x300, or an aspect such as 16x9")),
            (Some(_), Some((_, at))) => Err(PipelineError::new(at, "a crop has a size or an aspect, not both")),
        }
    }

    /// In an image of that size, all in pixels.
    fn inside(self, (width, height): (u32, u32)) -> (u32, u32) {
        let side = |side: Length<1>, length: u32| side.along(length).clamp(1, length);
        match self {
            Self::Sides(Size::Width(across)) => (side(across, width), height),
            Self::Sides(Size::Height(down)) => (width, side(down, height)),
            Self::Sides(Size::Both(across, down)) => (side(across, width), side(down, height)),
            Self::Aspect(ratio) => ratio.inside((width, height)),
        }
    }
}

impl Position {
    fn read(arguments: &mut Arguments<'_>) -> Result<Self, PipelineError> {
        let (x, y) = (arguments.optional::<Length<0>>("x")?, arguments.optional::<Length<0>>("y")?);
        match (x, y, arguments.optional_at::<Focus>("gravity")?) {
            (None, None, gravity) => Ok(Self::Focus(gravity.map_or(Focus::CENTER, |(gravity, _)| gravity))),
            (x, y, None) => Ok(Self::At(x.unwrap_or(Length::<0>::ZERO), y.unwrap_or(Length::<0>::ZERO))),
            (_, _, Some((_, at))) => Err(PipelineError::new(at, "a crop has a position (x, y) or a gravity, not both")),
        }
    }
}

impl Crop {
    /// What the pixels are looked at for, where they decide about the place of the part.
    #[must_use]
    pub fn interest(&self) -> Option<Interest> {
        match self.position {
            Position::Focus(focus) => focus.interest(),
            Position::At(..) => None,
        }
    }

    /// The part of an image of that width and height (in pixels, at least 1), or one of the same size where the pixels decide about its place;
    ///
    /// # Errors
    /// When it begins beyond the image.
    pub fn area(&self, whole: (u32, u32)) -> Result<Area, BeyondImage> {
        let (width, height) = self.size.inside(whole);
        match self.position {
            Position::Focus(focus) => Ok(focus.area(whole, (width, height))),
            Position::At(x, y) => {
                let (left, top) = (x.along(whole.0), y.along(whole.1));
                let inside = left < whole.0 && top < whole.1;
                let area = || Area { left, top, width: width.min(whole.0 - left), height: height.min(whole.1 - top) };
                inside.then(area).ok_or(BeyondImage { width: whole.0, height: whole.1 })
            }
        }
    }
}

impl Operation for Crop {
    const TOUCHES: Touches = Touches::Places;

    fn touches(&self) -> Touches {
        if self.interest().is_some() { Touches::Both } else { Self::TOUCHES }
    }

    fn size_after(&self, size: (u32, u32)) -> (u32, u32) {
        self.area(size).map_or((1, 1), Area::size)
    }

    fn scratch(&self, _pixels: u64, _bytes_per_pixel: u64) -> u64 {
        self.interest().map_or(0, |_| LOOK)
    }
}
