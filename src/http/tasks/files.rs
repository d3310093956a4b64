//! The files of a task: its original and its results.

use actix_web::web::{Data, Path, ReqData};
use actix_web::{HttpRequest, HttpResponse};

use crate::actors::frontend::{GetImage, Part};
use crate::domain::access::Caller;
use crate::domain::pipeline::VariantName;
use crate::http::problem::Problem;
use crate::http::tasks::{named, variant};
use crate::http::{ANSWER_DEADLINE, HttpState, download};

/// `GET /v1/tasks/{id}/variants/{name}`: one result, as soon as it is there.
pub(crate) async fn get_variant(
    state: Data<HttpState>,
    caller: ReqData<Caller>,
    request: HttpRequest,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, name) = path.into_inner();
    send(&state, *caller, &request, &id, Part::Result(variant(&name)?)).await
}

/// `GET /v1/tasks/{id}/result`: the result of a task that has one.
pub(crate) async fn get_result(
    state: Data<HttpState>,
    caller: ReqData<Caller>,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    send(&state, *caller, &request, &id, Part::Result(VariantName::RESULT)).await
}

/// `GET /v1/tasks/{id}/original`: the image as it was uploaded.
pub(crate) async fn get_original(
    state: Data<HttpState>,
    caller: ReqData<Caller>,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    send(&state, *caller, &request, &id, Part::Original).await
}

async fn send(state: &HttpState, caller: Caller, request: &HttpRequest, id: &str, part: Part) -> Result<HttpResponse, Problem> {
    let image = state.frontend.send(GetImage { caller, id: named(id)?, part }).timeout(ANSWER_DEADLINE).await??;
    Ok(download::image(request, image))
}
