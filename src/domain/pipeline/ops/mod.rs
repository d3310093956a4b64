//! The operations, one family per file: what each takes and what it makes of a size. What it does to pixels is in
//! `imaging::ops`, in a file of the same name.

mod channels;
#[cfg(feature = "faults")]
mod faults;
mod orient;
mod resize;
mod tone;

pub use channels::SwapChannels;
#[cfg(feature = "faults")]
pub use faults::{FaultAbort, FaultEatMemory, FaultLoop, FaultPanic, FaultStop};
pub use orient::{Flip, Rotate};
pub use resize::{Resize, ResizePlan, Target};
pub use tone::{Grayscale, Invert};
