//! Who asks: lets in who may use a route, and tells handlers that take a `ReqData<Caller>` who it is.

use std::any::Any;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::rt::net::UnixStream;
use actix_web::web::{Data, Payload};
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError};

use crate::actors::frontend::FrontendError;
use crate::domain::access::Caller;
use crate::domain::error_code::ErrorCode;
use crate::domain::faults;
use crate::http::body::SharedBody;
use crate::http::problem::Problem;
use crate::http::{Access, HttpState, panics};

/// Marks a connection through the socket in the data directory, which only the server's own user can open.
struct OperatorConnection;

/// Notes of each new connection where it came in.
pub fn note_connection(connection: &dyn Any, data: &mut Extensions) {
    if connection.is::<UnixStream>() {
        data.insert(OperatorConnection);
    }
}

/// Middleware of a route: refuses who may not use it, before the body is read, and tells its handler who asks. A handler that panics has an
/// answer, too.
pub(super) async fn identify(
    access: Access,
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    if access != Access::Open {
        match admit(request.request(), access) {
            Ok(caller) => drop(request.extensions_mut().insert(caller)),
            Err(problem) => {
                // A payload can always be taken once.
                let body = SharedBody::new(request.extract::<Payload>().await?);
                let answer = body.refused_with(refusal(request.request(), &problem));
                return Ok(request.into_response(answer).map_into_right_body());
            }
        }
    }
    let answered = request.request().clone();
    let handled = async {
        faults::point("http.handler");
        next.call(request).await
    };
    match panics::caught(&answered, handled).await {
        Ok(handled) => handled.map(ServiceResponse::map_into_left_body),
        Err(defect) => Ok(ServiceResponse::new(answered, defect).map_into_right_body()),
    }
}

/// What a client is told that has come to a server without clients.
const MISDIRECTED: &str = "this server works on images that others take (server.role is \"work\"): send the request to one whose role is \"serve\" \
                           or \"all\"";

/// The refusal in the words of the route: plain on a classic one.
pub(super) fn refusal(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    if request.path().starts_with("/v1/") { problem.error_response() } else { problem.classic(request, problem.to_string()) }
}

fn admit(request: &HttpRequest, access: Access) -> Result<Caller, Problem> {
    let state = request.app_data::<Data<HttpState>>().expect("the state is registered with the routes");
    if !state.role.serves() && !access.is_operators() {
        return Err(Problem::new(ErrorCode::Misdirected, MISDIRECTED));
    }
    if request.conn_data::<OperatorConnection>().is_some() {
        return Ok(Caller::LOCAL);
    }
    let scope = if let Access::Scope(scope) = access { Some(scope) } else { None };
    Ok(state.gate.admit(bearer(request), scope).map_err(FrontendError::from)?)
}

/// The token of `Authorization: Bearer ...` (RFC 6750, 2.1); the name of the scheme is written in any case.
fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_token_follows_its_scheme() {
        for (header, token) in [
            ("Bearer slk_x", Some("slk_x")),
            ("bearer  slk_x ", Some("slk_x")),
            ("Basic dXNlcg==", None),
            ("slk_x", None),
            ("Bearer", None),
        ] {
            let request = TestRequest::default().insert_header((AUTHORIZATION, header)).to_http_request();
            assert_eq!(bearer(&request), token, "{header}");
        }
        assert_eq!(bearer(&TestRequest::default().to_http_request()), None);
    }
}
