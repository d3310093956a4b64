//! Why an image was not made, and which public code that is.

use std::io;

use crate::domain::asset::AssetRef;
use crate::domain::error_code::ErrorCode;
use crate::domain::limits::LimitExceeded;
use crate::domain::pipeline::cost::NoSuchFrame;

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
    /// A frame was asked for that is not there.
    #[error(transparent)]
    NoSuchFrame(#[from] NoSuchFrame),
    /// The decoder asked for more memory than was granted.
    #[error("decoding needs more memory than the {0} bytes granted to it")]
    Memory(u64),
    /// An operation or the output cannot be applied to this image.
    #[error("{0}")]
    Operation(String),
    /// An asset that the pipeline names is not there or cannot be used.
    #[error("the asset {asset}: {error}")]
    Asset {
        /// Which.
        asset: AssetRef,
        /// Why not.
        error: Box<ImagingError>,
    },
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
            Self::Operation(_) | Self::NoSuchFrame(_) => ErrorCode::OperationFailed,
            Self::Asset { .. } => ErrorCode::AssetFailed,
            Self::Write(_) => ErrorCode::Internal,
        }
    }

    /// The error as one of an asset.
    pub(super) fn of_asset(self, asset: &AssetRef) -> Self {
        Self::Asset { asset: asset.clone(), error: Box::new(self) }
    }
}
