//! Rotations and mirrors.

use super::pixel_types::with_background;
use crate::domain::pipeline::call::{Argument, Arguments};
use crate::domain::pipeline::error::PipelineError;
use crate::domain::pipeline::operation::{Declaration, Declared, Touches, declare};
use crate::domain::pipeline::parameter::{Need, Parameter};
use crate::domain::pipeline::print::{self, Field};
use crate::domain::pipeline::step::Operation;
use crate::domain::pipeline::values::{Angle, Color, Direction, Rotation};

/// Rotates, clockwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rotate {
    /// By quarter turns: every pixel stays what it is.
    Quarter(Rotation),
    /// By an angle between them, on a canvas of a colour.
    Free(Angle, Color),
}

impl Rotate {
    fn new(angle: Angle, background: Color) -> Self {
        angle.quarter_turns().map_or(Self::Free(angle, background), Self::Quarter)
    }

    /// Whether no pixel changes.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        matches!(self, Self::Quarter(_))
    }

    /// The width and height that an image of that size has afterwards, in pixels: the least that have room for all of it. A millionth
    /// of a pixel is taken for an error of the arithmetic.
    #[must_use]
    pub fn canvas(&self, (width, height): (u32, u32)) -> (u32, u32) {
        match self {
            Self::Quarter(Rotation::None | Rotation::Half) => (width, height),
            Self::Quarter(Rotation::Right | Rotation::Left) => (height, width),
            Self::Free(angle, _) => {
                let (sin, cos) = angle.degrees().to_radians().sin_cos();
                let (width, height) = (f64::from(width), f64::from(height));
                let side = |along: f64, across: f64| (along * cos.abs() + across * sin.abs() - 1e-6).ceil().max(1.0) as u32;
                (side(width, height), side(height, width))
            }
        }
    }
}

impl Declared for Rotate {
    const DECLARATION: Declaration = Declaration {
        name: "rotate",
        text: &[
            " Rotates, clockwise. By quarter turns every pixel stays what it is. By any other angle the canvas grows so that all of the image \
             is on it, pixels are interpolated (cubic), and edges are smooth.",
        ],
        parameters: &[
            Parameter::declared::<Angle>("degrees", &[" The angle; a negative one is counter-clockwise."]).positional(),
            Parameter::declared::<Color>(
                "background",
                &[" The colour of the corners that the image leaves free; by quarter turns it leaves none."],
            )
            .short("bg")
            .need(Need::Default(|| Color::TRANSPARENT.scalar())),
        ],
        examples: &["rotate:12.5", "rotate:90", "rotate:-3,bg=white"],
    };

    fn read(arguments: &mut Arguments<'_>) -> Result<Self, PipelineError> {
        Ok(Self::new(arguments.required("degrees")?, arguments.optional("background")?.unwrap_or(Color::TRANSPARENT)))
    }

    fn fields(&self) -> Vec<Field> {
        let (angle, background) = match *self {
            Self::Quarter(rotation) => (Angle::from(rotation), None),
            Self::Free(angle, background) => (angle, Some(background.scalar())),
        };
        print::fields(Self::DECLARATION.parameters, vec![Some(angle.scalar()), background])
    }

    #[cfg(test)]
    fn any() -> proptest::strategy::BoxedStrategy<Self> {
        use proptest::strategy::Strategy;
        (Angle::any(), Color::any()).prop_map(|(angle, background)| Self::new(angle, background)).boxed()
    }
}

impl Operation for Rotate {
    const TOUCHES: Touches = Touches::Both;

    fn touches(&self) -> Touches {
        match self {
            Self::Quarter(_) => Touches::Places,
            Self::Free(..) => Self::TOUCHES,
        }
    }

    fn size_after(&self, size: (u32, u32)) -> (u32, u32) {
        self.canvas(size)
    }

    fn scratch(&self, pixels: u64, bytes_per_pixel: u64) -> u64 {
        match self {
            Self::Quarter(Rotation::None | Rotation::Half) => 0,
            Self::Quarter(Rotation::Right | Rotation::Left) => pixels.saturating_mul(bytes_per_pixel),
            Self::Free(..) => pixels.saturating_mul(self.bytes_per_pixel_after(bytes_per_pixel)),
        }
    }

    fn bytes_per_pixel_after(&self, bytes_per_pixel: u64) -> u64 {
        match *self {
            Self::Quarter(_) => bytes_per_pixel,
            Self::Free(_, background) => with_background(background, bytes_per_pixel),
        }
    }
}

declare! {
    /// Mirrors the image.
    pub struct Flip = "flip", ["flip:horizontal", "flip:vertical"];
    /// What changes places: left and right, or top and bottom.
    direction: Direction, required, positional;
}

impl Operation for Flip {
    const TOUCHES: Touches = Touches::Places;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pipeline::call::Value;

    #[test]
    fn the_canvas_has_room_for_all_and_no_more() {
        let size = |degrees: &str, size| {
            let angle = Angle::read(&Value::bare(degrees)).unwrap();
            Rotate::new(angle, Color::WHITE).canvas(size)
        };
        assert_eq!(size("90", (200, 100)), (100, 200));
        assert_eq!(size("-180", (200, 100)), (200, 100));
        // Half of 100 and 200 times the root of 3/4, and the other way around.
        assert_eq!(size("30", (200, 100)), (224, 187));
        assert_eq!(size("150", (200, 100)), (224, 187));
        assert_eq!(size("-60", (200, 100)), (187, 224));
        assert_eq!(size("45", (100, 100)), (142, 142));
        assert_eq!(size("0.001", (1000, 1000)), (1001, 1001));
        assert_eq!(size("45", (1, 1)), (2, 2));
        assert_eq!(size("45", (u32::MAX, u32::MAX)), (u32::MAX, u32::MAX));
    }
}
