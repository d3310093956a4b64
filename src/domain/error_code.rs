//! The public error codes: one table of code, HTTP status, title and whether trying again can help.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $code:literal, $status:literal, $retryable:literal, $title:literal;)*) => {
        /// Every way in which a request or a task can fail, as its user sees it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(into = "&'static str", try_from = "String")]
        pub enum ErrorCode { $($(#[doc = $doc])* $variant,)* }

        impl ErrorCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable word that programs compare.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The HTTP status that a request answered with this code carries.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// A short sentence for people; the same for every occurrence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// When it is answered, in Markdown.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),*).trim_ascii(),)* }
            }

            /// Whether the same request may succeed later without being changed.
            #[must_use]
            pub fn retryable(self) -> bool {
                match self { $(Self::$variant => $retryable,)* }
            }
        }
    };
}

error_codes! {
    /// A parameter, header or body part is missing or unreadable.
    InvalidRequest = "invalid_request", 400, false, "The request cannot be understood.";
    /// The upload had no bytes.
    EmptyBody = "empty_body", 400, false, "The body is empty; send the bytes of an image.";
    /// The pipeline does not parse or names something unknown.
    InvalidPipeline = "invalid_pipeline", 400, false, "The pipeline is not valid.";
    /// No API key was shown, or one that is not good.
    Unauthorized = "unauthorized", 401, false, "This server needs a valid API key.";
    /// The API key is good, but lacks a scope.
    MissingScope = "missing_scope", 403, false, "The API key is not good for this.";
    /// No task, result or key of that name.
    NotFound = "not_found", 404, false, "Nothing is here under that name.";
    /// The route exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, false, "The method is not allowed here.";
    /// The body did not arrive in time.
    UploadTimeout = "upload_timeout", 408, true, "The body stopped arriving; send it again.";
    /// The result was asked for before it was there.
    InProgress = "in_progress", 409, true, "The image is not ready yet; ask again later.";
    /// The task was cancelled before it ended.
    Cancelled = "cancelled", 409, false, "The task was cancelled.";
    /// The task's state does not allow what was asked.
    WrongState = "wrong_state", 409, false, "The task's state does not allow this.";
    /// An upload with the same idempotency key is still arriving.
    IdempotencyInProgress = "idempotency_in_progress", 409, true, "An upload with this idempotency key is still arriving; send it again.";
    /// A further asset was to be stored.
    TooManyAssets = "too_many_assets", 409, false, "The server keeps as many assets as it may.";
    /// A further API key was to be made.
    TooManyKeys = "too_many_keys", 409, false, "The server keeps as many API keys as it may.";
    /// A further webhook was to be registered.
    TooManyWebhooks = "too_many_webhooks", 409, false, "The caller has as many webhooks as one may have.";
    /// A revoked API key was to be changed.
    KeyRevoked = "key_revoked", 409, false, "The API key was revoked.";
    /// A condition of the request (`If-Match`, `If-Unmodified-Since`) does not hold.
    PreconditionFailed = "precondition_failed", 412, false, "The bytes are not what the request expects them to be.";
    /// The body is larger than the server accepts.
    PayloadTooLarge = "payload_too_large", 413, false, "The body is larger than this server accepts.";
    /// The bytes are of no format that can be decoded.
    UnsupportedFormat = "unsupported_format", 415, false, "The bytes are not an image of a supported format.";
    /// The body is of a media type that the route does not take.
    UnsupportedMediaType = "unsupported_media_type", 415, false, "The body is of another media type than the route takes.";
    /// The range of a request lies beyond the bytes that there are.
    RangeNotSatisfiable = "range_not_satisfiable", 416, false, "There are no such bytes.";
    /// The server's role is `work`: it answers operators and probes only, whatever key is shown.
    Misdirected = "misdirected", 421, false, "This server has no clients; ask one that has.";
    /// The bytes claim a format but do not decode.
    CorruptImage = "corrupt_image", 422, false, "The image is damaged or cut off.";
    /// Wider than `limits.max_width`: the image, the result of a step, or the result.
    TooWide = "too_wide", 422, false, "The image is wider than this server allows.";
    /// Taller than `limits.max_height`.
    TooTall = "too_tall", 422, false, "The image is taller than this server allows.";
    /// More pixels than `limits.max_pixels`.
    TooManyPixels = "too_many_pixels", 422, false, "The image has more pixels than this server allows.";
    /// More frames than `limits.max_frames`.
    TooManyFrames = "too_many_frames", 422, false, "The animation has more frames than this server allows.";
    /// More pixels in all frames than `limits.max_total_pixels`.
    TooManyTotalPixels = "too_many_total_pixels", 422, false, "The frames of the animation have more pixels than this server allows.";
    /// Longer than `limits.max_duration_ms`.
    TooLong = "too_long", 422, false, "The animation plays longer than this server allows.";
    /// More metadata than `limits.max_metadata_bytes`.
    TooMuchMetadata = "too_much_metadata", 422, false, "The file carries more metadata than this server allows.";
    /// More steps than `limits.max_steps`, or than any pipeline may have.
    TooManySteps = "too_many_steps", 422, false, "The pipeline has more steps than this server allows.";
    /// Decoding would need more memory than a worker may ever use.
    MemoryBudgetExceeded = "memory_budget_exceeded", 422, false, "Processing this image would need more memory than this server grants.";
    /// The result is larger than `limits.max_output_bytes`.
    OutputTooLarge = "output_too_large", 422, false, "The result is larger than this server stores.";
    /// An operation cannot be applied to this image.
    OperationFailed = "operation_failed", 422, false, "An operation of the pipeline cannot be applied to this image.";
    /// A pipeline names an asset that is not there.
    UnknownAsset = "unknown_asset", 422, false, "The pipeline names an asset that is not stored here.";
    /// The URL of a webhook is none that the server would send to.
    InvalidWebhook = "invalid_webhook", 422, false, "The server sends nothing to this URL.";
    /// An upload names a webhook that is not its caller's.
    UnknownWebhook = "unknown_webhook", 422, false, "The upload names a webhook that its caller does not have.";
    /// An asset of the pipeline is not there any more, or cannot be decoded.
    AssetFailed = "asset_failed", 422, false, "An asset of the pipeline cannot be used.";
    /// Every attempt ran past the deadline.
    DeadlineExceeded = "deadline_exceeded", 422, true, "Processing took longer than its deadline.";
    /// Every attempt ended with the worker's death.
    WorkerDied = "worker_died", 422, true, "The worker processing this image died.";
    /// Another upload was sent under the same idempotency key.
    IdempotencyKeyReused = "idempotency_key_reused", 422, false, "Another upload was sent under this idempotency key.";
    /// A setting was refused.
    InvalidSetting = "invalid_setting", 422, false, "The value is not valid for this key.";
    /// The API key was used more often than its `requests_per_minute`.
    TooManyRequests = "too_many_requests", 429, true, "The API key is used more often than it may be.";
    /// The API key has as many unfinished tasks as its `tasks_in_flight`.
    TooManyTasksInFlight = "too_many_tasks_in_flight", 429, true, "The API key has as many unfinished tasks as it may.";
    /// The originals of the key's unfinished tasks come to its `bytes_in_flight`.
    TooManyBytesInFlight = "too_many_bytes_in_flight", 429, true, "The unfinished tasks of the API key have as many bytes as they may.";
    /// What is stored of the key's tasks comes to its `stored_bytes`.
    TooManyStoredBytes = "too_many_stored_bytes", 429, false, "The API key stores as many bytes as it may; delete tasks.";
    /// The stored bytes are not the ones that were acknowledged.
    CorruptBlob = "corrupt_blob", 500, false, "The stored bytes are damaged.";
    /// A defect of the server.
    Internal = "internal", 500, true, "The server failed; the failure is logged.";
    /// The queue holds as many tasks or bytes as it may.
    QueueFull = "queue_full", 503, true, "The server is full; try again later.";
    /// As many requests wait for tasks, or read events, as may.
    TooManyWatchers = "too_many_watchers", 503, true, "Too many clients wait or read events; try again later, or ask without waiting.";
    /// The server is stopping.
    Draining = "draining", 503, true, "The server is stopping; try again later.";
    /// A service is restarting or its answer did not come; nothing was acknowledged.
    Unavailable = "unavailable", 503, true, "A part of the server is not available; try again later.";
    /// No room on the disk.
    StorageFull = "storage_full", 507, true, "The server's storage is full; try again later.";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text was not an error code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an error code: {0:?}")]
pub struct InvalidErrorCode(String);

impl FromStr for ErrorCode {
    type Err = InvalidErrorCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|code| code.code() == text).ok_or_else(|| InvalidErrorCode(text.into()))
    }
}

impl From<ErrorCode> for &'static str {
    fn from(code: ErrorCode) -> Self {
        code.code()
    }
}

impl TryFrom<String> for ErrorCode {
    type Error = InvalidErrorCode;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_read_what_they_print() {
        let codes: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.code()).collect();
        assert_eq!(codes.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert_eq!(code.to_string().parse().as_ref(), Ok(code));
            assert!((400..600).contains(&code.status()), "{code}");
        }
    }
}
