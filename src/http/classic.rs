//! The classic routes: upload, ask, download, with plain words for answers (JSON where `Accept` asks for it).

use actix_web::web::{Data, Payload, Query, ReqData};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;

use crate::actors::frontend::{FrontendError, GetImage, IsReady, NewImage, Parameters, Part, Readiness, Wanted};
use crate::domain::access::Caller;
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::TaskId;
use crate::domain::pipeline::VariantName;
use crate::domain::task::Priority;
use crate::http::body::SharedBody;
use crate::http::problem::Problem;
use crate::http::tasks::variant;
use crate::http::{ANSWER_DEADLINE, HttpState, accept, body, download};

/// The query of [`new_image`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewImageQuery {
    /// A pipeline in either form, or the name of a preset.
    pipeline: Option<String>,
    /// Pipelines by the names of their results, in either form.
    variants: Option<String>,
}

impl NewImageQuery {
    fn wanted(self) -> Result<Wanted, Problem> {
        match (self.pipeline, self.variants) {
            (None, None) => Ok(Wanted::Default),
            (Some(pipeline), None) => Ok(Wanted::Pipeline(pipeline)),
            (None, Some(variants)) => Ok(Wanted::Variants(variants)),
            (Some(_), Some(_)) => {
                let detail = "give a pipeline or variants, not both; a pipeline can be one of the variants";
                Err(Problem::new(ErrorCode::InvalidRequest, detail))
            }
        }
    }
}

/// `POST /newImage?pipeline=` or `?variants=`: 202 and the id, once the bytes and the task are durable.
pub(crate) async fn new_image(
    state: Data<HttpState>,
    caller: ReqData<Caller>,
    request: HttpRequest,
    query: Query<NewImageQuery>,
    payload: Payload,
) -> HttpResponse {
    let body = SharedBody::new(payload);
    match accept_image(&state, *caller, &request, query.into_inner(), body.clone()).await {
        Ok(id) if accept::wants_json(&request) => HttpResponse::Accepted()
            .json(json!({ "id": id, "is_ready": format!("/image/isReady?id={id}"), "image": format!("/image/get?id={id}") })),
        Ok(id) => HttpResponse::Accepted().content_type("text/plain; charset=utf-8").body(id.to_string()),
        Err(problem) => body.refused_with(problem.classic(&request, problem.to_string())),
    }
}

/// Admission first, then the body: a refusal costs the client no upload.
async fn accept_image(
    state: &HttpState,
    caller: Caller,
    request: &HttpRequest,
    query: NewImageQuery,
    body: SharedBody,
) -> Result<TaskId, Problem> {
    let clock = body::BodyClock::start(&state.uploads);
    let length = body::announced_length(request, state.uploads.max_bytes)?;
    if length == Some(0) {
        return Err(FrontendError::EmptyBody.into());
    }
    // A form's length counts its framing as well: no length of the file, but a bound on it.
    let exact = length.filter(|_| !body::is_multipart(request));
    let parameters = Parameters {
        wanted: query.wanted()?,
        accepted: accept::images(request),
        metadata: None,
        priority: Priority::Normal,
        expires_in: None,
        webhook: None,
    };
    let new_image = NewImage { caller, parameters, length: exact, at_most: length, idempotency_key: None };
    let submission = state.frontend.send(new_image).timeout(ANSWER_DEADLINE).await??;
    Ok(body::receive(request, body, submission.into_upload(), &clock).await?.task.id)
}

/// The query that names a task, and one of its results where it has several.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdQuery {
    id: String,
    variant: Option<String>,
}

impl IdQuery {
    /// A text that is no id names no task.
    fn parse(&self) -> Result<TaskId, Problem> {
        self.id.parse().map_err(|_| FrontendError::NotFound.into())
    }

    fn variant(&self) -> Result<Option<VariantName>, Problem> {
        self.variant.as_deref().map(variant).transpose()
    }
}

/// `GET /image/isReady?id=&variant=`: `in progress`, `finished` or `failed: <code>`.
pub(crate) async fn is_ready(state: Data<HttpState>, caller: ReqData<Caller>, request: HttpRequest, query: Query<IdQuery>) -> HttpResponse {
    let readiness = async {
        let question = IsReady { caller: *caller, id: query.parse()?, variant: query.variant()? };
        Ok::<_, Problem>(state.lookup.ask(question).await?)
    };
    match readiness.await {
        Ok(readiness) if accept::wants_json(&request) => HttpResponse::Ok().json(json!({ "id": query.id, "state": readiness.to_string() })),
        Ok(readiness) => HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(readiness.to_string()),
        Err(problem) => problem.classic(&request, classic_word(&problem)),
    }
}

/// `GET /image/get?id=&variant=`: a processed image.
pub(crate) async fn get_image(
    state: Data<HttpState>,
    caller: ReqData<Caller>,
    request: HttpRequest,
    query: Query<IdQuery>,
) -> HttpResponse {
    let image = async {
        Ok::<_, Problem>(
            state
                .frontend
                .send(GetImage { caller: *caller, id: query.parse()?, part: Part::Result(query.variant()?.unwrap_or_default()) })
                .timeout(ANSWER_DEADLINE)
                .await??,
        )
    };
    match image.await {
        Ok(image) => download::image(&request, image),
        Err(problem) => {
            // Here a task that was cancelled has failed like any other that has no result.
            let problem = Problem { task_failed: problem.task_failed || problem.code == ErrorCode::Cancelled, ..problem };
            problem.classic(&request, classic_word(&problem))
        }
    }
}

/// The plain words that the classic routes promise, and the sentence of everything else.
fn classic_word(problem: &Problem) -> String {
    match problem.code {
        ErrorCode::NotFound => "not found".into(),
        ErrorCode::InProgress => Readiness::InProgress.to_string(),
        code if problem.task_failed => Readiness::Failed(code).to_string(),
        _ => problem.to_string(),
    }
}
