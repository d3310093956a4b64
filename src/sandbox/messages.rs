//! What parent and child say to each other. The parent asks, the child answers, never the other way round:
//!
//! ```text
//! parent                                      child
//! Start { parent, limits }            ->
//!                                     <-      Ready
//! Job { variants, ... } + files       ->
//!                                     <-      Probed { info, peak_bytes, details } | Failed { code, detail } | Panicked
//! Run | Refuse (no answer)            ->
//!                                     <-      Made { variant, info }, once for every result but the last
//!                                     <-      Done { variant, info }      | Failed { code, detail } | Panicked
//! ```

use serde::{Deserialize, Serialize};

use super::limits::ChildLimits;
use crate::domain::asset::AssetRef;
use crate::domain::error_code::ErrorCode;
use crate::domain::limits::{ImageLimits, LimitExceeded};
use crate::domain::pipeline::cost::ImageInfo;
use crate::domain::pipeline::{VariantName, Variants};
use crate::domain::probe::Details;
use crate::imaging::OutputInfo;

/// One job: what to make of the image, and how large anything on the way may become. The files travel beside it: the original,
/// an output for every variant, in the order of their names, then the assets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// A pipeline for each result.
    pub variants: Variants,
    /// The assets that the pipelines name, in the order of their files.
    pub assets: Vec<AssetRef>,
    /// Beyond these the job fails.
    pub limits: ImageLimits,
}

impl Job {
    /// Checks an image, and everything that the pipelines would make of it, against the limits.
    ///
    /// # Errors
    /// The first limit that would be exceeded.
    pub(super) fn check(&self, info: &ImageInfo) -> Result<(), LimitExceeded> {
        self.variants.iter().try_for_each(|(_, pipeline)| self.limits.check(info, pipeline))
    }
}

/// What the header of an image tells before anything is decoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probing {
    /// Format and size.
    pub info: ImageInfo,
    /// The most bytes of memory that the job will need, estimated.
    pub peak_bytes: u64,
    /// What else the header says, for people.
    pub details: Box<Details>,
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
    /// Look at this image; its file and those of the assets, open for reading, and the empty outputs travel with the message.
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
    /// The result of a variant is complete; others follow.
    Made { variant: VariantName, info: OutputInfo },
    /// The last result is complete.
    Done { variant: VariantName, info: OutputInfo },
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
            Self::Made { .. } => "made",
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
