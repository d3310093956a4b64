//! Endpoints and their deliveries, as their callers see them: registered, listed, rotated, taken away; deliveries listed and sent again.
//! What belongs to another caller is answered like what is not there.

use std::time::Duration;

use actix::{ActorFutureExt, Context, Handler, Message, ResponseActFuture, WrapFuture};

use crate::actors::webhooks::{Unreachable, Webhooks, WebhooksDeps};
use crate::domain::access::Caller;
use crate::domain::faults;
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{Delivery, DeliveryId, Webhook, WebhookId, WebhookSecret, WebhookUrl};
use crate::stores::tasks::TaskStoreError;
use crate::stores::webhooks::{DeliveryPage, DeliveryQuery};

/// Why something about webhooks was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhooksError {
    /// No endpoint of that id, or none of the caller's.
    #[error("there is no webhook of that id; GET /v1/webhooks lists those that there are")]
    NotFound,
    /// The endpoint has no delivery of that id.
    #[error("the webhook has no delivery of that id; GET /v1/webhooks/{{id}}/deliveries lists those that it has")]
    NoSuchDelivery,
    /// Nothing would be sent there.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The caller has as many as one may have.
    #[error("you have {} webhooks, as many as one may have; delete one", Webhook::MAX)]
    TooMany,
    /// The system gave no randomness.
    #[error("the system has no randomness for a secret: {0}")]
    NoRandomness(String),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] TaskStoreError),
}

/// An endpoint that was registered or rotated: the one time that its secret is shown.
#[derive(Debug, Clone)]
pub struct ShownWebhook(pub Webhook);

/// The reply of a question about webhooks.
type Answer<T> = ResponseActFuture<Webhooks, Result<T, WebhooksError>>;

/// The endpoint, if the caller may know of it.
async fn visible(deps: &WebhooksDeps, caller: Caller, id: WebhookId) -> Result<Webhook, WebhooksError> {
    let webhook = deps.store.webhook(id).await?;
    webhook.filter(|webhook| caller.sees(webhook.caller)).ok_or(WebhooksError::NotFound)
}

fn secret() -> Result<WebhookSecret, WebhooksError> {
    WebhookSecret::random().map_err(|error| WebhooksError::NoRandomness(error.to_string()))
}

/// Registers an endpoint, where something would be sent to it as it looks now.
#[derive(Message)]
#[rtype(result = "Result<ShownWebhook, WebhooksError>")]
pub struct AddWebhook {
    /// Whose it will be.
    pub caller: Caller,
    /// Where it is.
    pub url: WebhookUrl,
}

impl Handler<AddWebhook> for Webhooks {
    type Result = Answer<ShownWebhook>;

    fn handle(&mut self, AddWebhook { caller, url }: AddWebhook, _: &mut Context<Self>) -> Self::Result {
        faults::point("webhooks.add_webhook");
        Box::pin(add(self.deps.clone(), caller, url).into_actor(self))
    }
}

async fn add(deps: WebhooksDeps, caller: Caller, url: WebhookUrl) -> Result<ShownWebhook, WebhooksError> {
    deps.courier.check(url.clone()).await?;
    let (id, secret, created_at) = (WebhookId::random(), secret()?, Timestamp::now());
    let webhook = Webhook { id, caller: caller.key(), url, secret, former: None, created_at };
    if deps.store.add(webhook.clone(), Webhook::MAX).await? { Ok(ShownWebhook(webhook)) } else { Err(WebhooksError::TooMany) }
}

/// The endpoints that the caller may know of, oldest first.
#[derive(Message)]
#[rtype(result = "Result<Vec<Webhook>, WebhooksError>")]
pub struct ListWebhooks {
    /// Who asks.
    pub caller: Caller,
}

impl Handler<ListWebhooks> for Webhooks {
    type Result = Answer<Vec<Webhook>>;

    fn handle(&mut self, ListWebhooks { caller }: ListWebhooks, _: &mut Context<Self>) -> Self::Result {
        let webhooks = self.deps.store.webhooks(caller.confined_to());
        Box::pin(async move { Ok(webhooks.await?) }.into_actor(self))
    }
}

/// One endpoint.
#[derive(Message)]
#[rtype(result = "Result<Webhook, WebhooksError>")]
pub struct FindWebhook {
    /// Who asks.
    pub caller: Caller,
    /// The endpoint.
    pub id: WebhookId,
}

impl Handler<FindWebhook> for Webhooks {
    type Result = Answer<Webhook>;

    fn handle(&mut self, FindWebhook { caller, id }: FindWebhook, _: &mut Context<Self>) -> Self::Result {
        let deps = self.deps.clone();
        Box::pin(async move { visible(&deps, caller, id).await }.into_actor(self))
    }
}

/// Gives an endpoint a new secret.
#[derive(Message)]
#[rtype(result = "Result<ShownWebhook, WebhooksError>")]
pub struct RotateWebhook {
    /// Who asks.
    pub caller: Caller,
    /// The endpoint.
    pub id: WebhookId,
    /// How long deliveries are signed with its present secret as well.
    pub overlap: Duration,
}

impl Handler<RotateWebhook> for Webhooks {
    type Result = Answer<ShownWebhook>;

    fn handle(&mut self, RotateWebhook { caller, id, overlap }: RotateWebhook, _: &mut Context<Self>) -> Self::Result {
        let deps = self.deps.clone();
        let rotated = async move {
            visible(&deps, caller, id).await?;
            let rotated = deps.store.rotate(id, secret()?, overlap).await?;
            rotated.map(ShownWebhook).ok_or(WebhooksError::NotFound)
        };
        Box::pin(rotated.into_actor(self))
    }
}

/// Takes an endpoint away, with everything that it was to be told.
#[derive(Message)]
#[rtype(result = "Result<(), WebhooksError>")]
pub struct RemoveWebhook {
    /// Who asks.
    pub caller: Caller,
    /// The endpoint.
    pub id: WebhookId,
}

impl Handler<RemoveWebhook> for Webhooks {
    type Result = Answer<()>;

    fn handle(&mut self, RemoveWebhook { caller, id }: RemoveWebhook, _: &mut Context<Self>) -> Self::Result {
        let deps = self.deps.clone();
        let removed = async move {
            visible(&deps, caller, id).await?;
            deps.store.remove(id).await?.then_some(()).ok_or(WebhooksError::NotFound)
        };
        Box::pin(removed.into_actor(self))
    }
}

/// A page of the deliveries of an endpoint, latest first.
#[derive(Message)]
#[rtype(result = "Result<DeliveryPage, WebhooksError>")]
pub struct DeliveriesOf {
    /// Who asks.
    pub caller: Caller,
    /// Which.
    pub query: DeliveryQuery,
}

impl Handler<DeliveriesOf> for Webhooks {
    type Result = Answer<DeliveryPage>;

    fn handle(&mut self, DeliveriesOf { caller, query }: DeliveriesOf, _: &mut Context<Self>) -> Self::Result {
        let deps = self.deps.clone();
        let page = async move {
            visible(&deps, caller, query.webhook).await?;
            Ok(deps.store.deliveries(query).await?)
        };
        Box::pin(page.into_actor(self))
    }
}

/// Sends a delivery again, from the beginning and at once, whatever became of it.
#[derive(Message)]
#[rtype(result = "Result<Delivery, WebhooksError>")]
pub struct ReplayDelivery {
    /// Who asks.
    pub caller: Caller,
    /// The endpoint.
    pub webhook: WebhookId,
    /// The delivery.
    pub delivery: DeliveryId,
}

impl Handler<ReplayDelivery> for Webhooks {
    type Result = Answer<Delivery>;

    fn handle(&mut self, ReplayDelivery { caller, webhook, delivery }: ReplayDelivery, _: &mut Context<Self>) -> Self::Result {
        let deps = self.deps.clone();
        let replayed = async move {
            visible(&deps, caller, webhook).await?;
            deps.store.replay(webhook, delivery).await?.ok_or(WebhooksError::NoSuchDelivery)
        };
        Box::pin(replayed.into_actor(self).map(|replayed, webhooks: &mut Webhooks, context| {
            webhooks.look(context);
            replayed
        }))
    }
}
