//! The supervision tree as JSON.

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::actors::supervision::Tree;
use crate::http::problem::Problem;
use crate::http::{ANSWER_DEADLINE, HttpState};

/// `GET /v1/tree`: every supervisor and actor with its state, restarts, last failure, latency and own counters.
///
/// It asks the root, not the frontend: the tree must show while the frontend itself is being restarted.
pub(crate) async fn get(state: Data<HttpState>) -> Result<HttpResponse, Problem> {
    let tree = state.tree.send(Tree::default()).timeout(ANSWER_DEADLINE).await?;
    Ok(HttpResponse::Ok().json(tree))
}
