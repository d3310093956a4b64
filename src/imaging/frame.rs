//! One picture of a file, and what belongs to all of them.

use image::DynamicImage;
use image::metadata::Orientation;

use crate::domain::pipeline::Scale;

/// A picture as it is shown: whole, with everything that was below it.
pub(super) struct Frame {
    /// The pixels.
    pub(super) image: DynamicImage,
    /// What they were decoded from, if they are fewer than the picture has.
    pub(super) shrunk: Option<Shrunk>,
}

impl Frame {
    /// The width and height that the picture has for a pipeline, whatever was decoded of it.
    pub(super) fn size(&self) -> (u32, u32) {
        self.shrunk.map_or((self.image.width(), self.image.height()), |shrunk| shrunk.original)
    }
}

/// A picture that was decoded at less than its full size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shrunk {
    /// Width and height of the picture, upright.
    pub(super) original: (u32, u32),
    scale: Scale,
    /// Along each axis, upright: whether the first pixel is the one that stands for less than the others, not the last.
    partial_first: (bool, bool),
}

impl Shrunk {
    /// Pixels that were decoded at a scale and then turned; `None` if they are all of the picture's.
    pub(super) fn new(original: (u32, u32), scale: Scale, orientation: Orientation) -> Option<Self> {
        (scale != Scale::Full).then(|| Self { original, scale, partial_first: last_comes_first(orientation) })
    }

    /// Where a rectangle of the picture (left, top, width, height) lies among the pixels that there are.
    pub(super) fn locate(&self, (left, top, width, height): (u32, u32, u32, u32)) -> (f64, f64, f64, f64) {
        let scaled = |length: u32| f64::from(length) / f64::from(self.scale.divisor());
        let pixels = self.scale.shrink(self.original);
        let before = |first: bool, pixels: u32, length: u32| if first { f64::from(pixels) - scaled(length) } else { 0.0 };
        let left = scaled(left) + before(self.partial_first.0, pixels.0, self.original.0);
        let top = scaled(top) + before(self.partial_first.1, pixels.1, self.original.1);
        (left, top, scaled(width), scaled(height))
    }
}

/// Along each axis, upright: whether what was last in the file comes first under an orientation.
fn last_comes_first(orientation: Orientation) -> (bool, bool) {
    use Orientation::{FlipHorizontal, FlipVertical, NoTransforms, Rotate90, Rotate90FlipH, Rotate180, Rotate270, Rotate270FlipH};
    match orientation {
        NoTransforms | Rotate90FlipH => (false, false),
        FlipHorizontal | Rotate90 => (true, false),
        FlipVertical | Rotate270 => (false, true),
        Rotate180 | Rotate270FlipH => (true, true),
    }
}

/// What a file says about all its frames.
pub(super) struct Properties {
    /// How the frames must be turned to be upright.
    pub(super) orientation: Orientation,
    /// The colour profile.
    pub(super) icc_profile: Option<Vec<u8>>,
}
