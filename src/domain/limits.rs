//! How large an image, its metadata and its pipeline may be before this server refuses them. Each limit has an error code of its own.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::error_code::ErrorCode;
use crate::domain::pipeline::Pipeline;
use crate::domain::pipeline::cost::ImageInfo;

/// Limits on every image: the original, each intermediate step and the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImageLimits {
    /// Width in pixels.
    pub max_width: u32,
    /// Height in pixels.
    pub max_height: u32,
    /// Width times height.
    pub max_pixels: u64,
    /// Bytes of the encoded result.
    pub max_output_bytes: u64,
    /// Frames of an animation.
    pub max_frames: u32,
    /// Width times height times frames of an animation.
    pub max_total_pixels: u64,
    /// How long an animation plays once, in milliseconds.
    pub max_duration_ms: u64,
    /// Bytes of what a file carries beside its pixels, unpacked: EXIF, XMP, colour profiles, texts.
    pub max_metadata_bytes: u64,
    /// Steps of a pipeline; at most [`Pipeline::MAX_STEPS`].
    pub max_steps: u32,
}

impl Default for ImageLimits {
    /// 16384 pixels a side (what WebP can hold, and more than any camera has), 100 megapixels, 256 MiB of result; animations
    /// of 1000 frames, of 500 megapixels altogether, of ten minutes. 16 MiB of metadata: a colour profile for print and the depth map
    /// that a telephone adds have room in it. As many steps as a pipeline can have.
    fn default() -> Self {
        Self {
            max_width: 16_384,
            max_height: 16_384,
            max_pixels: 100_000_000,
            max_output_bytes: 256 << 20,
            max_frames: 1000,
            max_total_pixels: 500_000_000,
            max_duration_ms: 600_000,
            max_metadata_bytes: 16 << 20,
            max_steps: Pipeline::MAX_STEPS as u32,
        }
    }
}

/// One of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// [`ImageLimits::max_width`].
    MaxWidth,
    /// [`ImageLimits::max_height`].
    MaxHeight,
    /// [`ImageLimits::max_pixels`].
    MaxPixels,
    /// [`ImageLimits::max_output_bytes`].
    MaxOutputBytes,
    /// [`ImageLimits::max_frames`].
    MaxFrames,
    /// [`ImageLimits::max_total_pixels`].
    MaxTotalPixels,
    /// [`ImageLimits::max_duration_ms`].
    MaxDurationMs,
    /// [`ImageLimits::max_metadata_bytes`].
    MaxMetadataBytes,
    /// [`ImageLimits::max_steps`].
    MaxSteps,
}

impl Limit {
    /// The public code of what exceeds the limit, and no other's.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::MaxWidth => ErrorCode::TooWide,
            Self::MaxHeight => ErrorCode::TooTall,
            Self::MaxPixels => ErrorCode::TooManyPixels,
            Self::MaxOutputBytes => ErrorCode::OutputTooLarge,
            Self::MaxFrames => ErrorCode::TooManyFrames,
            Self::MaxTotalPixels => ErrorCode::TooManyTotalPixels,
            Self::MaxDurationMs => ErrorCode::TooLong,
            Self::MaxMetadataBytes => ErrorCode::TooMuchMetadata,
            Self::MaxSteps => ErrorCode::TooManySteps,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxWidth => "max_width",
            Self::MaxHeight => "max_height",
            Self::MaxPixels => "max_pixels",
            Self::MaxOutputBytes => "max_output_bytes",
            Self::MaxFrames => "max_frames",
            Self::MaxTotalPixels => "max_total_pixels",
            Self::MaxDurationMs => "max_duration_ms",
            Self::MaxMetadataBytes => "max_metadata_bytes",
            Self::MaxSteps => "max_steps",
        })
    }
}

/// A limit was exceeded: which one, by what, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{limit} is {max}, found {found}{}", place(*.step))]
pub struct LimitExceeded {
    /// The limit.
    pub limit: Limit,
    /// Its value.
    pub max: u64,
    /// What was found instead; of bytes, how many had been counted when it was seen that they are too many.
    pub found: u64,
    /// The step (counted from 1) whose result exceeds the limit; `None`: the image as it was handed in, or the final result.
    pub step: Option<usize>,
}

fn place(step: Option<usize>) -> String {
    step.map(|step| format!(" after step {step}")).unwrap_or_default()
}

impl ImageLimits {
    /// Checks an image and everything that a pipeline would make of it, before any pixel is decoded.
    ///
    /// # Errors
    /// The first limit that would be exceeded.
    pub fn check(&self, info: &ImageInfo, pipeline: &Pipeline) -> Result<(), LimitExceeded> {
        self.check_steps(pipeline)?;
        let mut size = info.size(&pipeline.input());
        self.check_size(size, None)?;
        let frames = info.decoded_frames(pipeline);
        self.check_animation(info, frames)?;
        self.check_total(size, frames, None)?;
        for (index, step) in pipeline.steps().iter().enumerate() {
            size = step.size_after(size);
            self.check_size(size, Some(index + 1))?;
            self.check_total(size, frames, Some(index + 1))?;
        }
        Ok(())
    }

    /// Checks a pipeline, whatever the image.
    ///
    /// # Errors
    /// When it has too many steps.
    pub fn check_steps(&self, pipeline: &Pipeline) -> Result<(), LimitExceeded> {
        let (max, found) = (self.max_steps.into(), pipeline.steps().len() as u64);
        if found <= max { Ok(()) } else { Err(LimitExceeded { limit: Limit::MaxSteps, max, found, step: None }) }
    }

    /// Checks how many bytes of metadata a file carries.
    ///
    /// # Errors
    /// When they are too many.
    pub(crate) fn check_metadata(&self, found: u64) -> Result<(), LimitExceeded> {
        let max = self.max_metadata_bytes;
        if found <= max { Ok(()) } else { Err(LimitExceeded { limit: Limit::MaxMetadataBytes, max, found, step: None }) }
    }

    fn check_animation(&self, info: &ImageInfo, frames: u32) -> Result<(), LimitExceeded> {
        if frames > self.max_frames {
            return Err(LimitExceeded { limit: Limit::MaxFrames, max: self.max_frames.into(), found: frames.into(), step: None });
        }
        if frames > 1 && info.duration_ms > self.max_duration_ms {
            return Err(LimitExceeded { limit: Limit::MaxDurationMs, max: self.max_duration_ms, found: info.duration_ms, step: None });
        }
        Ok(())
    }

    fn check_total(&self, (width, height): (u32, u32), frames: u32, step: Option<usize>) -> Result<(), LimitExceeded> {
        let found = (u64::from(width) * u64::from(height)).saturating_mul(frames.into());
        if frames > 1 && found > self.max_total_pixels {
            return Err(LimitExceeded { limit: Limit::MaxTotalPixels, max: self.max_total_pixels, found, step });
        }
        Ok(())
    }

    /// Checks one size; `step` tells where it comes up.
    ///
    /// # Errors
    /// The first limit that is exceeded.
    pub(crate) fn check_size(&self, (width, height): (u32, u32), step: Option<usize>) -> Result<(), LimitExceeded> {
        let measures = [
            (Limit::MaxWidth, u64::from(self.max_width), u64::from(width)),
            (Limit::MaxHeight, u64::from(self.max_height), u64::from(height)),
            (Limit::MaxPixels, self.max_pixels, u64::from(width) * u64::from(height)),
        ];
        match measures.into_iter().find(|(_, max, found)| found > max) {
            Some((limit, max, found)) => Err(LimitExceeded { limit, max, found, step }),
            None => Ok(()),
        }
    }
}
