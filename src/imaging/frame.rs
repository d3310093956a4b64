//! One picture of a file, and what belongs to all of them.

use image::DynamicImage;
use image::metadata::Orientation;

/// A picture as it is shown: whole, with everything that was below it.
pub(super) struct Frame {
    /// The pixels.
    pub(super) image: DynamicImage,
}

/// What a file says about all its frames.
pub(super) struct Properties {
    /// How the frames must be turned to be upright.
    pub(super) orientation: Orientation,
    /// The colour profile.
    pub(super) icc_profile: Option<Vec<u8>>,
}
