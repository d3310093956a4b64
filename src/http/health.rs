//! Health: `livez` says that actors answer, `readyz` that the server takes work.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use crate::actors::frontend::GetReadiness;
use crate::http::problem::Problem;
use crate::http::{ANSWER_DEADLINE, HttpState};

/// `GET /livez`: 200 while the frontend actor answers.
pub(crate) async fn livez(state: Data<HttpState>) -> Result<HttpResponse, Problem> {
    // A draining server is alive: only silence is death.
    let _ = state.frontend.send(GetReadiness).timeout(ANSWER_DEADLINE).await?;
    Ok(HttpResponse::Ok().json(json!({ "status": "alive" })))
}

/// `GET /readyz`: 200 while new images are accepted, 503 while the server drains or a service is away.
pub(crate) async fn readyz(state: Data<HttpState>) -> Result<HttpResponse, Problem> {
    state.frontend.send(GetReadiness).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
}
