//! Tasks and their attempts as JSON.

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::ids::{ClaimNo, TaskId};
use crate::domain::pipeline::{Pipeline, VariantName};
use crate::domain::probe::ImageProbe;
use crate::domain::task::{Attempt, AttemptEnd, Failure, Metadata, Task, TaskResult, TaskState};
use crate::http::time::rfc3339;

/// Why something failed.
fn failure(failure: &Failure) -> Value {
    json!({ "code": failure.code, "detail": failure.detail })
}

fn result(result: &TaskResult) -> Value {
    json!({
        "format": result.format, "bytes": result.blob.len, "sha256": result.blob.sha256,
        "width": result.width, "height": result.height, "warnings": result.warnings,
    })
}

/// Each variant with its pipeline and, once it is there, its result.
fn variants(task: &Task) -> Value {
    let body = |(name, pipeline): (VariantName, &Pipeline)| {
        (name.to_string(), json!({ "pipeline": pipeline, "result": task.results.get(&name).map(result) }))
    };
    task.variants.iter().map(body).collect()
}

/// One task.
#[derive(Serialize)]
pub(super) struct TaskBody<'t> {
    id: TaskId,
    state: TaskState,
    run: u32,
    /// Of a task that was given one; its result is `result`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline: Option<&'t Pipeline>,
    /// Of a task that was given several.
    #[serde(skip_serializing_if = "Option::is_none")]
    variants: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'t Metadata>,
    attempts_used: u32,
    created_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    /// Seconds; `null` if it is kept until it is deleted.
    expires_in: Option<u64>,
    /// Known once it has ended.
    expires_at: Option<String>,
    original: Value,
    /// What is known of the original beside that; `null` until a result is there.
    probe: Option<&'t ImageProbe>,
    result: Option<Value>,
    failure: Option<Value>,
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
            attempts_used: task.attempts,
            created_at: rfc3339(task.created_at),
            started_at: task.started_at.map(rfc3339),
            ended_at: task.ended_at.map(rfc3339),
            expires_in: task.retention.time().map(|time| time.as_secs()),
            expires_at: task.expires_at.map(rfc3339),
            original: json!({ "format": task.input_format, "bytes": task.original.len, "sha256": task.original.sha256 }),
            probe: task.probe.as_ref(),
            result: task.results.get(&VariantName::RESULT).map(result),
            failure: task.failure.as_ref().map(failure),
        }
    }
}

/// One task on a page of many.
pub(super) fn listed(task: &Task) -> Value {
    json!({
        "id": task.id, "state": task.state, "run": task.run, "created_at": rfc3339(task.created_at),
        "ended_at": task.ended_at.map(rfc3339), "failure": task.failure.as_ref().map(failure),
    })
}

/// One attempt of its history.
#[derive(Serialize)]
pub(super) struct AttemptBody<'t> {
    run: u32,
    claim_no: ClaimNo,
    worker: &'t str,
    started_at: String,
    ended_at: Option<String>,
    /// By the wall clock, as its two moments are; `null` while it goes on.
    duration_ms: Option<u64>,
    end: Option<&'static str>,
    reason: Option<Value>,
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
            end: end.map(AttemptEnd::as_str),
            reason: end.and_then(AttemptEnd::reason).map(failure),
            refunded: end.is_some_and(AttemptEnd::refunded),
        }
    }
}
