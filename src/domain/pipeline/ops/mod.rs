//! The operations, one family per file: what each takes and what it makes of a size. What it does to pixels is in
//! `imaging::ops`, in a file of the same name.

mod alpha;
mod channels;
mod colour;
mod crop;
mod extend;
#[cfg(feature = "faults")]
mod faults;
mod orient;
mod pixel_types;
mod resize;
mod target;
mod tone;
mod trim;

pub use alpha::{Flatten, Opacity};
pub use channels::SwapChannels;
pub use colour::{Duotone, Hue, Recolor, Saturation, Sepia, Tint};
pub use crop::{Crop, CropSize, Position};
pub use extend::{Canvas, Extend};
#[cfg(feature = "faults")]
pub use faults::{FaultAbort, FaultEatMemory, FaultLoop, FaultPanic, FaultStop};
pub use orient::{Flip, Rotate};
pub use resize::{PixelRatio, Resize};
pub use target::{Minimum, ResizePlan, Target};
pub use tone::{Brightness, Contrast, Gamma, Grayscale, Invert, Normalize, Posterize, Threshold};
pub use trim::Trim;
