//! A panic in a handler is a defect of the server, and is answered as one; without this its client would see a closed connection.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::header::{CONNECTION, HeaderValue};
use futures::FutureExt;

use crate::domain::error_code::ErrorCode;
use crate::http::caller::refusal;
use crate::http::problem::Problem;
use crate::http::request_id::RequestId;

/// What `handler` answers; `Err` is the answer to its panic. A handler keeps nothing between requests, so nothing is left half-done by it.
pub(super) async fn caught<T>(request: &HttpRequest, handler: impl Future<Output = T>) -> Result<T, HttpResponse> {
    AssertUnwindSafe(handler).catch_unwind().await.map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(ToString::to_string).or_else(|| payload.downcast_ref::<String>().cloned());
        let request_id = RequestId::of(request);
        log::error!(request_id:% = request_id, path = request.path(), panic:% = text.unwrap_or_default(); "a handler panicked");
        let detail = "this request met a defect of the server, which is logged under the request id of this answer";
        let mut answer = refusal(request, &Problem::new(ErrorCode::Internal, detail));
        // The rest of the body is in nobody's hand any more.
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        answer
    })
}
