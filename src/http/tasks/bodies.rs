//! Tasks and their attempts as JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::actors::frontend::TaskView;
use crate::domain::blob::{BlobMeta, Sha256};
use crate::domain::error_code::ErrorCode;
use crate::domain::format::Format;
use crate::domain::ids::{ClaimNo, TaskId};
use crate::domain::pipeline::{Pipeline, VariantName};
use crate::domain::probe::{ImageProbe, Warning};
use crate::domain::task::{Attempt, AttemptEnd, Failure, Metadata, Priority, Task, TaskResult, TaskState};
use crate::domain::webhook::WebhookId;
use crate::http::time::rfc3339;

/// Why something failed.
#[derive(Serialize, ToSchema)]
#[schema(as = Failure)]
pub(crate) struct FailureBody<'t> {
    /// One of the codes of errors.
    #[schema(value_type = String)]
    code: ErrorCode,
    /// What happened.
    detail: &'t str,
}

fn failure(failure: &Failure) -> FailureBody<'_> {
    FailureBody { code: failure.code, detail: &failure.detail }
}

/// A result that is there.
#[derive(Serialize, ToSchema)]
#[schema(as = Result)]
pub(crate) struct ResultBody<'t> {
    #[schema(value_type = String)]
    format: Format,
    bytes: u64,
    #[schema(value_type = String)]
    sha256: Sha256,
    width: u32,
    height: u32,
    /// What it lacks that its pipeline did not say it should.
    #[schema(value_type = Vec<Object>)]
    warnings: &'t [Warning],
}

fn result(result: &TaskResult) -> ResultBody<'_> {
    let TaskResult { blob: BlobMeta { len, sha256 }, format, width, height, ref warnings, .. } = *result;
    ResultBody { format, bytes: len, sha256, width, height, warnings }
}

/// One of several results that were asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = Variant)]
pub(crate) struct VariantBody<'t> {
    /// What makes it.
    #[schema(value_type = Object)]
    pipeline: &'t Pipeline,
    /// There once it is made.
    result: Option<ResultBody<'t>>,
}

fn variants(task: &Task) -> BTreeMap<String, VariantBody<'_>> {
    let body =
        |(name, pipeline): (VariantName, _)| (name.to_string(), VariantBody { pipeline, result: task.results.get(&name).map(result) });
    task.variants.iter().map(body).collect()
}

/// An image as it was handed in.
#[derive(Serialize, ToSchema)]
#[schema(as = Original)]
pub(crate) struct OriginalBody {
    #[schema(value_type = String)]
    format: Format,
    bytes: u64,
    #[schema(value_type = String)]
    sha256: Sha256,
}

/// One task.
#[derive(Serialize, ToSchema)]
#[schema(as = Task)]
pub(crate) struct TaskBody<'t> {
    #[schema(value_type = String, format = "uuid")]
    id: TaskId,
    #[schema(value_type = String, pattern = "^(not_started|in_progress|finished|failed|cancelled)$")]
    state: TaskState,
    /// The number of the present run, from 1; a retry opens the next one.
    run: u32,
    /// Of a task that was given one; its result is `result`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pipeline: Option<&'t Pipeline>,
    /// Of a task that was given several, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    variants: Option<BTreeMap<String, VariantBody<'t>>>,
    /// What was handed in with the image: an object or a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    metadata: Option<&'t Metadata>,
    /// How soon it gets its turn.
    #[schema(value_type = String, pattern = "^(low|normal|high)$")]
    priority: Priority,
    /// Who is told when it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    webhook: Option<WebhookId>,
    /// Attempts of the present run that count.
    attempts_used: u32,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    started_at: Option<String>,
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// Seconds; `null` if it is kept until it is deleted.
    expires_in: Option<u64>,
    /// Known once it has ended.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    original: OriginalBody,
    /// What is known of the original beside that; `null` until a result is there.
    probe: Option<&'t ImageProbe>,
    /// The result of a task that was given one pipeline, once it is there.
    result: Option<ResultBody<'t>>,
    /// Why the present run failed.
    failure: Option<FailureBody<'t>>,
}

impl<'t> From<&'t Task> for TaskBody<'t> {
    fn from(task: &'t Task) -> Self {
        Self {
            id: task.id,
            state: task.state,
            run: task.run,
            pipeline: task.variants.as_only(),
            variants: task.variants.as_only().is_none().then(|| variants(task)),
            metadata: task.metadata.as_ref(),
            priority: task.priority,
            webhook: task.webhook,
            attempts_used: task.attempts,
            created_at: rfc3339(task.created_at),
            started_at: task.started_at.map(rfc3339),
            ended_at: task.ended_at.map(rfc3339),
            expires_in: task.retention.time().map(|time| time.as_secs()),
            expires_at: task.expires_at.map(rfc3339),
            original: OriginalBody { format: task.input_format, bytes: task.original.len, sha256: task.original.sha256 },
            probe: task.probe.as_ref(),
            result: task.results.get(&VariantName::RESULT).map(result),
            failure: task.failure.as_ref().map(failure),
        }
    }
}

/// One task on a page of many.
#[derive(Serialize, ToSchema)]
#[schema(as = ListedTask)]
pub(crate) struct ListedBody<'t> {
    #[schema(value_type = String, format = "uuid")]
    id: TaskId,
    #[schema(value_type = String)]
    state: TaskState,
    run: u32,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    failure: Option<FailureBody<'t>>,
}

impl<'t> From<&'t Task> for ListedBody<'t> {
    fn from(task: &'t Task) -> Self {
        let Task { id, state, run, created_at, ended_at, ref failure, .. } = *task;
        let (created_at, ended_at) = (rfc3339(created_at), ended_at.map(rfc3339));
        Self { id, state, run, created_at, ended_at, failure: failure.as_ref().map(self::failure) }
    }
}

/// A page of tasks.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskPage)]
pub(crate) struct TaskPageBody<'t> {
    pub(super) tasks: Vec<ListedBody<'t>>,
    /// The cursor of the page after; `null` on the last one.
    pub(super) next: Option<u64>,
}

/// One attempt of its history.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(crate) struct AttemptBody<'t> {
    run: u32,
    /// Grows from attempt to attempt, also over runs.
    #[schema(value_type = u64)]
    claim_no: ClaimNo,
    worker: &'t str,
    #[schema(format = DateTime)]
    started_at: String,
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// By the wall clock, as its two moments are; `null` while it goes on.
    duration_ms: Option<u64>,
    /// Resident in the process at most, with what that kept of jobs before; `null` where it is not known.
    peak_memory_bytes: Option<u64>,
    /// `finished`, `failed`, `released` or `cancelled`.
    #[schema(value_type = Option<String>)]
    end: Option<&'static str>,
    /// Why, where something went wrong.
    reason: Option<FailureBody<'t>>,
    /// Whether the attempt was given back because the server, not the image, ended it.
    refunded: bool,
}

impl<'t> From<&'t Attempt> for AttemptBody<'t> {
    fn from(attempt: &'t Attempt) -> Self {
        let end = attempt.ended.as_ref().map(|ended| &ended.end);
        Self {
            run: attempt.run,
            claim_no: attempt.claim_no,
            worker: &attempt.worker,
            started_at: rfc3339(attempt.started_at),
            ended_at: attempt.ended.as_ref().map(|ended| rfc3339(ended.at)),
            duration_ms: attempt.ended.as_ref().map(|ended| ended.at.0.saturating_sub(attempt.started_at.0)),
            peak_memory_bytes: attempt.peak_memory,
            end: end.map(AttemptEnd::as_str),
            reason: end.and_then(AttemptEnd::reason).map(failure),
            refunded: end.is_some_and(AttemptEnd::refunded),
        }
    }
}

/// One task with its history.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskWithHistory)]
pub(crate) struct HistoryBody<'t> {
    #[serde(flatten)]
    task: TaskBody<'t>,
    /// Every attempt at it, oldest first.
    attempts: Vec<AttemptBody<'t>>,
    /// Told of a new task that has not ended: when it may have, or `null` where that cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) estimated_ready_at: Option<Option<String>>,
}

impl<'t> From<&'t TaskView> for HistoryBody<'t> {
    fn from(TaskView { task, attempts }: &'t TaskView) -> Self {
        Self { task: task.into(), attempts: attempts.iter().map(AttemptBody::from).collect(), estimated_ready_at: None }
    }
}
