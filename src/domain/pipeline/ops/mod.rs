//! The operations, one family per file: what each takes and what it makes of a size. What it does to pixels is in
//! `imaging::ops`, in a file of the same name.

mod alpha;
mod blur;
mod channels;
mod colour;
mod crop;
mod extend;
#[cfg(feature = "faults")]
mod faults;
mod median;
mod orient;
mod pixel_types;
mod pixelate;
mod resize;
mod round;
mod target;
mod text;
mod tone;
mod trim;
mod watermark;

pub use alpha::{Flatten, Opacity};
pub use blur::{Blur, Sharpen, Sigma};
pub use channels::SwapChannels;
pub use colour::{Duotone, Hue, Recolor, Saturation, Sepia, Tint};
pub use crop::{BeyondImage, Crop, CropSize, Position};
pub use extend::{Canvas, Extend};
#[cfg(feature = "faults")]
pub use faults::{FaultAbort, FaultEatMemory, FaultLoop, FaultPanic, FaultStop};
pub use median::Median;
pub use orient::{Flip, Rotate};
pub use pixelate::Pixelate;
pub use resize::{PixelRatio, Resize};
pub use round::{Circle, Round};
pub use target::{Backdrop, Minimum, ResizePlan, Target};
pub use text::Caption;
pub use tone::{Brightness, Contrast, Gamma, Grayscale, Invert, Normalize, Posterize, Threshold};
pub use trim::Trim;
pub use watermark::Watermark;
