//! What every store of webhooks promises: endpoints, and an outbox of deliveries. Deliveries are written by the store of tasks, in the
//! transaction of the change that they tell of, so that an end that is durable is told, whatever happens next.

use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::json;

use crate::domain::access::KeyId;
use crate::domain::task::Task;
use crate::domain::webhook::{Attempted, Delivery, DeliveryId, Occasion, Patience, Webhook, WebhookId, WebhookSecret};
use crate::stores::tasks::TaskStoreError;

/// Writes what an endpoint is sent, from the task as it is when it has ended.
pub type Letter = fn(Occasion, &Task) -> String;

/// A letter that names the task and no more.
#[must_use]
pub fn plain_letter(occasion: Occasion, task: &Task) -> String {
    json!({ "type": occasion.as_str(), "data": { "id": task.id, "state": task.state, "run": task.run } }).to_string()
}

/// A store of webhooks and of what they are to be told. Replies mean that the commit is durable.
pub trait WebhookStore: Send + Sync {
    /// Keeps a new endpoint; `false` if its caller has `max` of them already.
    fn add(&self, webhook: Webhook, max: u64) -> BoxFuture<'static, Result<bool, TaskStoreError>>;

    /// One endpoint.
    fn webhook(&self, id: WebhookId) -> BoxFuture<'static, Result<Option<Webhook>, TaskStoreError>>;

    /// The endpoints of a key, or all of them, oldest first.
    fn webhooks(&self, of: Option<KeyId>) -> BoxFuture<'static, Result<Vec<Webhook>, TaskStoreError>>;

    /// Gives an endpoint a new secret ([`Webhook::rotated`]) and replies with it as it is now.
    fn rotate(
        &self,
        id: WebhookId,
        secret: WebhookSecret,
        overlap: Duration,
    ) -> BoxFuture<'static, Result<Option<Webhook>, TaskStoreError>>;

    /// Takes an endpoint away, with everything that it was to be told; says whether it was there.
    fn remove(&self, id: WebhookId) -> BoxFuture<'static, Result<bool, TaskStoreError>>;

    /// Deliveries whose time has come and that this server may take: those that it has taken, and of each endpoint so many of those that
    /// are due longest that not more than `each` are taken by all servers together; at most [`MAX_DUE`] in all. They stay due until they
    /// are settled.
    fn due(&self, each: usize) -> BoxFuture<'static, Result<Vec<Due>, TaskStoreError>>;

    /// Takes deliveries that are due, for a minute, and those that this server has already for another one; replies with those that are
    /// its own now. Only what is taken may be sent. However many servers that share the store ask at once, each delivery is taken by one of
    /// them, and of an endpoint at most `each` by all of them together. What is settled is taken no more.
    fn take(&self, asked: Vec<Due>, each: usize) -> BoxFuture<'static, Result<Vec<Due>, TaskStoreError>>;

    /// A delivery that waits, with its endpoint; `None` if it waits no more.
    fn load(&self, id: DeliveryId) -> BoxFuture<'static, Result<Option<(Webhook, Delivery)>, TaskStoreError>>;

    /// Writes what an attempt came to ([`Delivery::after`]) and replies with the delivery as it is now; `None` if it is gone.
    fn settle(&self, settlement: Settlement) -> BoxFuture<'static, Result<Option<Delivery>, TaskStoreError>>;

    /// One page of the deliveries of an endpoint, latest first.
    fn deliveries(&self, query: DeliveryQuery) -> BoxFuture<'static, Result<DeliveryPage, TaskStoreError>>;

    /// Lets a delivery of an endpoint be sent anew ([`Delivery::replayed`]); `None` if there is none of that name.
    fn replay(&self, webhook: WebhookId, id: DeliveryId) -> BoxFuture<'static, Result<Option<Delivery>, TaskStoreError>>;

    /// Forgets deliveries that ended longer ago, at most [`MAX_DUE`] at a time; replies how many.
    fn forget(&self, keep: Duration) -> BoxFuture<'static, Result<u64, TaskStoreError>>;
}

/// How many deliveries are handled at once.
pub const MAX_DUE: usize = 4096;

/// A delivery whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub delivery: DeliveryId,
    /// Where it goes.
    pub webhook: WebhookId,
}

/// What an attempt came to, and what follows from it.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The delivery.
    pub delivery: DeliveryId,
    /// What the attempt came to.
    pub attempted: Attempted,
    /// How long it is tried.
    pub patience: Patience,
    /// From 0 to 1: where in its span the pause lies.
    pub luck: f64,
}

/// Asks for one page of deliveries.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryQuery {
    /// The endpoint.
    pub webhook: WebhookId,
    /// Only those before this place.
    pub before: Option<u64>,
    /// At most so many; engines cap it at [`DeliveryQuery::MAX_LIMIT`], and 0 reads as 1.
    pub limit: usize,
}

impl DeliveryQuery {
    /// The longest page.
    pub const MAX_LIMIT: usize = 1000;
}

/// One page of deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryPage {
    /// Latest first.
    pub deliveries: Vec<Delivery>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<u64>,
}
