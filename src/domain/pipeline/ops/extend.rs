//! How large the canvas is that an image is laid on, and where it is there.

use super::pixel_types::with_background;
use crate::domain::pipeline::area::Area;
use crate::domain::pipeline::call::{Argument, Arguments};
use crate::domain::pipeline::error::PipelineError;
use crate::domain::pipeline::operation::{Declaration, Declared, Touches};
use crate::domain::pipeline::parameter::{Need, Parameter};
use crate::domain::pipeline::print::{self, Field};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::{Color, Gravity, Length, Ratio, Side, Size};

/// Lays the image on a larger canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extend {
    /// How large it becomes.
    pub canvas: Canvas,
    /// The colour of what the image leaves free.
    pub background: Color,
}

/// How large a canvas is. It is nowhere smaller than the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Canvas {
    /// So much more than the image on each side: percentages are of its width (left, right) and height (top, bottom).
    Borders {
        /// Above the image.
        top: Length<0>,
        /// Right of it.
        right: Length<0>,
        /// Below it.
        bottom: Length<0>,
        /// Left of it.
        left: Length<0>,
    },
    /// At least that large; a side that is not given is the image's.
    Size(Size, Gravity),
    /// As small as there is one with that ratio.
    Aspect(Ratio, Gravity),
}

const SIDES: [&str; 4] = ["top", "right", "bottom", "left"];

impl Declared for Extend {
    const DECLARATION: Declaration = Declaration {
        name: "extend",
        text: &[
            " Lays the image on a larger canvas: with a border, or to a size or an aspect ratio. The image keeps its pixels, and no side becomes \
             shorter.",
        ],
        parameters: &[
            Parameter::declared::<Length<0>>("by", &[" The border on all sides."]).positional().need(Need::Optional),
            Parameter::declared::<Length<0>>("top", &[" The border above, instead of `by`."]).need(Need::Optional),
            Parameter::declared::<Length<0>>("right", &[" The border to the right, instead of `by`."]).need(Need::Optional),
            Parameter::declared::<Length<0>>("bottom", &[" The border below, instead of `by`."]).need(Need::Optional),
            Parameter::declared::<Length<0>>("left", &[" The border to the left, instead of `by`."]).need(Need::Optional),
            Parameter::declared::<Size>(
                "size",
                &[" The size to reach, instead of borders; one side may be missing. In JSON also as `width` and `height`."],
            )
            .need(Need::Optional),
            Parameter::declared::<Side>("width", &[" The width to reach, where no size is given."]).need(Need::Optional),
            Parameter::declared::<Side>("height", &[" The height to reach, where no size is given."]).need(Need::Optional),
            Parameter::declared::<Ratio>("aspect", &[" The ratio of the sides to reach, instead of borders or a size."])
                .need(Need::Optional),
            Parameter::declared::<Gravity>("gravity", &[" Where the image is on a canvas of a size or an aspect ratio."])
                .short("g")
                .need(Need::Default(|| Gravity::Center.scalar())),
            Parameter::declared::<Color>("background", &[" The colour of the canvas."])
                .short("bg")
                .need(Need::Default(|| Color::WHITE.scalar())),
        ],
        examples: &["extend:12,bg=20a040", "extend:top=10%,bg=transparent", "extend:size=800x600,g=north", "extend:aspect=1x1,bg=000"],
    };

    fn read(arguments: &mut Arguments<'_>) -> Result<Self, PipelineError> {
        let canvas = Canvas::read(arguments)?;
        for name in ["size", "width", "height", "aspect"] {
            arguments.refuse(name, "a canvas has borders, a size or an aspect, only one of them")?;
        }
        arguments.refuse("gravity", "gravity is for a canvas of a size or an aspect")?;
        Ok(Self { canvas, background: arguments.optional("background")?.unwrap_or(Color::WHITE) })
    }

    fn fields(&self) -> Vec<Field> {
        let mut values = vec![None; Self::DECLARATION.parameters.len()];
        match self.canvas {
            Canvas::Borders { top, right, bottom, left } => {
                let sides = values.iter_mut().skip(1).zip([top, right, bottom, left]);
                sides.for_each(|(value, side)| *value = Some(side.scalar()));
            }
            Canvas::Size(size, gravity) => (values[5], values[9]) = (Some(size.scalar()), Some(gravity.scalar())),
            Canvas::Aspect(ratio, gravity) => (values[8], values[9]) = (Some(ratio.scalar()), Some(gravity.scalar())),
        }
        values[10] = Some(self.background.scalar());
        print::fields(Self::DECLARATION.parameters, values)
    }

    #[cfg(test)]
    fn any() -> proptest::strategy::BoxedStrategy<Self> {
        use proptest::strategy::Strategy;
        let sides = (Length::any(), Length::any(), Length::any(), Length::any());
        let canvas = proptest::prop_oneof![
            sides.prop_map(|(top, right, bottom, left)| Canvas::Borders { top, right, bottom, left }),
            (Size::any(), Gravity::any()).prop_map(|(size, gravity)| Canvas::Size(size, gravity)),
            (Ratio::any(), Gravity::any()).prop_map(|(ratio, gravity)| Canvas::Aspect(ratio, gravity)),
        ];
        (canvas, Color::any()).prop_map(|(canvas, background)| Self { canvas, background }).boxed()
    }
}

impl Canvas {
    fn read(arguments: &mut Arguments<'_>) -> Result<Self, PipelineError> {
        let by = arguments.optional::<Length<0>>("by")?;
        let mut sides = [by; 4];
        for (side, name) in sides.iter_mut().zip(SIDES) {
            *side = arguments.optional(name)?.or(*side);
        }
        if sides.iter().any(Option::is_some) {
            let [top, right, bottom, left] = sides.map(|side| side.unwrap_or(Length::<0>::ZERO));
            return Ok(Self::Borders { top, right, bottom, left });
        }
        if let Some(size) = arguments.size()? {
            return Ok(Self::Size(size, arguments.optional("gravity")?.unwrap_or(Gravity::Center)));
        }
        match arguments.optional("aspect")? {
            Some(ratio) => Ok(Self::Aspect(ratio, arguments.optional("gravity")?.unwrap_or(Gravity::Center))),
            None => Err(arguments.missing("a border", "a number of pixels or a percentage, or size=400x300, or aspect=16x9")),
        }
    }
}

impl Extend {
    /// The size of the canvas for an image of that size, and where the image is on it; all in pixels, saturating.
    #[must_use]
    pub fn canvas(&self, (width, height): (u32, u32)) -> ((u32, u32), Area) {
        let (size, place) = match self.canvas {
            Canvas::Borders { top, right, bottom, left } => {
                let (left, top) = (left.along(width), top.along(height));
                let across = width.saturating_add(left).saturating_add(right.along(width));
                let down = height.saturating_add(top).saturating_add(bottom.along(height));
                ((across, down), (left, top))
            }
            Canvas::Size(size, gravity) => {
                let (across, down) = match size {
                    Size::Width(width) => (width.get(), height),
                    Size::Height(height) => (width, height.get()),
                    Size::Both(width, height) => (width.get(), height.get()),
                };
                let (across, down) = (across.max(width), down.max(height));
                ((across, down), gravity.place((across - width, down - height)))
            }
            Canvas::Aspect(ratio, gravity) => {
                let (across, down) = ratio.around((width, height));
                ((across, down), gravity.place((across - width, down - height)))
            }
        };
        (size, Area { left: place.0, top: place.1, width, height })
    }
}

impl Operation for Extend {
    const TOUCHES: Touches = Touches::Both;

    fn size_after(&self, size: (u32, u32)) -> (u32, u32) {
        self.canvas(size).0
    }

    /// The image in a pixel type that has the colour, and the canvas.
    fn scratch(&self, pixels: u64, bytes_per_pixel: u64) -> u64 {
        pixels.saturating_mul(2).saturating_mul(self.bytes_per_pixel_after(bytes_per_pixel))
    }

    fn bytes_per_pixel_after(&self, bytes_per_pixel: u64) -> u64 {
        with_background(self.background, bytes_per_pixel)
    }
}
