//! What parent and child say to each other. The parent asks, the child answers, never the other way round:
//!
//! ```text
//! parent                                      child
//! Start { parent, limits }            ->
//!                                     <-      Ready
//! Job { pipeline, ... } + files       ->
//!                                     <-      Probed { info, peak_bytes } | Failed { code, detail } | Panicked
//! Run | Refuse (no answer)            ->
//!                                     <-      Done { info }               | Failed { code, detail } | Panicked
//! ```

use serde::{Deserialize, Serialize};

use super::limits::ChildLimits;
use crate::domain::asset::AssetRef;
use crate::domain::error_code::ErrorCode;
use crate::domain::limits::ImageLimits;
use crate::domain::pipeline::Pipeline;
use crate::domain::pipeline::cost::ImageInfo;
use crate::imaging::OutputInfo;

/// One job: what to do with the image, and how large anything on the way may become. The files travel beside it: the original, the output,
/// then the assets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The operations and the output.
    pub pipeline: Pipeline,
    /// The assets that the pipeline names, in the order of their files.
    pub assets: Vec<AssetRef>,
    /// Beyond these the job fails.
    pub limits: ImageLimits,
}

/// What the header of an image tells before anything is decoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probing {
    /// Format and size.
    pub info: ImageInfo,
    /// The most bytes of memory that the job will need, estimated.
    pub peak_bytes: u64,
}

/// Characters of a sentence about a failure that are told; a decoder may say as much as a file makes it.
pub(super) const MAX_DETAIL: usize = 500;

/// Why a job cannot succeed, however often it is tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Failure {
    /// The public code.
    pub code: ErrorCode,
    /// One sentence about this image; one line, bounded.
    pub detail: String,
}

/// What the parent says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// The first words: whose child it is and what it may use.
    Start { parent: i32, limits: ChildLimits },
    /// Look at this image; its file and those of the assets, open for reading, and an empty output travel with the message.
    Job(Job),
    /// Do the job that was probed.
    Run,
    /// Forget the job that was probed.
    Refuse,
}

/// What the child answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Report {
    /// The limits are set, the first job may come.
    Ready,
    /// The image is readable; run or refuse?
    Probed(Probing),
    /// The output is complete.
    Done { info: OutputInfo },
    /// The job cannot be done; the child is as good as before.
    Failed(Failure),
    /// The decoder panicked; the child lives but should not be used again.
    Panicked,
}

impl Report {
    /// The name of the message, for errors about the order of messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Probed(_) => "probed",
            Self::Done { .. } => "done",
            Self::Failed(_) => "failed",
            Self::Panicked => "panicked",
        }
    }
}

/// Whether a child may give this code: those that say something about an image. Anything else is the server's to say.
pub(super) fn is_verdict(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::UnsupportedFormat
            | ErrorCode::CorruptImage
            | ErrorCode::TooWide
            | ErrorCode::TooTall
            | ErrorCode::TooManyPixels
            | ErrorCode::TooManyFrames
            | ErrorCode::TooManyTotalPixels
            | ErrorCode::TooLong
            | ErrorCode::TooMuchMetadata
            | ErrorCode::TooManySteps
            | ErrorCode::MemoryBudgetExceeded
            | ErrorCode::OutputTooLarge
            | ErrorCode::OperationFailed
            | ErrorCode::AssetFailed
            | ErrorCode::Internal
    )
}
