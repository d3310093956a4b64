//! What may be done to a task: cancel, run again, delete.

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path, Payload, ReqData};

use crate::actors::frontend::{Cancel, Delete, Retry};
use crate::domain::access::Caller;
use crate::http::problem::Problem;
use crate::http::tasks::bodies::TaskBody;
use crate::http::tasks::named;
use crate::http::{ANSWER_DEADLINE, HttpState, body};

/// `POST /v1/tasks/{id}/cancel`: 200 and the task, cancelled for good and its work stopped; 409 `wrong_state` if it had ended before.
pub(crate) async fn cancel(
    state: Data<HttpState>,
    caller: ReqData<Caller>,
    id: Path<String>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    body::discard(payload, &state.uploads).await?;
    let task = state.frontend.send(Cancel { caller: *caller, id: named(&id)? }).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::Ok().json(TaskBody::from(&task)))
}

/// `POST /v1/tasks/{id}/retry`: 202 and the task in its new run; 409 `wrong_state` unless it had failed or was cancelled.
pub(crate) async fn retry(
    state: Data<HttpState>,
    caller: ReqData<Caller>,
    id: Path<String>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    body::discard(payload, &state.uploads).await?;
    let task = state.frontend.send(Retry { caller: *caller, id: named(&id)? }).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::Accepted().insert_header((LOCATION, format!("/v1/tasks/{}", task.id))).json(TaskBody::from(&task)))
}

/// `DELETE /v1/tasks/{id}`: 204 once nobody can see the task any more, also if it was not there.
pub(crate) async fn delete(state: Data<HttpState>, caller: ReqData<Caller>, id: Path<String>) -> Result<HttpResponse, Problem> {
    state.frontend.send(Delete { caller: *caller, id: named(&id)? }).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::NoContent().finish())
}
