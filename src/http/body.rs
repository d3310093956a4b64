//! Request bodies: pumps an image into an upload chunk by chunk, with a deadline on every wait.
//!
//! actix-web itself never gives up on a body that stops arriving, so every read here has two clocks: one for silence,
//! one for the whole.

use std::cell::RefCell;
use std::error::Error;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, mime};
use futures::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout, timeout_at};

use crate::actors::frontend::{FrontendError, Upload};
use crate::config::UploadConfig;
use crate::domain::error_code::ErrorCode;
use crate::http::problem::Problem;

/// The clocks of one body.
pub(crate) struct BodyClock {
    idle: Duration,
    end: Instant,
}

impl BodyClock {
    /// Starts the clocks.
    pub(crate) fn start(config: &UploadConfig) -> Self {
        Self { idle: config.idle_timeout, end: Instant::now() + config.total_timeout }
    }

    /// The next item of `stream`, or the problem of waiting too long for it.
    pub(crate) async fn next<S: Stream + Unpin>(&self, stream: &mut S) -> Result<Option<S::Item>, Problem> {
        match timeout_at(self.end, timeout(self.idle, stream.next())).await {
            Ok(Ok(item)) => Ok(item),
            Ok(Err(_)) => Err(stalled(format!("no byte of the body arrived for {} s; send it again", self.idle.as_secs_f32()))),
            Err(_) => Err(stalled("the body took longer than this server waits for one; send it again".into())),
        }
    }
}

fn stalled(detail: String) -> Problem {
    Problem::new(ErrorCode::UploadTimeout, detail)
}

/// The length that the request announces, refused at once when it exceeds `max`.
pub(crate) fn announced_length(request: &HttpRequest, max: u64) -> Result<Option<u64>, Problem> {
    let Some(value) = request.headers().get(actix_web::http::header::CONTENT_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.parse::<u64>().ok());
    match length {
        Some(length) if length > max => Err(FrontendError::TooLarge { max }.into()),
        Some(length) => Ok(Some(length)),
        None => Err(Problem::new(ErrorCode::InvalidRequest, "Content-Length is not a number")),
    }
}

/// Whether the body is a multipart form rather than the image itself.
pub(crate) fn is_multipart(request: &HttpRequest) -> bool {
    request.headers().get(actix_web::http::header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"multipart/form-data"))
}

/// The body of an upload, of which the answer keeps a share.
#[derive(Clone)]
pub(crate) struct SharedBody(Rc<RefCell<Payload>>);

impl SharedBody {
    /// Shares `payload`.
    pub(crate) fn new(payload: Payload) -> Self {
        Self(Rc::new(RefCell::new(payload)))
    }

    /// The answer to a body that was not read to its end; the connection closes after it.
    ///
    /// actix-web closes, within a deadline, where the rest of a body is still held when the answer is sent. A chunked
    /// body that was dropped it goes on reading instead, and may miss the moment to do so: the client then waits for ever.
    pub(crate) fn refused_with(self, response: HttpResponse) -> HttpResponse {
        response.map_body(|_, answer| BoxBody::new(Refusal { answer, _request: self }))
    }
}

impl Stream for SharedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().poll_next_unpin(context)
    }
}

/// An answer that holds the request's body until it is sent.
struct Refusal {
    answer: BoxBody,
    _request: SharedBody,
}

impl MessageBody for Refusal {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().answer).poll_next(context)
    }
}

/// Pumps the body into the upload and waits for the acknowledgement, once bytes and row are durable.
pub(crate) async fn receive<T>(request: &HttpRequest, body: SharedBody, upload: Upload<T>, clock: &BodyClock) -> Result<T, Problem> {
    if is_multipart(request) { receive_multipart(request, body, upload, clock).await } else { pump(body, upload, clock).await }
}

/// Pumps one stream of bytes into the upload and waits for the acknowledgement.
pub(crate) async fn pump<S, E, T>(mut body: S, mut upload: Upload<T>, clock: &BodyClock) -> Result<T, Problem>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::fmt::Display,
{
    while let Some(chunk) = clock.next(&mut body).await? {
        upload.write(chunk.map_err(broken)?).await?;
    }
    Ok(upload.finish().await?)
}

/// Takes the first part that carries a file.
async fn receive_multipart<T>(request: &HttpRequest, body: SharedBody, upload: Upload<T>, clock: &BodyClock) -> Result<T, Problem> {
    let mut parts = Multipart::new(request.headers(), body);
    while let Some(part) = clock.next(&mut parts).await? {
        let mut part = part.map_err(broken)?;
        if is_file(&part) {
            return pump(part, upload, clock).await;
        }
        while let Some(chunk) = clock.next(&mut part).await? {
            chunk.map_err(broken)?;
        }
    }
    Err(Problem::new(ErrorCode::InvalidRequest, "the form has no part with a file; send the image as a part with a filename"))
}

/// A part with a filename is a file, and so is one that is called `image` or `file`.
fn is_file(part: &actix_multipart::Field) -> bool {
    part.content_disposition().is_some_and(|header| header.get_filename().is_some()) || matches!(part.name(), Some("image" | "file"))
}

/// The client broke off or sent nonsense.
pub(crate) fn broken(error: impl std::fmt::Display) -> Problem {
    Problem::new(ErrorCode::InvalidRequest, format!("the body could not be read: {error}"))
}

/// A small body, whole: a setting or a command.
pub(crate) async fn small(payload: Payload, config: &UploadConfig) -> Result<Bytes, Problem> {
    whole(payload, &BodyClock::start(config)).await
}

/// Reads a body that means nothing here: one that is left unread would close the connection.
pub(crate) async fn discard(payload: Payload, config: &UploadConfig) -> Result<(), Problem> {
    small(payload, config).await.map(drop)
}

/// A small body or part of one, whole.
pub(crate) async fn whole<S, E>(mut body: S, clock: &BodyClock) -> Result<Bytes, Problem>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::fmt::Display,
{
    let mut bytes = actix_web::web::BytesMut::new();
    while let Some(chunk) = clock.next(&mut body).await? {
        bytes.extend_from_slice(&chunk.map_err(broken)?);
        if bytes.len() > SMALL_BODY {
            return Err(Problem::new(ErrorCode::PayloadTooLarge, format!("the value is longer than {SMALL_BODY} bytes")));
        }
    }
    Ok(bytes.freeze())
}

/// The most that [`whole`] reads, in bytes.
const SMALL_BODY: usize = 64 * 1024;

/// A small body as JSON. Another media type is refused: pages of other sites may send what a form can send, and JSON is not among it.
pub(crate) async fn json<T: DeserializeOwned>(request: &HttpRequest, payload: Payload, config: &UploadConfig) -> Result<T, Problem> {
    let empty = || Problem::new(ErrorCode::EmptyBody, "the body is empty; send JSON");
    optional_json(request, payload, config).await?.ok_or_else(empty)
}

/// The same where nothing may be said.
pub(crate) async fn optional_json<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: Payload,
    config: &UploadConfig,
) -> Result<Option<T>, Problem> {
    let bytes = small(payload, config).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if request.content_type() != mime::APPLICATION_JSON.as_ref() {
        let detail = format!("expected Content-Type: {}", mime::APPLICATION_JSON);
        return Err(Problem::new(ErrorCode::UnsupportedMediaType, detail));
    }
    let invalid = |error| Problem::new(ErrorCode::InvalidRequest, format!("the body is not what is expected: {error}"));
    // An object and nothing else: `serde` would take a list of its values, too.
    let object: Map<String, Value> = serde_json::from_slice(&bytes).map_err(invalid)?;
    serde_json::from_value(Value::Object(object)).map(Some).map_err(invalid)
}
