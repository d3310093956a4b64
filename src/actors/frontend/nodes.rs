//! What the frontend can be asked about the servers: a passage to the nodes.

use actix::{Context, Handler, Message, ResponseActFuture, WrapFuture};

use crate::actors::frontend::{ASK_DEADLINE, Frontend, FrontendError};
use crate::actors::nodes::AllNodes;
use crate::domain::node::Node;

/// Asks for every server that shares the database.
#[derive(Message)]
#[rtype(result = "Result<Vec<Node>, FrontendError>")]
pub struct ListNodes;

impl Handler<ListNodes> for Frontend {
    type Result = ResponseActFuture<Self, Result<Vec<Node>, FrontendError>>;

    fn handle(&mut self, _: ListNodes, _: &mut Context<Self>) -> Self::Result {
        let nodes = self.services.nodes.clone();
        Box::pin(async move { Ok(nodes.send(AllNodes).timeout(ASK_DEADLINE).await??) }.into_actor(self))
    }
}
