//! Pixels, and nothing else: probe a header, decode, apply the operations of a pipeline, encode. No actor, no thread, no
//! global state, no I/O but the writer that is handed in. A decoder may panic or allocate more than it should: the caller
//! runs this in a process that may die.
//!
//! What happens to every image, whatever its pipeline says:
//! * The pixel type stays (gray, alpha, 8, 16 or 32 bits a channel) until an operation or the output needs another; see `encode`.
//! * The result is upright: the orientation that the file asks for is applied, because metadata is not carried over.
//! * A colour profile is carried over where the output can hold it and it still describes the pixels; all other metadata is dropped.
//! * A file that is cut off or damaged is an error, never half a picture.

mod capped;
mod decode;
mod encode;
mod jpeg;
mod ops;
mod probe;
mod tiff;

use std::io::{self, Seek, Write};

use serde::{Deserialize, Serialize};

use crate::domain::error_code::ErrorCode;
use crate::domain::format::Format;
use crate::domain::limits::{ImageLimits, LimitExceeded};
use crate::domain::pipeline::{Output, Pipeline, cost};
use capped::Capped;
pub use probe::probe;

/// What was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputInfo {
    /// The format of the result.
    pub format: Format,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// Why an image was not made.
#[derive(Debug, thiserror::Error)]
pub enum ImagingError {
    /// No format that is known, or a variety of one that is not.
    #[error("cannot be decoded: {0}")]
    Unsupported(String),
    /// Cut off or damaged.
    #[error("damaged or cut off: {0}")]
    Corrupt(String),
    /// Too large for this server.
    #[error("too large: {0}")]
    Limit(#[from] LimitExceeded),
    /// The decoder asked for more memory than was granted.
    #[error("decoding needs more memory than the {0} bytes granted to it")]
    Memory(u64),
    /// An operation or the output cannot be applied to this image.
    #[error("{0}")]
    Operation(String),
    /// The result could not be written.
    #[error("writing the result failed: {0}")]
    Write(#[source] io::Error),
}

impl ImagingError {
    /// The public code of the error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unsupported(_) => ErrorCode::UnsupportedFormat,
            Self::Corrupt(_) => ErrorCode::CorruptImage,
            Self::Limit(exceeded) => exceeded.limit.code(),
            Self::Memory(_) => ErrorCode::MemoryBudgetExceeded,
            Self::Operation(_) => ErrorCode::OperationFailed,
            Self::Write(_) => ErrorCode::Internal,
        }
    }
}

/// Decodes `input` (the bytes of a file), applies `pipeline` and writes the encoded result to `out`, which must be empty.
///
/// Sizes are checked before anything is decoded: of the image, of each intermediate result, of the output.
///
/// # Errors
/// See [`ImagingError`]. What was written to `out` until then is no image.
pub fn run(input: &[u8], pipeline: &Pipeline, limits: &ImageLimits, out: &mut (impl Write + Seek)) -> Result<OutputInfo, ImagingError> {
    let info = probe(input)?;
    limits.check(&info, pipeline)?;
    let output = pipeline.output().unwrap_or(Output::new(info.format));
    let size = pipeline.steps().iter().fold((info.width, info.height), |size, step| step.size_after(size));
    encode::check_size(output, size)?;

    let decode::Decoded { mut image, icc_profile } = decode::decode(input, &info, cost::peak_bytes(&info, pipeline))?;
    for step in pipeline.steps() {
        ops::apply(step, &mut image)?;
    }
    let (width, height) = (image.width(), image.height());
    encode::encode(image, icc_profile, output, &mut Capped::new(out, limits.max_output_bytes))?;
    Ok(OutputInfo { format: output.format(), width, height })
}
