//! The operations: the type of each, and the table that both forms of a pipeline read and print them by.
//!
//! Adding one: a variant of [`Step`], an entry in [`OPERATIONS`]; the compiler then names the matches that miss it
//! ([`Step::name`], [`Step::fields`], [`Step::size_after`], `cost`, `imaging::ops`).

use super::call::{Arguments, Call, Parameter, did_you_mean};
use super::error::PipelineError;
use super::print::Field;
use super::resize::Target;
use super::values::{ChannelOrder, Direction, Rotation};

/// One operation on an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Reorders the colour channels; alpha stays, and a gray image is left as it is.
    SwapChannels {
        /// Where each channel of the result comes from.
        order: ChannelOrder,
    },
    /// Turns light to dark and colours to their complements; alpha stays.
    Invert,
    /// Removes the colours and keeps the luma (Rec. 709 weights); alpha and bit depth stay.
    Grayscale,
    /// Rotates by quarter turns, clockwise.
    Rotate {
        /// The angle.
        rotation: Rotation,
    },
    /// Mirrors the image.
    Flip {
        /// What changes places.
        direction: Direction,
    },
    /// Changes the size.
    Resize {
        /// The size asked for, and how to get there.
        target: Target,
        /// Whether the result may have more pixels along a side than there were.
        enlarge: bool,
    },
    /// Ends the process with SIGABRT.
    #[cfg(feature = "faults")]
    FaultAbort,
    /// Never ends.
    #[cfg(feature = "faults")]
    FaultLoop,
    /// Allocates memory and writes to it until there is none.
    #[cfg(feature = "faults")]
    FaultEatMemory,
    /// Panics.
    #[cfg(feature = "faults")]
    FaultPanic,
    /// Stops the process (SIGSTOP) until somebody continues it, and leaves the image as it is.
    #[cfg(feature = "faults")]
    FaultStop,
}

/// An entry of the table of operations.
struct Operation {
    name: &'static str,
    parameters: &'static [Parameter],
    read: fn(&mut Arguments<'_>) -> Result<Step, PipelineError>,
}

/// Every operation, in the order in which they are listed to people.
const OPERATIONS: &[Operation] = &[
    Operation {
        name: "swap_channels",
        parameters: &[Parameter::positional("order")],
        read: |arguments| Ok(Step::SwapChannels { order: arguments.optional("order")?.unwrap_or(ChannelOrder::BGR) }),
    },
    Operation { name: "invert", parameters: &[], read: |_| Ok(Step::Invert) },
    Operation { name: "grayscale", parameters: &[], read: |_| Ok(Step::Grayscale) },
    Operation {
        name: "rotate",
        parameters: &[Parameter::positional("degrees")],
        read: |arguments| Ok(Step::Rotate { rotation: arguments.required("degrees")? }),
    },
    Operation {
        name: "flip",
        parameters: &[Parameter::positional("direction")],
        read: |arguments| Ok(Step::Flip { direction: arguments.required("direction")? }),
    },
    Operation {
        name: "resize",
        parameters: Target::PARAMETERS,
        read: |arguments| Ok(Step::Resize { target: Target::read(arguments)?, enlarge: arguments.optional("enlarge")?.unwrap_or(false) }),
    },
    #[cfg(feature = "faults")]
    Operation { name: "fault_abort", parameters: &[], read: |_| Ok(Step::FaultAbort) },
    #[cfg(feature = "faults")]
    Operation { name: "fault_loop", parameters: &[], read: |_| Ok(Step::FaultLoop) },
    #[cfg(feature = "faults")]
    Operation { name: "fault_eat_memory", parameters: &[], read: |_| Ok(Step::FaultEatMemory) },
    #[cfg(feature = "faults")]
    Operation { name: "fault_panic", parameters: &[], read: |_| Ok(Step::FaultPanic) },
    #[cfg(feature = "faults")]
    Operation { name: "fault_stop", parameters: &[], read: |_| Ok(Step::FaultStop) },
];

impl Step {
    /// The names of all operations.
    pub fn names() -> impl Iterator<Item = &'static str> {
        OPERATIONS.iter().map(|operation| operation.name)
    }

    /// The name of the operation in both forms.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::SwapChannels { .. } => "swap_channels",
            Self::Invert => "invert",
            Self::Grayscale => "grayscale",
            Self::Rotate { .. } => "rotate",
            Self::Flip { .. } => "flip",
            Self::Resize { .. } => "resize",
            #[cfg(feature = "faults")]
            Self::FaultAbort => "fault_abort",
            #[cfg(feature = "faults")]
            Self::FaultLoop => "fault_loop",
            #[cfg(feature = "faults")]
            Self::FaultEatMemory => "fault_eat_memory",
            #[cfg(feature = "faults")]
            Self::FaultPanic => "fault_panic",
            #[cfg(feature = "faults")]
            Self::FaultStop => "fault_stop",
        }
    }

    /// The width and height that an image of `size` has after this step.
    #[must_use]
    pub fn size_after(&self, (width, height): (u32, u32)) -> (u32, u32) {
        match self {
            Self::SwapChannels { .. } | Self::Invert | Self::Grayscale | Self::Flip { .. } => (width, height),
            Self::Rotate { rotation: Rotation::Half } => (width, height),
            Self::Rotate { rotation: Rotation::Right | Rotation::Left } => (height, width),
            Self::Resize { target, enlarge } => {
                let plan = target.plan((width, height), *enlarge);
                (plan.width, plan.height)
            }
            #[cfg(feature = "faults")]
            Self::FaultAbort | Self::FaultLoop | Self::FaultEatMemory | Self::FaultPanic | Self::FaultStop => (width, height),
        }
    }

    /// The arguments to print, in the order of the parameters: all of them, defaults too.
    pub(super) fn fields(&self) -> Vec<Field> {
        match self {
            Self::SwapChannels { order } => vec![Field::positional("order", order)],
            Self::Invert | Self::Grayscale => Vec::new(),
            Self::Rotate { rotation } => vec![Field::positional("degrees", u64::from(rotation.degrees()))],
            Self::Flip { direction } => vec![Field::positional("direction", direction)],
            Self::Resize { target, enlarge } => {
                let mut fields = target.fields();
                fields.push(Field::named("enlarge", *enlarge));
                fields
            }
            #[cfg(feature = "faults")]
            Self::FaultAbort | Self::FaultLoop | Self::FaultEatMemory | Self::FaultPanic | Self::FaultStop => Vec::new(),
        }
    }

    /// Reads a call. `others` are further names that the reader may have meant.
    pub(super) fn read(call: Call<'_>, others: &[&str]) -> Result<Self, PipelineError> {
        let Some(operation) = OPERATIONS.iter().find(|operation| operation.name == call.name.text) else {
            let known: Vec<&str> = Self::names().collect();
            let hint = did_you_mean(&call.name.text, known.iter().chain(others).copied());
            let message = format!("unknown operation {:?}: expected one of {}{hint}", call.name.text, known.join(", "));
            return Err(PipelineError::new(call.name.at, message));
        };
        (operation.read)(&mut Arguments::bind(call, operation.parameters)?)
    }
}
