//! The largest images that are taken and made, and the longest pipelines.

use crate::config::kind::{Count, Size};
use crate::config::schema::section;
use crate::domain::limits::ImageLimits;
use crate::domain::pipeline::Pipeline;

section! {
    /// Limits of the images themselves; a task beyond them fails, and says which limit it was.
    pub struct LimitsConfig = "limits" {
        /// The widest image, in pixels; it holds for originals and for results.
        max_width: u32 = live(Count { min: 1_u32, max: 1_000_000 }, "16384"),
        /// The tallest image, in pixels; it holds for originals and for results.
        max_height: u32 = live(Count { min: 1_u32, max: 1_000_000 }, "16384"),
        /// The most pixels of an image: width times height.
        max_pixels: u64 = live(Count { min: 1_u64, max: 1_000_000_000_000 }, "100000000"),
        /// The largest result, in bytes.
        max_output_bytes: u64 = live(Size { min: 1 << 10, max: LimitsConfig::MAX_OUTPUT_BYTES }, "256MiB"),
        /// The most frames of an animation.
        max_frames: u32 = live(Count { min: 1_u32, max: 1_000_000 }, "1000"),
        /// The most pixels of an animation: width times height times frames.
        max_total_pixels: u64 = live(Count { min: 1_u64, max: 1_000_000_000_000 }, "500000000"),
        /// The longest animation, played once, in milliseconds.
        max_duration_ms: u64 = live(Count { min: 1_u64, max: 1_000_000_000_000 }, "600000"),
        /// The most metadata of a file, in bytes: EXIF, XMP, colour profiles and texts, unpacked. It is counted before a decoder
        /// reads any of it.
        max_metadata_bytes: u64 = live(Size { min: 1 << 10, max: 1 << 30 }, "16MiB"),
        /// The most steps of a pipeline; checked before an upload is taken, too.
        max_steps: u32 = live(Count { min: 1_u32, max: Pipeline::MAX_STEPS as u32 }, "64"),
        /// The largest asset, in bytes. `uploads.max_bytes` holds for assets, too.
        max_asset_bytes: u64 = live(Size { min: 1 << 10, max: 1 << 32 }, "10MiB"),
        /// The most assets.
        max_assets: u32 = live(Count { min: 0_u32, max: 1_000_000 }, "1000"),
    }
}

/// What holds for assets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetLimits {
    /// Bytes of one.
    pub max_bytes: u64,
    /// How many there may be.
    pub max: u64,
    /// Those of every image.
    pub image: ImageLimits,
}

impl From<&LimitsConfig> for AssetLimits {
    fn from(config: &LimitsConfig) -> Self {
        Self { max_bytes: config.max_asset_bytes, max: config.max_assets.into(), image: ImageLimits::from(config) }
    }
}

impl LimitsConfig {
    /// The highest value that `limits.max_output_bytes` takes; a child process, whatever it does, cannot write more. The
    /// output lies in memory, which is why this is not a key.
    pub const MAX_OUTPUT_BYTES: u64 = 1 << 30;
}

impl From<&LimitsConfig> for ImageLimits {
    fn from(config: &LimitsConfig) -> Self {
        Self {
            max_width: config.max_width,
            max_height: config.max_height,
            max_pixels: config.max_pixels,
            max_output_bytes: config.max_output_bytes,
            max_frames: config.max_frames,
            max_total_pixels: config.max_total_pixels,
            max_duration_ms: config.max_duration_ms,
            max_metadata_bytes: config.max_metadata_bytes,
            max_steps: config.max_steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_configuration_are_those_of_the_limits() {
        assert_eq!(ImageLimits::from(&LimitsConfig::default()), ImageLimits::default());
    }
}
