//! The files of a task: its results by name.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, ReqData};

use crate::actors::frontend::GetImage;
use crate::domain::access::Caller;
use crate::http::problem::Problem;
use crate::http::tasks::{named, variant};
use crate::http::{ANSWER_DEADLINE, HttpState, download};

/// `GET /v1/tasks/{id}/variants/{name}`: one result, as soon as it is there.
pub(crate) async fn get_variant(
    state: Data<HttpState>,
    caller: ReqData<Caller>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, name) = path.into_inner();
    let wanted = GetImage { caller: *caller, id: named(&id)?, variant: variant(&name)? };
    let image = state.frontend.send(wanted).timeout(ANSWER_DEADLINE).await??;
    Ok(download::image(image))
}
