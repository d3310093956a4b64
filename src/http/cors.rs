//! Cross-origin requests: pages of the configured origins may use the server from a browser, with a key in `Authorization`.

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName};
use actix_web::middleware::Condition;

use crate::config::Origins;

/// What such a page may read of an answer beside what every page may (Fetch, "CORS-safelisted response-header name").
const EXPOSED: [HeaderName; 10] = [
    header::ACCEPT_RANGES,
    header::CONTENT_DISPOSITION,
    header::CONTENT_RANGE,
    header::ETAG,
    header::LINK,
    header::LOCATION,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("preference-applied"),
    HeaderName::from_static("x-request-id"),
];

/// What such a page may send beside what every page may.
const ALLOWED: [HeaderName; 10] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::RANGE,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("prefer"),
    HeaderName::from_static("x-request-id"),
];

/// How long a browser may remember what it may do, in seconds.
const MAX_AGE: usize = 3600;

/// Middleware: answers preflights and marks answers for the pages of `origins`; off where there are none. No cookies are involved.
#[must_use]
pub fn cors(origins: &Origins) -> Condition<Cors> {
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE];
    let cors = Cors::default().allowed_methods(methods).allowed_headers(ALLOWED).expose_headers(EXPOSED.iter()).max_age(MAX_AGE);
    let cors = match origins {
        Origins::None => cors,
        Origins::Any => cors.allow_any_origin().send_wildcard(),
        Origins::Listed(listed) => listed.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)),
    };
    Condition::new(*origins != Origins::None, cors)
}
