//! A request id on every response and on the log line of every request.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use uuid::Uuid;

/// The header that carries the id.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Middleware: gives the request an id, sends it back and logs one line with it.
///
/// # Errors
/// Whatever stands between this and the handler fails with; a handler's own error is a response here.
pub async fn request_id(request: ServiceRequest, next: Next<impl MessageBody>) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = Uuid::new_v4().as_simple().to_string();
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let mut response = next.call(request).await?;
    let status = response.status().as_u16();
    log::info!(request_id = id.as_str(), method = method.as_str(), path = path.as_str(), status; "request answered");
    let value = HeaderValue::from_str(&id).expect("hexadecimal digits are a header value");
    response.headers_mut().insert(X_REQUEST_ID, value);
    Ok(response)
}
