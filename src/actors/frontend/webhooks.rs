//! What the frontend can be asked about webhooks: a passage to them.

use actix::{Context, Handler, Message, ResponseActFuture, WrapFuture};

use crate::actors::frontend::{ASK_DEADLINE, Frontend, FrontendError, Services};
use crate::actors::webhooks::Webhooks;
use crate::domain::access::Caller;
use crate::domain::webhook::WebhookId;

pub use crate::actors::webhooks::{
    AddWebhook, DeliveriesOf, FindWebhook, ListWebhooks, RemoveWebhook, ReplayDelivery, RotateWebhook, ShownWebhook, WebhooksError,
};
pub use crate::stores::webhooks::{DeliveryPage, DeliveryQuery};

/// Asks the webhooks something.
pub struct AskWebhooks<M>(pub M);

impl<M: Message<Result = Result<T, WebhooksError>>, T: 'static> Message for AskWebhooks<M> {
    type Result = Result<T, FrontendError>;
}

impl<M, T> Handler<AskWebhooks<M>> for Frontend
where
    Webhooks: Handler<M>,
    M: Message<Result = Result<T, WebhooksError>> + Send + 'static,
    T: Send + 'static,
{
    type Result = ResponseActFuture<Self, Result<T, FrontendError>>;

    fn handle(&mut self, AskWebhooks(question): AskWebhooks<M>, _: &mut Context<Self>) -> Self::Result {
        let webhooks = self.services.webhooks.clone();
        Box::pin(async move { Ok(webhooks.send(question).timeout(ASK_DEADLINE).await??) }.into_actor(self))
    }
}

/// Whether the caller may name the webhook for a new task: only one that belongs to the same key, whatever else an admin sees.
///
/// # Errors
/// [`FrontendError::UnknownWebhook`].
pub(super) async fn is_own(services: &Services, caller: Caller, webhook: Option<WebhookId>) -> Result<(), FrontendError> {
    let Some(id) = webhook else { return Ok(()) };
    match services.webhooks.send(FindWebhook { caller, id }).timeout(ASK_DEADLINE).await? {
        Ok(webhook) if webhook.caller == caller.key() => Ok(()),
        Ok(_) | Err(WebhooksError::NotFound) => Err(FrontendError::UnknownWebhook(id)),
        Err(error) => Err(error.into()),
    }
}
