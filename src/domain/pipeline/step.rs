//! The table of operations: which there are, and how a step of a pipeline is read and printed by it.
//!
//! Adding one: a declaration in a file of `ops`, a line in the table below, and its pixels in `imaging::ops`, where the
//! compiler names the match that misses it.

use super::call::{Arguments, Call, did_you_mean};
use super::error::PipelineError;
use super::operation::{Declaration, Declared, Touches};
use super::ops;
use super::print::Field;

/// What the planner must know about an operation without seeing a pixel.
pub(super) trait Operation: Declared {
    /// What it looks at and changes.
    const TOUCHES: Touches;

    /// What it looks at and changes with these arguments, where they matter.
    fn touches(&self) -> Touches {
        Self::TOUCHES
    }

    /// The width and height that an image of `size` has afterwards; an upper bound of each where that depends on the pixels.
    fn size_after(&self, size: (u32, u32)) -> (u32, u32) {
        size
    }

    /// An upper bound of the bytes that are needed beside the image before the step: the result, if it is not made in place,
    /// and temporary buffers. `pixels` are those of the larger of the images before and after. Saturates.
    fn scratch(&self, _pixels: u64, _bytes_per_pixel: u64) -> u64 {
        0
    }

    /// An upper bound of the bytes that are needed besides for each column of the image before: rows that are kept. Saturates.
    fn scratch_of_column(&self, _bytes_per_pixel: u64) -> u64 {
        0
    }

    /// An upper bound of the bytes of a pixel afterwards, by those before (1 to 16). It never falls, so that it holds whatever the
    /// pixel type really is.
    fn bytes_per_pixel_after(&self, bytes_per_pixel: u64) -> u64 {
        bytes_per_pixel
    }
}

macro_rules! steps {
    ($($(#[$attribute:meta])* $step:ident,)+) => {
        /// One operation on an image.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Step {
            $($(#[$attribute])* #[doc = concat!("See [`ops::", stringify!($step), "`].")] $step(ops::$step),)+
        }

        /// Every operation, in the order in which they are listed to people.
        const OPERATIONS: &[Entry] = &[$($(#[$attribute])* Entry {
            declaration: &<ops::$step as Declared>::DECLARATION,
            read: |arguments| Declared::read(arguments).map(Step::$step),
            #[cfg(test)]
            any: || proptest::strategy::Strategy::boxed(proptest::strategy::Strategy::prop_map(<ops::$step as Declared>::any(), Step::$step)),
        },)+];

        impl Step {
            /// What the operation declares about itself.
            #[must_use]
            pub fn declaration(&self) -> &'static Declaration {
                match self { $($(#[$attribute])* Self::$step(_) => &<ops::$step as Declared>::DECLARATION,)+ }
            }

            /// What the operation looks at and changes.
            #[must_use]
            pub fn touches(&self) -> Touches {
                match self { $($(#[$attribute])* Self::$step(step) => Operation::touches(step),)+ }
            }

            /// The width and height that an image of `size` has after this step; an upper bound of each where that depends on the pixels.
            #[must_use]
            pub fn size_after(&self, size: (u32, u32)) -> (u32, u32) {
                match self { $($(#[$attribute])* Self::$step(step) => step.size_after(size),)+ }
            }

            /// An upper bound of the bytes that the step needs beside the image before it. Saturates.
            pub(super) fn scratch(&self, pixels: u64, bytes_per_pixel: u64) -> u64 {
                match self { $($(#[$attribute])* Self::$step(step) => step.scratch(pixels, bytes_per_pixel),)+ }
            }

            /// An upper bound of the bytes that the step needs besides for each column of the image before it. Saturates.
            pub(super) fn scratch_of_column(&self, bytes_per_pixel: u64) -> u64 {
                match self { $($(#[$attribute])* Self::$step(step) => step.scratch_of_column(bytes_per_pixel),)+ }
            }

            /// An upper bound of the bytes of a pixel after the step, by those before.
            pub(super) fn bytes_per_pixel_after(&self, bytes_per_pixel: u64) -> u64 {
                match self { $($(#[$attribute])* Self::$step(step) => step.bytes_per_pixel_after(bytes_per_pixel),)+ }
            }

            /// The arguments to print, in the order of the parameters: all of them, defaults too.
            pub(super) fn fields(&self) -> Vec<Field> {
                match self { $($(#[$attribute])* Self::$step(step) => step.fields(),)+ }
            }
        }
    };
}

steps! {
    SwapChannels,
    Invert,
    Grayscale,
    Brightness,
    Contrast,
    Gamma,
    Threshold,
    Posterize,
    Normalize,
    Saturation,
    Hue,
    Tint,
    Duotone,
    Sepia,
    Recolor,
    Opacity,
    Flatten,
    Rotate,
    Flip,
    Crop,
    Resize,
    Extend,
    Trim,
    Blur,
    Sharpen,
    Pixelate,
    Median,
    Round,
    Circle,
    Caption,
    Watermark,
    #[cfg(feature = "faults")]
    FaultAbort,
    #[cfg(feature = "faults")]
    FaultLoop,
    #[cfg(feature = "faults")]
    FaultEatMemory,
    #[cfg(feature = "faults")]
    FaultPanic,
    #[cfg(feature = "faults")]
    FaultStop,
}

/// An entry of the table of operations.
struct Entry {
    declaration: &'static Declaration,
    read: fn(&mut Arguments<'_>) -> Result<Step, PipelineError>,
    #[cfg(test)]
    any: fn() -> proptest::strategy::BoxedStrategy<Step>,
}

impl Step {
    /// The declarations of all operations.
    pub fn declarations() -> impl Iterator<Item = &'static Declaration> {
        OPERATIONS.iter().map(|entry| entry.declaration)
    }

    /// The names of all operations.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::declarations().map(|declaration| declaration.name)
    }

    /// The name of the operation in both forms.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.declaration().name
    }

    /// Whether pixels may be transparent after the step, by whether they may be before. What needs room for alpha in a pixel of colour
    /// adds it.
    #[must_use]
    pub fn alpha_after(&self, alpha: bool) -> bool {
        const COLOUR: u64 = 3;
        !matches!(self, Self::Flatten(_)) && (alpha || self.bytes_per_pixel_after(COLOUR) > COLOUR)
    }

    /// Reads a call. `others` are further names that the reader may have meant.
    pub(super) fn read(call: Call<'_>, others: &[&str]) -> Result<Self, PipelineError> {
        let Some(entry) = OPERATIONS.iter().find(|entry| entry.declaration.name == call.name.text) else {
            let known: Vec<&str> = Self::names().collect();
            let hint = did_you_mean(&call.name.text, known.iter().chain(others).copied());
            let message = format!("unknown operation {:?}: expected one of {}{hint}", call.name.text, known.join(", "));
            return Err(PipelineError::new(call.name.at, message));
        };
        (entry.read)(&mut Arguments::bind(call, entry.declaration.parameters)?)
    }

    /// Any step with any arguments.
    #[cfg(test)]
    pub(super) fn any() -> impl proptest::strategy::Strategy<Value = Self> {
        proptest::strategy::Union::new(OPERATIONS.iter().map(|entry| (entry.any)()))
    }
}
