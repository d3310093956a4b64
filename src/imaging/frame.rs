//! One picture of a file, and what belongs to all of them.

use image::DynamicImage;
use image::metadata::Orientation;

use crate::domain::pipeline::{Area, Scale};

/// A picture as it is shown: whole, with everything that was below it.
#[derive(Clone)]
pub(super) struct Frame {
    /// The pixels.
    pub(super) image: DynamicImage,
    /// What they were decoded from, if they are fewer than the picture has.
    pub(super) shrunk: Option<Shrunk>,
    /// How long it is shown, in an animation.
    pub(super) delay: Delay,
}

impl Frame {
    /// The width and height that the picture has for a pipeline, whatever was decoded of it.
    pub(super) fn size(&self) -> (u32, u32) {
        self.shrunk.map_or((self.image.width(), self.image.height()), |shrunk| shrunk.window.size())
    }
}

/// A picture that was decoded at less than its full size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shrunk {
    /// Width and height of the picture, upright.
    original: (u32, u32),
    /// What is left of the picture; the pixels are those of all of it.
    window: Area,
    scale: Scale,
    /// Whether the pixels are those that a resize makes of the window already.
    is_resized: bool,
    /// Along each axis, upright: whether the first pixel is the one that stands for less than the others, not the last.
    partial_first: (bool, bool),
}

impl Shrunk {
    /// Pixels that were decoded at a scale and then turned; `None` if they are all of the picture's.
    pub(super) fn new(original: (u32, u32), scale: Scale, orientation: Orientation) -> Option<Self> {
        (scale != Scale::Full).then(|| Self {
            original,
            window: Area::whole(original),
            scale,
            is_resized: false,
            partial_first: last_comes_first(orientation),
        })
    }

    /// Pixels that were shrunk to what the first resize of a pipeline makes of the picture.
    pub(super) fn resized(original: (u32, u32)) -> Self {
        Self { original, window: Area::whole(original), scale: Scale::Full, is_resized: true, partial_first: (false, false) }
    }

    /// Whether there is nothing left to resize.
    pub(super) fn is_resized(&self) -> bool {
        self.is_resized
    }

    /// What is left of the picture.
    pub(super) fn window(&self) -> Area {
        self.window
    }

    /// Leaves a part of what was left.
    pub(super) fn crop(&mut self, area: Area) {
        self.window = area.within(self.window);
    }

    /// Where a part of what is left of the picture lies among the pixels that there are: left, top, width, height.
    pub(super) fn locate(&self, area: Area) -> (f64, f64, f64, f64) {
        let Area { left, top, width, height } = area.within(self.window);
        let scaled = |length: u32| f64::from(length) / f64::from(self.scale.divisor());
        let pixels = self.scale.shrink(self.original);
        let before = |first: bool, pixels: u32, length: u32| if first { f64::from(pixels) - scaled(length) } else { 0.0 };
        let left = scaled(left) + before(self.partial_first.0, pixels.0, self.original.0);
        let top = scaled(top) + before(self.partial_first.1, pixels.1, self.original.1);
        (left, top, scaled(width), scaled(height))
    }
}

/// Along each axis, upright: whether what was last in the file comes first under an orientation.
pub(super) fn last_comes_first(orientation: Orientation) -> (bool, bool) {
    use Orientation::{FlipHorizontal, FlipVertical, NoTransforms, Rotate90, Rotate90FlipH, Rotate180, Rotate270, Rotate270FlipH};
    match orientation {
        NoTransforms | Rotate90FlipH => (false, false),
        FlipHorizontal | Rotate90 => (true, false),
        FlipVertical | Rotate270 => (false, true),
        Rotate180 | Rotate270FlipH => (true, true),
    }
}

/// How long a frame is shown: a fraction, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Delay {
    pub(super) numerator: u32,
    /// At least 1.
    pub(super) denominator: u32,
}

impl Delay {
    /// That of an image which is no animation.
    pub(super) const NONE: Self = Self { numerator: 0, denominator: 1 };

    /// In units of which a second has so many, rounded to the nearest.
    pub(super) fn rounded(self, units: u32) -> u32 {
        let denominator = 1000 * u64::from(self.denominator);
        let rounded = (u64::from(self.numerator) * u64::from(units) + denominator / 2) / denominator;
        u32::try_from(rounded).unwrap_or(u32::MAX)
    }

    /// As a fraction of seconds: exactly if that has room, else in milliseconds, or in seconds.
    pub(super) fn seconds(self) -> (u16, u16) {
        let (mut numerator, mut denominator) = (u64::from(self.numerator), 1000 * u64::from(self.denominator));
        let divisor = greatest_common_divisor(numerator, denominator);
        (numerator, denominator) = (numerator / divisor, denominator / divisor);
        if let (Ok(numerator), Ok(denominator)) = (numerator.try_into(), denominator.try_into()) {
            return (numerator, denominator);
        }
        match u16::try_from(self.rounded(1000)) {
            Ok(milliseconds) => (milliseconds, 1000),
            Err(_) => (self.rounded(1).try_into().unwrap_or(u16::MAX), 1),
        }
    }
}

/// Euclid's, of which `b` is not 0.
fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if a == 0 { b } else { greatest_common_divisor(b % a, a) }
}

/// What a file says about all its frames.
#[derive(Clone)]
pub(super) struct Properties {
    /// How the frames must be turned to be upright.
    pub(super) orientation: Orientation,
    /// The colour profile.
    pub(super) icc_profile: Option<Vec<u8>>,
    /// EXIF data to go into the result.
    pub(super) exif: Option<Vec<u8>>,
    /// How many are taken.
    pub(super) frames: u32,
    /// How often they play; 0: forever.
    pub(super) plays: u32,
}
