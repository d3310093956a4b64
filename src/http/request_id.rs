//! A request id on every response and on the log line of every request: the client's own, where it sends one, or a new one.

use std::fmt;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest};
use log::Level;

/// The header that carries the id.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a client.
const MAX_LENGTH: usize = 128;

/// The id of a request: letters, digits, `-`, `_`, `.`, so that it can do no harm in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestId(String);

impl RequestId {
    /// A new one. It names a request to its client and in the log, and opens nothing: that it could be guessed does no harm, so it costs no
    /// call of the system.
    fn random() -> Self {
        Self(uuid::Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes()).into_uuid().as_simple().to_string())
    }

    /// The client's, if it can be used.
    fn sent(header: &HeaderValue) -> Option<Self> {
        let is_legible = |text: &&str| {
            let bytes = text.as_bytes();
            (1..=MAX_LENGTH).contains(&bytes.len())
                && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        header.to_str().ok().filter(is_legible).map(|text| Self(text.to_owned()))
    }

    /// That of a request on its way.
    pub(super) fn of(request: &HttpRequest) -> Self {
        request.extensions().get().cloned().unwrap_or_else(Self::random)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Middleware: gives the request an id, sends it back and logs one line with it: at `info`, of a question that was answered at `debug`.
///
/// # Errors
/// Whatever stands between this and the handler fails with; a handler's own error is a response here.
pub async fn request_id(request: ServiceRequest, next: Next<impl MessageBody>) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = request.headers().get(X_REQUEST_ID).and_then(RequestId::sent).unwrap_or_else(RequestId::random);
    let method = request.method().clone();
    request.extensions_mut().insert(id.clone());
    let mut response = next.call(request).await?;
    let level = level(&method, response.status());
    if log::log_enabled!(level) {
        let status = response.status().as_u16();
        log::log!(level, request_id:% = id, method = method.as_str(), path = response.request().path(), status; "request answered");
    }
    let value = HeaderValue::from_str(&id.0).expect("letters, digits and a few marks are a header value");
    response.headers_mut().insert(X_REQUEST_ID, value);
    Ok(response)
}

/// What changes something, or was not done, is worth a line by default; what asks and is answered, over and over, is not.
fn level(method: &Method, status: StatusCode) -> Level {
    let is_routine = method.is_safe() && !(status.is_client_error() || status.is_server_error());
    if is_routine { Level::Debug } else { Level::Info }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_id_is_taken_where_it_can_do_no_harm() {
        let sent = |text: &[u8]| RequestId::sent(&HeaderValue::from_bytes(text).expect("a header value")).map(|id| id.0);
        for good in ["a", "67e55044-10b1-426f-9247-bb680e5fe0c8", "trace_1.2", &"x".repeat(128)] {
            assert_eq!(sent(good.as_bytes()).as_deref(), Some(good));
        }
        for bad in ["", "a b", "a\"b", "a\tb", "\u{e4}", &"x".repeat(129)] {
            assert_eq!(sent(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn polling_does_not_fill_the_log() {
        for (method, status, expected) in [
            (Method::GET, StatusCode::OK, Level::Debug),
            (Method::HEAD, StatusCode::NOT_MODIFIED, Level::Debug),
            (Method::GET, StatusCode::NOT_FOUND, Level::Info),
            (Method::GET, StatusCode::SERVICE_UNAVAILABLE, Level::Info),
            (Method::POST, StatusCode::ACCEPTED, Level::Info),
            (Method::DELETE, StatusCode::NO_CONTENT, Level::Info),
        ] {
            assert_eq!(level(&method, status), expected, "{method} {status}");
        }
    }
}
