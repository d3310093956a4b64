//! One operation: what it takes, what it answers, and what every operation can answer beside that.

use std::collections::BTreeMap;
use std::fmt;

use actix_web::http::Method;
use utoipa::openapi::link::Link;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, Header, RefOr, Required, Response, ResponseBuilder, ResponsesBuilder, Schema};

use crate::domain::error_code::ErrorCode;
use crate::http::Access;
use crate::http::openapi::KEY;
use crate::http::openapi::schemas::{self, text};
use crate::http::problem::PROBLEM_JSON;

/// A schema, or the name of one.
pub(super) type AnySchema = RefOr<Schema>;

/// What an operation takes and answers.
pub(super) struct Described {
    method: Method,
    path: &'static str,
    operation: OperationBuilder,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    answers: BTreeMap<u16, ResponseBuilder>,
    problems: Vec<ErrorCode>,
    /// Whether the answer is known without asking an actor.
    asks_nobody: bool,
    /// Whether problems are plain words unless JSON is asked for.
    is_classic: bool,
}

impl fmt::Debug for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Described {
    /// The operation of a method on a path; `id` is its name among programs.
    pub(super) fn new(method: Method, path: &'static str, tag: &str, id: &str, summary: &str) -> Self {
        let operation = OperationBuilder::new().tag(tag).operation_id(Some(id)).summary(Some(summary));
        let (parameters, answers, problems) = (Vec::new(), BTreeMap::new(), Vec::new());
        Self { method, path, operation, parameters, body: None, answers, problems, asks_nobody: false, is_classic: false }
    }

    /// Whether it is the operation of this route.
    pub(super) fn is(&self, method: &Method, path: &str) -> bool {
        self.method == *method && self.path == path
    }

    /// Says more than the summary.
    pub(super) fn about(mut self, description: &str) -> Self {
        self.operation = self.operation.description(Some(description));
        self
    }

    /// The answer is always at hand.
    pub(super) fn asks_nobody(mut self) -> Self {
        self.asks_nobody = true;
        self
    }

    /// Problems are plain words here.
    pub(super) fn classic(mut self) -> Self {
        self.is_classic = true;
        self
    }

    /// A part of the path.
    pub(super) fn path(self, name: &str, about: &str, schema: impl Into<AnySchema>) -> Self {
        self.parameter(ParameterIn::Path, name, about, Required::True, schema.into())
    }

    /// A part of the query that may be left out.
    pub(super) fn query(self, name: &str, about: &str, schema: impl Into<AnySchema>) -> Self {
        self.parameter(ParameterIn::Query, name, about, Required::False, schema.into())
    }

    /// A part of the query that must be there.
    pub(super) fn required_query(self, name: &str, about: &str, schema: impl Into<AnySchema>) -> Self {
        self.parameter(ParameterIn::Query, name, about, Required::True, schema.into())
    }

    /// A header that may be left out.
    pub(super) fn header(self, name: &str, about: &str, schema: impl Into<AnySchema>) -> Self {
        self.parameter(ParameterIn::Header, name, about, Required::False, schema.into())
    }

    fn parameter(mut self, place: ParameterIn, name: &str, about: &str, required: Required, schema: AnySchema) -> Self {
        let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required).description(Some(about));
        self.parameters.push(parameter.schema(Some(schema)).build());
        self
    }

    /// The body, of one of these media types.
    pub(super) fn body(mut self, required: Required, contents: Vec<(&str, Content)>) -> Self {
        let body = RequestBodyBuilder::new().required(Some(required));
        self.body = Some(contents.into_iter().fold(body, |body, (media_type, content)| body.content(media_type, content)).build());
        self
    }

    /// A body of JSON.
    pub(super) fn json_body(self, required: Required, schema: impl Into<AnySchema>) -> Self {
        self.body(required, vec![("application/json", Content::new(Some(schema.into())))])
    }

    /// A good answer without a body.
    pub(super) fn answer(mut self, status: u16, about: &str) -> Self {
        self.answers.insert(status, ResponseBuilder::new().description(about));
        self
    }

    /// A good answer of JSON.
    pub(super) fn json(self, status: u16, about: &str, schema: impl Into<AnySchema>) -> Self {
        self.answer(status, about).content(status, "application/json", schema)
    }

    /// A further form of an answer.
    pub(super) fn content(self, status: u16, media_type: &str, schema: impl Into<AnySchema>) -> Self {
        let content = Content::new(Some(schema.into()));
        self.with(status, |answer| answer.content(media_type, content))
    }

    /// A header of an answer.
    pub(super) fn answer_header(self, status: u16, name: &str, about: &str) -> Self {
        let header = header(about);
        self.with(status, |answer| answer.header(name, header))
    }

    /// What can be asked next about what an answer tells: an operation, and where its parameter is found.
    pub(super) fn link(self, status: u16, operation: &str, parameter: &str, expression: &str) -> Self {
        let link = Link::builder().operation_id(operation).parameter(parameter, expression).build();
        self.with(status, |answer| answer.link(operation, link))
    }

    fn with(mut self, status: u16, change: impl FnOnce(ResponseBuilder) -> ResponseBuilder) -> Self {
        let answer = self.answers.remove(&status).unwrap_or_default();
        self.answers.insert(status, change(answer));
        self
    }

    /// What it is refused or fails with, beside what everything can.
    pub(super) fn problems(mut self, codes: &[ErrorCode]) -> Self {
        self.problems.extend(codes);
        self
    }

    /// The operation with what its access and its being one bring along.
    pub(super) fn build(mut self, access: Access) -> Operation {
        self.problems.push(ErrorCode::Internal);
        if !self.asks_nobody {
            self.problems.push(ErrorCode::Unavailable);
        }
        if access != Access::Open {
            self.problems.extend([ErrorCode::Unauthorized, ErrorCode::TooManyRequests]);
        }
        if matches!(access, Access::Scope(_)) {
            self.problems.push(ErrorCode::MissingScope);
        }
        let mut responses = ResponsesBuilder::new();
        let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
        for code in &self.problems {
            let codes = by_status.entry(code.status()).or_default();
            if !codes.contains(code) {
                codes.push(*code);
            }
        }
        for (status, answer) in self.answers {
            responses = responses.response(status.to_string(), answer.header("X-Request-Id", header("The id of the request.")).build());
        }
        for (status, codes) in by_status {
            responses = responses.response(status.to_string(), problem(status, &codes, self.is_classic));
        }
        let mut operation = self.operation.parameters(Some(self.parameters)).request_body(self.body).responses(responses.build()).build();
        let needed = || SecurityRequirement::new(KEY, Vec::<String>::new());
        operation.security = Some(if access == Access::Open { Vec::new() } else { vec![needed()] });
        operation
    }
}

fn header(about: &str) -> Header {
    Header::builder().schema(Some(text())).description(Some(about)).build()
}

/// The answer with a status, which any of these codes can have.
fn problem(status: u16, codes: &[ErrorCode], is_classic: bool) -> Response {
    let about: Vec<String> = codes.iter().map(|code| format!("`{code}`: {}", code.title())).collect();
    let content = || Content::new(Some(schemas::problem()));
    let mut response = ResponseBuilder::new().description(about.join(" ")).content(PROBLEM_JSON, content());
    if is_classic {
        response = response.content("text/plain", Content::new(Some(text())));
    }
    if matches!(status, 429 | 503 | 507) {
        response = response.header("Retry-After", header("Seconds until trying again makes sense."));
    }
    if matches!(status, 401 | 403) {
        response = response.header("WWW-Authenticate", header("What is missing (RFC 6750)."));
    }
    response.header("X-Request-Id", header("The id of the request.")).build()
}
