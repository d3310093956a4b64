//! The types of arguments: each holds valid values only, and knows its spelling in both forms.

mod angle;
mod asset;
mod color;
mod focus;
mod frames;
mod length;
mod matrix;
mod number;
mod order;
mod size;
mod subsampling;
mod text;
mod words;

pub use angle::{Angle, Rotation};
pub use color::{Color, OpaqueColor};
pub use focus::Focus;
pub use frames::Frames;
pub use length::{Length, Percent, Scaling};
pub use matrix::ColorMatrix;
pub use number::{Decimal, Whole};
pub use order::ChannelOrder;
pub use size::{Ratio, Side, Size};
pub(super) use size::{SideOfSize, SizeOrScale, ratio};
pub use subsampling::Subsampling;
pub use text::Text;
pub use words::{Accepted, Compression, Direction, Fit, Gravity, Interest, Metadata, Profile, ResizeQuality};

/// The quality of a lossy encoder: 1 (smallest file) to 100 (best picture).
pub type Quality = Whole<1, 100>;

/// A factor, 1 changing nothing: 0 to 10.
pub type Factor = Decimal<0, 10_000>;

/// A part of a whole: 0 to 1.
pub type Portion = Decimal<0, 1_000>;

/// How hard an encoder looks for a smaller file: 0 (fast) to 6 (small).
pub type Effort = Whole<0, 6>;

/// Colours of a palette.
pub type Colors = Whole<2, 256>;

/// Bytes of a result.
pub type FileSize = Whole<1, { 1 << 30 }>;
