//! What a pipeline costs on one image: an upper bound of the memory, known before a pixel is decoded.
//!
//! The bound follows the way of the pixels: the file and its decoder, then every step with the buffers it needs beside its
//! input, then the encoder with what it writes. A test compares it with what is really allocated. It cannot know how well
//! an image compresses and assumes that it does not; for photographs it is two to three times what is needed.

mod encoder;
mod held;
pub mod time;
mod way;

use serde::{Deserialize, Serialize};

use super::{Frames, Input, Output, OutputChoice, Pipeline, Scale, Step, Tree};
use crate::domain::format::Format;
pub(super) use held::Held;
use way::Way;

/// What the header of an image tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageInfo {
    /// The format by its magic bytes.
    pub format: Format,
    /// Width in pixels, upright (after the orientation that the file asks for).
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// Bytes of one pixel when decoded: 1 to 16.
    pub bytes_per_pixel: u32,
    /// Bytes of the file.
    pub encoded_bytes: u64,
    /// An upper bound of what the decoder needs beside the file and the decoded pixels: coefficients, planes, tables.
    pub decoder_bytes: u64,
    /// What the header takes by itself, before there are pixels: a packed colour profile while it is unpacked.
    #[serde(default)]
    pub header_bytes: u64,
    /// Whether pixels can be transparent.
    #[serde(default)]
    pub alpha: bool,
    /// Whether a second buffer is needed to bring the image upright.
    pub turned: bool,
    /// Whether rows or columns lie in another order than they are shown, and nothing else is needed to bring it upright.
    #[serde(default)]
    pub flipped: bool,
    /// Whether the decoder can make less than all pixels, see [`Scale`].
    #[serde(default)]
    pub scales: bool,
    /// How many frames there are, at least 1.
    #[serde(default = "one")]
    pub frames: u32,
    /// How long all frames are shown, in milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
}

fn one() -> u32 {
    1
}

/// A frame was asked for that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the image has {frames} frames, counted from 0; frame {asked} is none of them")]
pub struct NoSuchFrame {
    /// The number that was asked for.
    pub asked: u16,
    /// How many frames there are.
    pub frames: u32,
}

impl ImageInfo {
    /// A still image of that size as most files of a format are, of which nothing else is known: 8 bits a channel, upright, with alpha
    /// where the format has it as a rule, compressed to a quarter of its pixels.
    #[must_use]
    pub const fn assumed(format: Format, (width, height): (u32, u32)) -> Self {
        let has_alpha = matches!(format, Format::Png | Format::Webp | Format::Gif | Format::Qoi);
        let bytes_per_pixel = if has_alpha { 4 } else { 3 };
        let decoded = (width as u64).saturating_mul(height as u64).saturating_mul(bytes_per_pixel as u64);
        Self {
            format,
            width,
            height,
            bytes_per_pixel,
            encoded_bytes: decoded / 4,
            decoder_bytes: decoded,
            header_bytes: 0,
            alpha: has_alpha,
            turned: false,
            flipped: false,
            scales: matches!(format, Format::Jpeg),
            frames: 1,
            duration_ms: 0,
        }
    }

    /// The width and height of the pixels that a pipeline with this input begins with.
    #[must_use]
    pub fn size(&self, input: &Input) -> (u32, u32) {
        if self.turned && !input.orient { (self.height, self.width) } else { (self.width, self.height) }
    }

    /// The output of `pipeline` for the image: the one that it names, or that suits, or [`Output::of_original`].
    #[must_use]
    pub fn output(&self, pipeline: &Pipeline) -> Output {
        match pipeline.output() {
            Some(OutputChoice::Named(output)) => output.clone(),
            Some(OutputChoice::Auto(auto)) => {
                let animated = self.frames > 1 && pipeline.input().frames == Frames::All;
                auto.choose(animated, pipeline.steps().iter().fold(self.alpha, |alpha, step| step.alpha_after(alpha)))
            }
            None => Output::of_original(self.format),
        }
    }

    /// The frames that are taken of the image for `pipeline`: all only if there are several and the output can be animated.
    ///
    /// # Errors
    /// When the pipeline asks for a frame that is not there.
    pub fn frames(&self, pipeline: &Pipeline) -> Result<Frames, NoSuchFrame> {
        let format = self.output(pipeline).format();
        match pipeline.input().frames {
            Frames::All if self.frames > 1 && format.is_animated() => Ok(Frames::All),
            Frames::All => Ok(Frames::One(0)),
            Frames::One(asked) if u32::from(asked) < self.frames => Ok(Frames::One(asked)),
            Frames::One(asked) => Err(NoSuchFrame { asked, frames: self.frames }),
        }
    }

    /// How many frames go through the steps of `pipeline`.
    #[must_use]
    pub fn kept_frames(&self, pipeline: &Pipeline) -> u32 {
        if self.frames(pipeline) == Ok(Frames::All) { self.frames } else { 1 }
    }

    /// How many frames are decoded for `pipeline`: those before the one that is taken, too.
    #[must_use]
    pub fn decoded_frames(&self, pipeline: &Pipeline) -> u32 {
        match self.frames(pipeline) {
            Ok(Frames::All) => self.frames,
            Ok(Frames::One(number)) => u32::from(number) + 1,
            Err(_) => 1,
        }
    }

    /// The scale that the image is decoded at for `pipeline`.
    #[must_use]
    pub fn scale(&self, pipeline: &Pipeline) -> Scale {
        if self.scales { Scale::for_pipeline(pipeline, self.size(&pipeline.input())) } else { Scale::Full }
    }
}

/// Small buffers of fixed size: rows, windows, code tables.
const FIXED: u64 = 1 << 20;

/// What the encoder of baseline JPEG keeps, at most, of symbols that wait for their codes, in bytes: those of more than ten million pixels
/// of most photographs. Codes that are made of so many hold for what comes after them.
pub const JPEG_SYMBOLS: u64 = 8 << 20;

/// An upper bound of the bytes that a worker needs to run `pipeline` on the image, beyond what an idle worker has: the file,
/// the decoded pixels in every form they take on the way, and the encoded result. Saturates.
#[must_use]
pub fn peak_bytes(info: &ImageInfo, pipeline: &Pipeline) -> u64 {
    peak_bytes_of_all(info, &[pipeline])
}

/// Like [`peak_bytes`], for several pipelines on one image as [`Tree`] has them: where they part, all but the last begin with a copy.
#[must_use]
pub fn peak_bytes_of_all(info: &ImageInfo, pipelines: &[&Pipeline]) -> u64 {
    // An image that lacks a frame is refused before anything is decoded.
    let trees = Tree::grow(info, pipelines).unwrap_or_default();
    let peak = trees.iter().map(|tree| Way::new(info, pipelines, tree).through(tree)).max();
    peak.unwrap_or(0).max(info.header_bytes).saturating_add(info.encoded_bytes).saturating_add(FIXED)
}

/// An upper bound of the bytes that an asset needs besides: its file, its decoder, its pixels in every form they take on the way, those with
/// alpha as long as the pipeline runs. Saturates.
#[must_use]
pub fn asset_bytes(info: &ImageInfo) -> u64 {
    let of = |bytes: u64| pixels((info.width, info.height)).saturating_mul(bytes);
    let bytes_per_pixel = u64::from(info.bytes_per_pixel);
    let with_alpha = match bytes_per_pixel {
        // Gray with alpha may be of 16 bits.
        1 | 3 => 4,
        2 | 4 | 6 | 8 => 8,
        _ => 16,
    };
    // Turned upright or converted, it is there twice; so is the one with alpha while it is scaled.
    of(bytes_per_pixel)
        .saturating_mul(2)
        .saturating_add(of(with_alpha).saturating_mul(2))
        .saturating_add(info.decoder_bytes)
        .max(info.header_bytes)
        .saturating_add(info.encoded_bytes)
}

fn pixels((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}

/// The pixels before a step and what it needs beside them.
fn step_bytes(step: &Step, before: (u32, u32), after: (u32, u32), bytes_per_pixel: u64) -> u64 {
    let bytes = |pixels: u64| pixels.saturating_mul(bytes_per_pixel);
    let source = bytes(pixels(before));
    match step {
        Step::Resize(_) => {
            // A copy of the source multiplied by its alpha, and the image scaled along one axis.
            let half_way = bytes(pixels((after.0, before.1)));
            let resized = source.saturating_mul(2).saturating_add(half_way).saturating_add(bytes(pixels(after)));
            // The image as it is, in a pixel type that has the canvas's colour, and on the canvas.
            let laid = step.bytes_per_pixel_after(bytes_per_pixel).saturating_mul(3).saturating_mul(pixels(after));
            resized.max(laid).max(source.saturating_add(step.scratch(0, bytes_per_pixel)))
        }
        step => {
            let rows = u64::from(before.0).saturating_mul(step.scratch_of_column(bytes_per_pixel));
            source.saturating_add(step.scratch(pixels(before).max(pixels(after)), bytes_per_pixel)).saturating_add(rows)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_image_saturates_instead_of_wrapping() {
        let info = ImageInfo {
            format: Format::Png,
            width: u32::MAX,
            height: u32::MAX,
            bytes_per_pixel: 16,
            encoded_bytes: u64::MAX,
            decoder_bytes: u64::MAX,
            header_bytes: 0,
            alpha: true,
            turned: true,
            flipped: false,
            scales: false,
            frames: 1,
            duration_ms: 0,
        };
        for pipeline in ["resize:65535x65535,fit=fill,enlarge=true/rotate:90/grayscale", "webp", "gif", "tiff", "bmp", "qoi", "jpeg", "png"]
        {
            assert_eq!(peak_bytes(&info, &pipeline.parse().unwrap()), u64::MAX, "{pipeline}");
        }
    }

    #[test]
    fn a_step_that_enlarges_is_paid_for() {
        let info = ImageInfo {
            format: Format::Jpeg,
            width: 100,
            height: 100,
            bytes_per_pixel: 3,
            encoded_bytes: 0,
            decoder_bytes: 0,
            header_bytes: 0,
            alpha: false,
            turned: false,
            flipped: false,
            scales: false,
            frames: 1,
            duration_ms: 0,
        };
        let peak = |pipeline: &str| peak_bytes(&info, &pipeline.parse().unwrap());
        let enlarged = 10_000 * 10_000 * 3;
        assert!(peak("resize:10000x,enlarge=true/resize:10x") > enlarged);
        assert!(peak("resize:10x/resize:10000x,enlarge=true/resize:10x") > enlarged);
        assert!(peak("resize:10x") < enlarged / 100);
    }

    #[test]
    fn a_step_that_makes_larger_pixels_is_paid_for() {
        let gray = ImageInfo {
            format: Format::Png,
            width: 1000,
            height: 1000,
            bytes_per_pixel: 1,
            encoded_bytes: 0,
            decoder_bytes: 0,
            header_bytes: 0,
            alpha: false,
            turned: false,
            flipped: false,
            scales: false,
            frames: 1,
            duration_ms: 0,
        };
        let peak = |pipeline: &str| peak_bytes(&gray, &pipeline.parse().unwrap());
        assert!(peak("sepia/tiff") >= peak_bytes(&ImageInfo { bytes_per_pixel: 3, ..gray }, &"tiff".parse().unwrap()));
        assert!(peak("sepia/opacity:0.5/tiff") >= peak_bytes(&ImageInfo { bytes_per_pixel: 4, ..gray }, &"tiff".parse().unwrap()));
        assert_eq!(peak("brightness:2/tiff"), peak("tiff"));
    }

    #[test]
    fn pixels_that_are_not_decoded_are_not_paid_for() {
        let whole = ImageInfo {
            format: Format::Jpeg,
            width: 4000,
            height: 3000,
            bytes_per_pixel: 3,
            encoded_bytes: 0,
            decoder_bytes: 0,
            header_bytes: 0,
            alpha: false,
            turned: false,
            flipped: false,
            scales: false,
            frames: 1,
            duration_ms: 0,
        };
        let saved = |pipeline: &str| {
            let pipeline = pipeline.parse().unwrap();
            peak_bytes(&whole, &pipeline) - peak_bytes(&ImageInfo { scales: true, ..whole }, &pipeline)
        };
        // Twice, because a resize may copy what it begins with.
        assert!(saved("invert/resize:240x") > 2 * (4000 * 3000 - 500 * 375) * 3);
        // It is shrunk while it is decoded, so that it is never there as a whole.
        assert!(saved("resize:2001x") > 4000 * 3000 * 3);
        assert_eq!(saved("gamma:2/resize:2001x"), 0);
        assert_eq!(saved("invert/blur:1"), 0);
        // It goes from file to file by rows.
        assert!(saved("invert") > 2 * 4000 * 3000);
    }
}
