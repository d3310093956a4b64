//! Tasks as JSON: one with its history, and pages of them; the results of a task by name.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::actors::frontend::{FrontendError, GetImage, GetTask, ListTasks, TaskCursor, TaskQuery, TaskView};
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::{ClaimNo, TaskId};
use crate::domain::pipeline::{InvalidVariantName, Pipeline, VariantName};
use crate::domain::probe::ImageProbe;
use crate::domain::task::{Attempt, AttemptEnd, Failure, Task, TaskResult, TaskState};
use crate::http::problem::Problem;
use crate::http::time::rfc3339;
use crate::http::{ANSWER_DEADLINE, HttpState, download};

/// Tasks on a page unless the client asks for another number, and at most.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

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
struct TaskBody<'t> {
    id: TaskId,
    state: TaskState,
    run: u32,
    /// Of a task that was given one; its result is `result`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline: Option<&'t Pipeline>,
    /// Of a task that was given several.
    #[serde(skip_serializing_if = "Option::is_none")]
    variants: Option<Value>,
    attempts_used: u32,
    created_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
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
            attempts_used: task.attempts,
            created_at: rfc3339(task.created_at),
            started_at: task.started_at.map(rfc3339),
            ended_at: task.ended_at.map(rfc3339),
            original: json!({ "format": task.input_format, "bytes": task.original.len, "sha256": task.original.sha256 }),
            probe: task.probe.as_ref(),
            result: task.results.get(&VariantName::RESULT).map(result),
            failure: task.failure.as_ref().map(failure),
        }
    }
}

/// One attempt of its history.
#[derive(Serialize)]
struct AttemptBody<'t> {
    run: u32,
    claim_no: ClaimNo,
    worker: &'t str,
    started_at: String,
    ended_at: Option<String>,
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
            end: end.map(AttemptEnd::as_str),
            reason: end.and_then(AttemptEnd::reason).map(failure),
            refunded: end.is_some_and(AttemptEnd::refunded),
        }
    }
}

/// `GET /v1/tasks/{id}`: the task and every attempt at it.
pub(crate) async fn get(state: Data<HttpState>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: TaskId = id.parse().map_err(|_| FrontendError::NotFound)?;
    let TaskView { task, attempts } = state.frontend.send(GetTask { id }).timeout(ANSWER_DEADLINE).await??;
    let mut body = json!(TaskBody::from(&task));
    body["attempts"] = attempts.iter().map(|attempt| json!(AttemptBody::from(attempt))).collect();
    Ok(HttpResponse::Ok().json(body))
}

/// The name of a variant; a text that is none names nothing that is there.
pub(super) fn variant(name: &str) -> Result<VariantName, Problem> {
    name.parse().map_err(|error: InvalidVariantName| Problem::new(ErrorCode::NotFound, error.to_string()))
}

/// `GET /v1/tasks/{id}/variants/{name}`: one result, as soon as it is there.
pub(crate) async fn get_variant(state: Data<HttpState>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (id, name) = path.into_inner();
    let id: TaskId = id.parse().map_err(|_| FrontendError::NotFound)?;
    let image = state.frontend.send(GetImage { id, variant: variant(&name)? }).timeout(ANSWER_DEADLINE).await??;
    Ok(download::image(image))
}

/// The query of [`list`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    state: Option<String>,
    cursor: Option<u64>,
    limit: Option<usize>,
}

impl ListQuery {
    fn parse(&self) -> Result<TaskQuery, Problem> {
        let state = self.state.as_deref().map(str::parse::<TaskState>).transpose();
        let state = state.map_err(|error| Problem::new(ErrorCode::InvalidRequest, error.to_string()))?;
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Problem::new(ErrorCode::InvalidRequest, format!("limit must be from 1 to {MAX_LIMIT}")));
        }
        Ok(TaskQuery { state, after: self.cursor.map(TaskCursor), limit })
    }
}

/// `GET /v1/tasks?state=&cursor=&limit=`: ids and states, oldest first; `next` is the cursor of the page after.
pub(crate) async fn list(state: Data<HttpState>, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    let page = state.frontend.send(ListTasks(query.parse()?)).timeout(ANSWER_DEADLINE).await??;
    let tasks: Vec<Value> = page.tasks.iter().map(|task| json!({ "id": task.id, "state": task.state, "run": task.run })).collect();
    Ok(HttpResponse::Ok().json(json!({ "tasks": tasks, "next": page.next.map(|cursor| cursor.0) })))
}
