//! Errors over HTTP: `application/problem+json` (RFC 9457), and the one mapping from a service's error to it.

use std::fmt;
use std::time::Duration;

use actix::MailboxError;
use actix_web::error::{InternalError, PathError, QueryPayloadError};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, ContentType, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::web::{PathConfig, QueryConfig};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::actors::frontend::{FrontendError, NotAdmitted};
use crate::domain::error_code::ErrorCode;
use crate::http::accept;

/// The media type of [`Problem`]s.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// A problem as it is written (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'p> {
    /// `urn:safelight:error:` and the code.
    r#type: String,
    /// A sentence about the code.
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// The stable word that programs compare.
    #[schema(value_type = String)]
    code: ErrorCode,
    /// What happened this time and what to do about it.
    detail: &'p str,
    /// Whether the same request may succeed later without being changed.
    retryable: bool,
}

/// A refusal or failure as its client sees it.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    /// The public code; gives status and title.
    pub(crate) code: ErrorCode,
    /// What happened this time and what to do about it.
    pub(crate) detail: String,
    /// When trying again makes sense.
    pub(crate) retry_after: Option<Duration>,
    /// What the client must show to be let in (RFC 6750, 3).
    pub(crate) challenge: Option<String>,
    /// The request was fine, and the answer is that the task failed with this code.
    pub(crate) task_failed: bool,
}

impl Problem {
    /// A problem with nothing but a code and a sentence.
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after: None, challenge: None, task_failed: false }
    }

    /// The status to answer with.
    pub(crate) fn status(&self) -> StatusCode {
        if self.task_failed {
            return StatusCode::UNPROCESSABLE_ENTITY;
        }
        StatusCode::from_u16(self.code.status()).expect("the table of codes holds statuses from 400 to 599 (tested there)")
    }

    /// The answer with `body` in the given media type and the headers that belong to the problem.
    fn answer(&self, content_type: &str, body: String) -> HttpResponse {
        let mut response = HttpResponse::build(self.status());
        if let Some(wait) = self.retry_after {
            response.insert_header((RETRY_AFTER, wait.as_millis().div_ceil(1000).max(1).to_string()));
        }
        if let Some(challenge) = &self.challenge {
            response.insert_header((WWW_AUTHENTICATE, challenge.as_str()));
        }
        response.content_type(content_type).body(body)
    }

    /// The answer on a classic route: `word` as plain text, or problem+json where `Accept` asks for JSON.
    pub(crate) fn classic(&self, request: &HttpRequest, word: impl Into<String>) -> HttpResponse {
        if accept::wants_json(request) { self.error_response() } else { self.answer(ContentType::plaintext().as_ref(), word.into()) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        let body = ProblemBody {
            r#type: format!("urn:safelight:error:{}", self.code),
            title: self.code.title(),
            status: self.status().as_u16(),
            code: self.code,
            detail: &self.detail,
            retryable: self.code.retryable(),
        };
        self.answer(PROBLEM_JSON, serde_json::to_string(&body).expect("texts and numbers can be written as JSON"))
    }
}

impl From<FrontendError> for Problem {
    fn from(error: FrontendError) -> Self {
        let task_failed = matches!(error, FrontendError::Failed(_));
        let challenge = if let FrontendError::NotAdmitted(why) = &error { challenge(*why) } else { None };
        Self { code: error.code(), detail: error.to_string(), retry_after: error.retry_after(), challenge, task_failed }
    }
}

/// What `WWW-Authenticate` says to who was not let in.
fn challenge(why: NotAdmitted) -> Option<String> {
    const REALM: &str = r#"Bearer realm="safelight""#;
    match why {
        NotAdmitted::NoKey => Some(REALM.to_owned()),
        NotAdmitted::Invalid(_) | NotAdmitted::NotGood(_) => Some(format!(r#"{REALM}, error="invalid_token""#)),
        NotAdmitted::MissingScope(scope) => Some(format!(r#"{REALM}, error="insufficient_scope", scope="{scope}""#)),
        NotAdmitted::TooOften { .. } => None,
    }
}

impl From<MailboxError> for Problem {
    fn from(_: MailboxError) -> Self {
        FrontendError::Unavailable.into()
    }
}

/// A query string that does not parse is a problem like any other.
pub(crate) fn query_config() -> QueryConfig {
    QueryConfig::default().error_handler(|error: QueryPayloadError, request| {
        let problem = Problem::new(ErrorCode::InvalidRequest, error.to_string());
        let is_classic = !request.path().starts_with("/v1/");
        let response = if is_classic { problem.classic(request, problem.to_string()) } else { problem.error_response() };
        InternalError::from_response(error, response).into()
    })
}

/// A path with a part that cannot be read names nothing that is there.
pub(crate) fn path_config() -> PathConfig {
    PathConfig::default().error_handler(|error: PathError, _| {
        let response = Problem::new(ErrorCode::NotFound, error.to_string()).error_response();
        InternalError::from_response(error, response).into()
    })
}

/// Answers whatever no route matches.
pub(crate) async fn no_route(request: HttpRequest) -> HttpResponse {
    Problem::new(ErrorCode::NotFound, format!("no route {} {}; the routes are listed in the README", request.method(), request.path()))
        .error_response()
}

/// Answers a method that the path does not know; `allow` lists those it does.
pub(crate) fn method_not_allowed(request: &HttpRequest, allow: &str) -> HttpResponse {
    let detail = format!("{} cannot be used on {}; use {allow}", request.method(), request.path());
    let mut response = Problem::new(ErrorCode::MethodNotAllowed, detail).error_response();
    let allow = HeaderValue::from_str(allow).expect("names of methods are a header value");
    response.headers_mut().insert(ALLOW, allow);
    response
}
