//! New tasks: an image with what is to be made of it, as a raw body or as a form.

use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::http::header::{HeaderName, LOCATION, RETRY_AFTER};
use actix_web::web::{Data, Payload, Query, ReqData};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::actors::frontend::{AcceptedTask, FrontendError, NewImage, ReadParameters, Submission, TaskView, await_end};
use crate::domain::access::Caller;
use crate::domain::error_code::ErrorCode;
use crate::domain::pipeline::Accepted;
use crate::domain::task::{IdempotencyKey, InvalidIdempotencyKey};
use crate::domain::timestamp::Timestamp;
use crate::http::body::{self, BodyClock, SharedBody};
use crate::http::prefer::Prefer;
use crate::http::problem::Problem;
use crate::http::tasks::{bodies::HistoryBody, fields::Fields};
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

/// The task as it was accepted, as it is after a wait, or, of an upload that was sent before, as it is now.
async fn answer(state: &HttpState, caller: Caller, prefer: Prefer, accepted: AcceptedTask) -> HttpResponse {
    let AcceptedTask { task, ready_in, replayed } = accepted;
    let wait = prefer.wait(state.watch.longest_wait);
    let read = match wait.or(replayed.then_some(Duration::ZERO)) {
        // The task is there, whatever becomes of the wait for it: one that is refused is a preference that was not applied.
        Some(wait) => await_end(&state.frontend, &state.lookup, caller, task.id, wait).await.ok(),
        None => None,
    };
    let waited = wait.filter(|_| read.is_some());
    let view = read.unwrap_or(TaskView { task, attempts: Vec::new() });
    let is_open = view.task.state.is_open();
    let mut response = if waited.is_some() && !is_open { HttpResponse::Ok() } else { HttpResponse::Accepted() };
    response.insert_header((LOCATION, format!("/v1/tasks/{}", view.task.id)));
    prefer.tell(waited, &mut response);
    if replayed {
        response.insert_header((IDEMPOTENT_REPLAYED, "true"));
    }
    let mut body = HistoryBody::from(&view);
    if is_open {
        body.estimated_ready_at = Some(ready_in.map(|wait| rfc3339(Timestamp::now().after(wait))));
        response.insert_header((RETRY_AFTER, ready_in.unwrap_or_default().max(SOONEST).as_secs_f64().ceil() as u64));
    }
    response.json(body)
}

/// Says that an upload was sent before, and that its task is the one of the first time.
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

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
    let new_image = NewImage {
        caller,
        parameters: fields.parameters(accepted)?,
        length: length.filter(|_| !is_form),
        at_most: length,
        idempotency_key: idempotency_key(request)?,
    };
    let submission = state.frontend.send(new_image).timeout(ANSWER_DEADLINE).await??;
    if is_form {
        Form { state, caller, clock, accepted, fields, submission, heard: Heard::default() }
            .read(Multipart::new(request.headers(), body))
            .await
    } else {
        body::pump(body, submission.into_upload(), &clock).await
    }
}

/// The key under which the client may send the upload again.
fn idempotency_key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = request.headers().get_all("idempotency-key");
    let Some(value) = values.next() else { return Ok(None) };
    // A value that is no text is no key either.
    let key: Result<IdempotencyKey, InvalidIdempotencyKey> = value.to_str().unwrap_or_default().parse();
    match (key, values.next()) {
        (Ok(key), None) => Ok(Some(key)),
        (Ok(_), Some(_)) => Err(Problem::new(ErrorCode::InvalidRequest, "Idempotency-Key is given twice; give it once")),
        (Err(error), _) => Err(Problem::new(ErrorCode::InvalidRequest, format!("Idempotency-Key: {error}"))),
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
    caller: Caller,
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
            let understood =
                self.state.frontend.send(ReadParameters { caller: self.caller, parameters }).timeout(ANSWER_DEADLINE).await??;
            self.submission.amend(understood);
        }
        Ok(())
    }
}
