//! New tasks: an image with what is to be made of it, as a raw body or as a form.

use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::http::header::{LOCATION, RETRY_AFTER};
use actix_web::web::{Data, Payload, Query, ReqData};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde_json::json;

use crate::actors::frontend::{AcceptedTask, FrontendError, NewImage, ReadParameters, Submission, TaskView, await_end};
use crate::domain::access::Caller;
use crate::domain::error_code::ErrorCode;
use crate::domain::pipeline::Accepted;
use crate::http::body::{self, BodyClock, SharedBody};
use crate::http::prefer::Prefer;
use crate::http::problem::Problem;
use crate::http::tasks::{self, fields::Fields};
use crate::http::time::rfc3339;
use crate::http::{ANSWER_DEADLINE, HttpState, accept};

/// `POST /v1/tasks`: 202 and the task, once the bytes and the task are durable; with `Prefer: wait=10` 200 and the task once it has ended,
/// if it ends within so many seconds.
pub(crate) async fn submit(
    state: Data<HttpState>,
    request: HttpRequest,
    caller: ReqData<Caller>,
    prefer: Prefer,
    query: Query<Fields>,
    payload: Payload,
) -> HttpResponse {
    let body = SharedBody::new(payload);
    match take(&state, *caller, &request, query.into_inner(), body.clone()).await {
        Ok(accepted) => answer(&state, *caller, prefer, accepted).await,
        Err(problem) => body.refused_with(problem.error_response()),
    }
}

/// The task as it was accepted, or as it is after a wait.
async fn answer(state: &HttpState, caller: Caller, prefer: Prefer, AcceptedTask { task, ready_in }: AcceptedTask) -> HttpResponse {
    let wait = prefer.wait(state.watch.longest_wait);
    let waited = match wait {
        // The task is there, whatever becomes of the wait for it: one that is refused is a preference that was not applied.
        Some(wait) => await_end(&state.frontend, caller, task.id, wait).await.ok(),
        None => None,
    };
    let wait = wait.filter(|_| waited.is_some());
    let view = waited.unwrap_or(TaskView { task, attempts: Vec::new() });
    let has_ended = view.task.state.is_terminal();
    let mut response = if has_ended { HttpResponse::Ok() } else { HttpResponse::Accepted() };
    response.insert_header((LOCATION, format!("/v1/tasks/{}", view.task.id)));
    prefer.tell(wait, &mut response);
    let mut body = tasks::body(&view);
    if !has_ended {
        body["estimated_ready_at"] = json!(ready_in.map(|wait| rfc3339(view.task.created_at.after(wait))));
        response.insert_header((RETRY_AFTER, ready_in.unwrap_or_default().max(SOONEST).as_secs_f64().ceil() as u64));
    }
    response.json(body)
}

/// What a client is told at least to wait before it asks about a task.
const SOONEST: Duration = Duration::from_secs(1);

/// Admission first, then the body: a refusal costs the client no upload.
async fn take(state: &HttpState, caller: Caller, request: &HttpRequest, fields: Fields, body: SharedBody) -> Result<AcceptedTask, Problem> {
    let clock = BodyClock::start(&state.uploads);
    let length = body::announced_length(request, state.uploads.max_bytes)?;
    if length == Some(0) {
        return Err(FrontendError::EmptyBody.into());
    }
    let accepted = accept::images(request);
    let is_form = body::is_multipart(request);
    // A form's length counts its framing as well: no length of the file, but a bound on it.
    let new_image = NewImage { caller, parameters: fields.parameters(accepted)?, length: length.filter(|_| !is_form), at_most: length };
    let submission = state.frontend.send(new_image).timeout(ANSWER_DEADLINE).await??;
    if is_form {
        Form { state, clock, accepted, fields, submission, heard: Heard::default() }.read(Multipart::new(request.headers(), body)).await
    } else {
        body::pump(body, submission.into_upload(), &clock).await
    }
}

/// What of a form has arrived.
#[derive(Default)]
struct Heard {
    /// The image, or its beginning.
    image: bool,
    /// Something about it that the submission does not know yet.
    news: bool,
}

/// A form on its way in. Its parts may come in any order: a slip in one before the image is told before the image is read, one behind it
/// afterwards.
struct Form<'s> {
    state: &'s HttpState,
    clock: BodyClock,
    accepted: Accepted,
    fields: Fields,
    submission: Submission,
    heard: Heard,
}

impl Form<'_> {
    /// Reads the form to its end and waits for the acknowledgement.
    async fn read(mut self, mut parts: Multipart) -> Result<AcceptedTask, Problem> {
        while let Some(part) = self.clock.next(&mut parts).await? {
            let part = part.map_err(body::broken)?;
            match part.name() {
                Some("image") => self.image(part).await?,
                name => {
                    let name = name.unwrap_or_default().to_owned();
                    self.field(&name, part).await?;
                }
            }
        }
        if !self.heard.image {
            return Err(Problem::new(ErrorCode::InvalidRequest, "the form has no image; send it as a part called image"));
        }
        self.amend().await?;
        Ok(self.submission.into_upload().finish().await?)
    }

    async fn image(&mut self, mut part: actix_multipart::Field) -> Result<(), Problem> {
        if self.heard.image {
            return Err(Problem::new(ErrorCode::InvalidRequest, "the form has two images; send a form for each"));
        }
        self.heard.image = true;
        self.amend().await?;
        while let Some(chunk) = self.clock.next(&mut part).await? {
            self.submission.write(chunk.map_err(body::broken)?).await?;
        }
        Ok(())
    }

    async fn field(&mut self, name: &str, part: actix_multipart::Field) -> Result<(), Problem> {
        let bytes = body::whole(part, &self.clock).await?;
        let text = String::from_utf8(bytes.into()).map_err(|_| Problem::new(ErrorCode::InvalidRequest, format!("{name} is not UTF-8")))?;
        self.heard.news = true;
        self.fields.set(name, text)
    }

    /// Lets the submission know what was said since it was opened.
    async fn amend(&mut self) -> Result<(), Problem> {
        if std::mem::take(&mut self.heard.news) {
            let parameters = self.fields.parameters(self.accepted)?;
            let understood = self.state.frontend.send(ReadParameters(parameters)).timeout(ANSWER_DEADLINE).await??;
            self.submission.amend(understood);
        }
        Ok(())
    }
}
