//! The servers that share the database.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::actors::frontend::{FrontendError, ListNodes};
use crate::domain::node::Node;
use crate::http::problem::Problem;
use crate::http::time::rfc3339;
use crate::http::{ANSWER_DEADLINE, HttpState};

/// One server as operators see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Node)]
pub(crate) struct NodeBody<'n> {
    /// Its name: the content of the file `node` in its data directory.
    id: &'n str,
    /// What it is for.
    #[schema(pattern = "^(all|serve|work)$")]
    role: &'static str,
    /// `silent`: it was not heard when it should have been.
    #[schema(pattern = "^(running|draining|silent)$")]
    state: &'static str,
    /// The version of its program.
    version: &'n str,
    /// Where it listens.
    address: &'n str,
    #[schema(format = DateTime)]
    started_at: String,
    /// When it was heard last, by the database's clock.
    #[schema(format = DateTime)]
    last_heard: String,
    /// How many workers it has.
    workers: u32,
    /// How many of them have a task in hand.
    busy: u32,
    /// Whether it is the one that cleans up.
    janitor: bool,
}

impl<'n> From<&'n Node> for NodeBody<'n> {
    fn from(node: &'n Node) -> Self {
        let told = &node.told;
        Self {
            id: &told.node,
            role: told.role.as_str(),
            state: node.state().as_str(),
            version: &told.version,
            address: &told.address,
            started_at: rfc3339(node.started_at),
            last_heard: rfc3339(node.heard_at),
            workers: told.workers,
            busy: told.busy,
            janitor: node.is_janitor,
        }
    }
}

/// `GET /v1/nodes`: every server that was not forgotten, in the order of their names.
pub(crate) async fn list(state: Data<HttpState>) -> Result<HttpResponse, Problem> {
    let nodes = state.frontend.send(ListNodes).timeout(ANSWER_DEADLINE).await??;
    let bodies: Vec<NodeBody<'_>> = nodes.iter().map(NodeBody::from).collect();
    Ok(HttpResponse::Ok().json(json!({ "nodes": bodies })))
}

/// `GET /v1/nodes/{id}/tree`: the supervision tree of one of them in short, as it told it last.
pub(crate) async fn tree(state: Data<HttpState>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let nodes = state.frontend.send(ListNodes).timeout(ANSWER_DEADLINE).await??;
    let node = nodes.into_iter().find(|node| node.told.node == *id).ok_or(FrontendError::NoSuchNode)?;
    Ok(HttpResponse::Ok().json(node.told.tree))
}
