//! Tasks, one file per subject.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | one task with its history |
//! | `bodies` | tasks and attempts as JSON |
//! | `submit`, `fields` | new tasks, and what is said about them |
//! | `life` | cancel, retry, delete |
//! | `list` | pages of tasks |
//! | `files` | the original and the results of a task |

pub(super) mod bodies;
mod fields;
mod files;
mod life;
mod list;
mod submit;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, ReqData};

use crate::actors::frontend::{FrontendError, GetTask, await_end};
use crate::domain::access::Caller;
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::TaskId;
use crate::domain::pipeline::{InvalidVariantName, VariantName};
use crate::http::HttpState;
use crate::http::prefer::Prefer;
use crate::http::problem::Problem;
use bodies::HistoryBody;

pub(crate) use files::{get_original, get_result, get_variant};
pub(crate) use life::{cancel, delete, retry};
pub(crate) use list::list;
pub(crate) use submit::submit;

/// The task of a path; a text that is no id names none.
pub(super) fn named(id: &str) -> Result<TaskId, Problem> {
    id.parse().map_err(|_| FrontendError::NotFound.into())
}

/// The name of a variant; a text that is none names nothing that is there.
pub(super) fn variant(name: &str) -> Result<VariantName, Problem> {
    name.parse().map_err(|error: InvalidVariantName| Problem::new(ErrorCode::NotFound, error.to_string()))
}

/// `GET /v1/tasks/{id}`: the task and every attempt at it; with `Prefer: wait=10` once it has ended, or as it is after so many seconds.
pub(crate) async fn get(
    state: Data<HttpState>,
    caller: ReqData<Caller>,
    prefer: Prefer,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = named(&id)?;
    let wait = prefer.wait(state.watch.longest_wait);
    let view = match wait {
        Some(wait) => await_end(&state.frontend, &state.lookup, *caller, id, wait).await?,
        None => state.lookup.ask(GetTask { caller: *caller, id }).await?,
    };
    let mut response = HttpResponse::Ok();
    prefer.tell(wait, &mut response);
    Ok(response.json(HistoryBody::from(&view)))
}
