//! Test servers only (feature `faults`): arms a failpoint of the running server.

use actix_web::HttpResponse;
use actix_web::web::Path;

use crate::domain::error_code::ErrorCode;
use crate::http::problem::Problem;

/// `PUT /v1/faults/{point}`: the body is an action such as `1*panic`.
pub(crate) async fn arm(point: Path<String>, action: String) -> Result<HttpResponse, Problem> {
    fail::cfg(point.into_inner(), &action).map_err(|error| Problem::new(ErrorCode::InvalidRequest, error))?;
    Ok(HttpResponse::NoContent().finish())
}
