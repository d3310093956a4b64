//! What the frontend answers when it cannot do what was asked, and the one mapping to the public codes.

use std::time::Duration;

use actix::MailboxError;

use crate::actors::key_values::KeyValuesError;
use crate::actors::keys::{KeysError, NotAdmitted};
use crate::actors::master::Refusal;
use crate::actors::notifier::NotWatched;
use crate::actors::task_db::Unsettled;
use crate::actors::webhooks::WebhooksError;
use crate::actors::workers::NotInspected;
use crate::domain::asset::AssetRef;
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::TaskId;
use crate::domain::limits::LimitExceeded;
use crate::domain::pipeline::{PipelineError, VariantName};
use crate::domain::task::{Failure, Rejected, TaskState};
use crate::domain::webhook::WebhookId;
use crate::stores::assets::AssetStoreError;
use crate::stores::blobs::BlobStoreError;
use crate::stores::keys::KeyStoreError;
use crate::stores::tasks::TaskStoreError;

/// Why a request was not fulfilled.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FrontendError {
    /// The pipeline does not parse, or names an unknown preset.
    #[error("{0}")]
    InvalidPipeline(#[from] PipelineError),
    /// The pipeline is longer than this server allows.
    #[error("limits.{0}; leave out steps")]
    Limit(#[from] LimitExceeded),
    /// The upload had no bytes.
    #[error("the body is empty; send the bytes of an image")]
    EmptyBody,
    /// The first bytes belong to no format that can be read.
    #[error("the bytes are not an image this server reads; send PNG, JPEG, WebP, GIF, BMP or TIFF")]
    UnsupportedFormat,
    /// More bytes than the server accepts for one image.
    #[error("the body is larger than the {max} bytes this server accepts; send a smaller file")]
    TooLarge {
        /// The limit in bytes.
        max: u64,
    },
    /// The client broke the upload off.
    #[error("the body ended early; send it again")]
    Aborted,
    /// The server takes no more work now.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// No such task, or one that is gone.
    #[error("there is no such task; it may have been deleted or have expired")]
    NotFound,
    /// The task has no result of that name.
    #[error("the task has no variant called {variant}; it has {known}")]
    NoSuchVariant {
        /// The name.
        variant: VariantName,
        /// Those that it has.
        known: String,
    },
    /// No such key.
    #[error("the key is not set")]
    NoSuchKey,
    /// Whoever asks is not let in.
    #[error(transparent)]
    NotAdmitted(#[from] NotAdmitted),
    /// No API key of that id.
    #[error("there is no API key of that id; GET /v1/keys lists those that there are")]
    NoSuchApiKey,
    /// No node of that name.
    #[error("there is no node of that name; GET /v1/nodes lists those that there are")]
    NoSuchNode,
    /// An API key was not made or changed.
    #[error("{0}")]
    KeyNotChanged(KeysError),
    /// No asset of that name.
    #[error("there is no asset of that name; GET /v1/assets lists those that there are")]
    NoSuchAsset,
    /// The pipeline of an upload names an asset that is not there.
    #[error("the pipeline names the asset {0}, which is not stored here; PUT /v1/assets/{{name}} stores one")]
    UnknownAsset(AssetRef),
    /// An upload names a webhook that is not the caller's.
    #[error("you have no webhook {0}; POST /v1/webhooks registers one")]
    UnknownWebhook(WebhookId),
    /// Something about webhooks was not done.
    #[error("{0}")]
    Webhooks(WebhooksError),
    /// There are as many assets as there may be.
    #[error("the server keeps {max} assets, as many as it may; remove one, or raise limits.max_assets")]
    TooManyAssets {
        /// How many there may be.
        max: u64,
    },
    /// The bytes are no image that can be an asset.
    #[error("the image cannot be an asset: {}", .0.detail)]
    UnfitAsset(Failure),
    /// As many requests of this kind are under way as may be.
    #[error("as many assets are being stored as the server takes at once; try again")]
    Busy,
    /// The result is not there yet.
    #[error("the image is still in progress; ask /image/isReady until it says finished")]
    InProgress,
    /// The task was cancelled before the result was there.
    #[error("the task was cancelled; POST /v1/tasks/{{id}}/retry runs it again")]
    Cancelled,
    /// The task's state does not allow what was asked.
    #[error("the task is {state}; {advice}")]
    WrongState {
        /// Its state.
        state: TaskState,
        /// What is allowed.
        advice: &'static str,
    },
    /// The task ended without a result.
    #[error("{}", .0.detail)]
    Failed(Failure),
    /// A setting was refused.
    #[error("{0}")]
    InvalidSetting(String),
    /// An upload with the same idempotency key is under way.
    #[error("an upload with this idempotency key is still arriving; send it again in a moment")]
    KeyInUse,
    /// Another upload was sent under the same idempotency key.
    #[error(
        "the idempotency key belongs to task {by}, which was sent with another image or other parameters; use a new key for a new upload"
    )]
    KeyReused {
        /// The task.
        by: TaskId,
    },
    /// Nobody may wait or read events now.
    #[error("{0}")]
    NotWatched(#[from] NotWatched),
    /// No room on the disk.
    #[error("the server's storage is full; nothing was accepted, try again later")]
    StorageFull,
    /// Stored bytes are missing or changed.
    #[error("the stored image is damaged")]
    CorruptBlob,
    /// The store of blobs did not take the request, or does not answer.
    #[error("the store of images does not answer or is busy; nothing was acknowledged, try again")]
    BlobsAway,
    /// A service is restarting, or did not answer in time.
    #[error("a part of the server did not answer; nothing was acknowledged, try again")]
    Unavailable,
}

impl FrontendError {
    /// The public code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidPipeline(error) => error.code(),
            Self::Limit(exceeded) => exceeded.limit.code(),
            Self::EmptyBody => ErrorCode::EmptyBody,
            Self::UnsupportedFormat => ErrorCode::UnsupportedFormat,
            Self::TooLarge { .. } => ErrorCode::PayloadTooLarge,
            Self::Aborted => ErrorCode::InvalidRequest,
            Self::Refused(refusal) => refusal.code(),
            Self::NotFound | Self::NoSuchVariant { .. } | Self::NoSuchKey | Self::NoSuchAsset => ErrorCode::NotFound,
            Self::NoSuchApiKey | Self::NoSuchNode => ErrorCode::NotFound,
            Self::NotAdmitted(why) => not_admitted(why),
            Self::KeyNotChanged(why) => key_not_changed(why),
            Self::UnknownAsset(_) => ErrorCode::UnknownAsset,
            Self::UnknownWebhook(_) => ErrorCode::UnknownWebhook,
            Self::Webhooks(why) => webhooks_not_asked(why),
            Self::TooManyAssets { .. } => ErrorCode::TooManyAssets,
            Self::Busy => ErrorCode::QueueFull,
            Self::KeyInUse => ErrorCode::IdempotencyInProgress,
            Self::KeyReused { .. } => ErrorCode::IdempotencyKeyReused,
            Self::NotWatched(NotWatched::Full) => ErrorCode::TooManyWatchers,
            Self::NotWatched(NotWatched::Stopping) => ErrorCode::Draining,
            Self::InProgress => ErrorCode::InProgress,
            Self::Cancelled => ErrorCode::Cancelled,
            Self::WrongState { .. } => ErrorCode::WrongState,
            Self::Failed(failure) | Self::UnfitAsset(failure) => failure.code,
            Self::InvalidSetting(_) => ErrorCode::InvalidSetting,
            Self::StorageFull => ErrorCode::StorageFull,
            Self::CorruptBlob => ErrorCode::CorruptBlob,
            Self::BlobsAway | Self::Unavailable => ErrorCode::Unavailable,
        }
    }

    /// When trying again makes sense, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after(),
            Self::NotAdmitted(NotAdmitted::TooOften { wait, .. }) => Some(*wait),
            Self::Unavailable | Self::Busy | Self::KeyInUse | Self::NotWatched(_) => Some(Duration::from_secs(1)),
            Self::BlobsAway => Some(Duration::from_secs(5)),
            Self::StorageFull => Some(Duration::from_secs(30)),
            _ => None,
        }
    }
}

fn not_admitted(why: &NotAdmitted) -> ErrorCode {
    match why {
        NotAdmitted::NoKey | NotAdmitted::Invalid(_) | NotAdmitted::NotGood(_) => ErrorCode::Unauthorized,
        NotAdmitted::MissingScope(_) => ErrorCode::MissingScope,
        NotAdmitted::TooOften { .. } => ErrorCode::TooManyRequests,
    }
}

fn key_not_changed(why: &KeysError) -> ErrorCode {
    match why {
        KeysError::NotFound => ErrorCode::NotFound,
        KeysError::Revoked(_) => ErrorCode::KeyRevoked,
        KeysError::TooMany => ErrorCode::TooManyKeys,
        KeysError::NoRandomness(_) => ErrorCode::Internal,
        KeysError::Store(KeyStoreError::Full) => ErrorCode::StorageFull,
        KeysError::Store(_) => ErrorCode::Unavailable,
    }
}

fn webhooks_not_asked(why: &WebhooksError) -> ErrorCode {
    match why {
        WebhooksError::NotFound | WebhooksError::NoSuchDelivery => ErrorCode::NotFound,
        WebhooksError::Unreachable(_) => ErrorCode::InvalidWebhook,
        WebhooksError::TooMany => ErrorCode::TooManyWebhooks,
        WebhooksError::NoRandomness(_) => ErrorCode::Internal,
        WebhooksError::Store(TaskStoreError::Full) => ErrorCode::StorageFull,
        WebhooksError::Store(_) => ErrorCode::Unavailable,
    }
}

impl From<MailboxError> for FrontendError {
    fn from(_: MailboxError) -> Self {
        Self::Unavailable
    }
}

impl From<BlobStoreError> for FrontendError {
    fn from(error: BlobStoreError) -> Self {
        match error {
            BlobStoreError::Full => Self::StorageFull,
            BlobStoreError::TooLarge { max } => Self::TooLarge { max },
            BlobStoreError::Aborted => Self::Aborted,
            BlobStoreError::NotFound => Self::CorruptBlob,
            BlobStoreError::Unavailable(why) => {
                log::debug!(error = why.as_str(); "the blob store did not take a request");
                Self::BlobsAway
            }
            other => {
                log::error!(error:% = other; "blob store failed");
                Self::Unavailable
            }
        }
    }
}

impl From<TaskStoreError> for FrontendError {
    fn from(error: TaskStoreError) -> Self {
        match error {
            TaskStoreError::Full => Self::StorageFull,
            TaskStoreError::NoSuchAsset(asset) => Self::UnknownAsset(asset),
            TaskStoreError::NoSuchWebhook(webhook) => Self::UnknownWebhook(webhook),
            TaskStoreError::Rejected(Rejected::NotFound) => Self::NotFound,
            TaskStoreError::Rejected(Rejected::WrongState { state }) => {
                Self::WrongState { state, advice: "somebody else changed it at this moment; ask again" }
            }
            other => {
                log::error!(error:% = other; "task store failed");
                Self::Unavailable
            }
        }
    }
}

impl From<Unsettled> for FrontendError {
    fn from(error: Unsettled) -> Self {
        match error {
            Unsettled::Refused(error) => error.into(),
            Unsettled::Unknown => Self::Unavailable,
        }
    }
}

impl From<AssetStoreError> for FrontendError {
    fn from(error: AssetStoreError) -> Self {
        match error {
            AssetStoreError::TooMany { max } => Self::TooManyAssets { max },
            AssetStoreError::Full => Self::StorageFull,
            other => {
                log::error!(error:% = other; "asset store failed");
                Self::Unavailable
            }
        }
    }
}

impl From<NotInspected> for FrontendError {
    fn from(error: NotInspected) -> Self {
        match error {
            NotInspected::Unfit(failure) => Self::UnfitAsset(failure),
            NotInspected::Unavailable => Self::Unavailable,
        }
    }
}

impl From<KeysError> for FrontendError {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::NotFound => Self::NoSuchApiKey,
            KeysError::Store(KeyStoreError::Full) => Self::StorageFull,
            KeysError::Store(why) => {
                log::error!(error:% = why; "key store failed");
                Self::Unavailable
            }
            other => Self::KeyNotChanged(other),
        }
    }
}

impl From<WebhooksError> for FrontendError {
    fn from(error: WebhooksError) -> Self {
        match error {
            WebhooksError::Store(why) => why.into(),
            other => Self::Webhooks(other),
        }
    }
}

impl From<KeyValuesError> for FrontendError {
    fn from(error: KeyValuesError) -> Self {
        match error {
            KeyValuesError::Invalid(why) => Self::InvalidSetting(why),
            KeyValuesError::NotSet => Self::NoSuchKey,
            KeyValuesError::Full => Self::StorageFull,
            KeyValuesError::Store(why) => {
                log::error!(error = why.as_str(); "key-value store failed");
                Self::Unavailable
            }
        }
    }
}
