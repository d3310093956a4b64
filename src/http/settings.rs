//! The key-values: system keys that change the running server, and the user's own keys.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Payload};
use serde_json::{Value, json};

use crate::actors::frontend::{DeleteSetting, GetSetting, ListSettings, PutSetting};
use crate::http::problem::Problem;
use crate::http::{ANSWER_DEADLINE, HttpState, body};

/// `GET /v1/settings`: every key that is set, and every system key with the value in force.
pub(crate) async fn list(state: Data<HttpState>) -> Result<HttpResponse, Problem> {
    let settings = state.frontend.send(ListSettings).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::Ok().json(json!({ "settings": settings })))
}

/// `GET /v1/settings/{key}`.
pub(crate) async fn get(state: Data<HttpState>, key: Path<String>) -> Result<HttpResponse, Problem> {
    let setting = state.frontend.send(GetSetting { key: key.into_inner() }).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::Ok().json(setting))
}

/// `PUT /v1/settings/{key}`: the body is the value as JSON; a body that is no JSON is taken as a text.
pub(crate) async fn put(state: Data<HttpState>, key: Path<String>, payload: Payload) -> Result<HttpResponse, Problem> {
    let bytes = body::small(payload, &state.uploads).await?;
    let value = serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes).trim()));
    let setting = state.frontend.send(PutSetting { key: key.into_inner(), value }).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::Ok().json(setting))
}

/// `DELETE /v1/settings/{key}`: a system key falls back to the configuration.
pub(crate) async fn delete(state: Data<HttpState>, key: Path<String>) -> Result<HttpResponse, Problem> {
    state.frontend.send(DeleteSetting { key: key.into_inner() }).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::NoContent().finish())
}
