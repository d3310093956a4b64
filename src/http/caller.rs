//! Who asks: handlers that take a `ReqData<Caller>` are told.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};

use crate::domain::access::Caller;
use crate::http::Access;

/// Middleware of a route: tells its handler who asks. Whoever reaches a server without keys is its operator.
pub(super) async fn identify(
    access: Access,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if let Access::Scope(_) = access {
        request.extensions_mut().insert(Caller::LOCAL);
    }
    next.call(request).await
}
