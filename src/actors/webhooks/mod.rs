//! Webhooks: tells endpoints when tasks have ended, until they have taken it.
//!
//! What is to be told stands in the store, written with the change that it tells of; news of the task database only say that there may be
//! more. A delivery that was sent, but whose outcome was not kept, is sent again: at least once, under the same id.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | the actor: looks for what is due, takes of it what it can send, sends it, keeps what came of it |
//! | `registry` | endpoints and their deliveries, as their callers see them |
//! | `flights` | which deliveries go next |
//! | `courier` | one attempt, over HTTP |
//! | `guard` | where it may not go |

mod courier;
mod flights;
mod guard;
mod registry;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, ResponseActFuture, Supervised, WrapFuture, fut};
use serde_json::json;

use crate::actors::supervision::{Details, InitResult, Service};
use crate::actors::task_db::{ChangedElsewhere, TasksChanged};
use crate::domain::faults;
use crate::domain::webhook::{Attempted, Patience};
use crate::stores::hints::Hint;
use crate::stores::tasks::TaskStoreError;
use crate::stores::webhooks::{Due, Settlement, WebhookStore};

pub use courier::{Courier, Reach, Unreachable};
pub use flights::FlightLimits;
use flights::Flights;
pub use registry::{
    AddWebhook, DeliveriesOf, FindWebhook, ListWebhooks, RemoveWebhook, ReplayDelivery, RotateWebhook, ShownWebhook, WebhooksError,
};

/// How often the store is looked through without any news: pauses end, and news may be lost.
const TICK: Duration = Duration::from_secs(1);

/// How often deliveries that ended long ago are forgotten.
const FORGET: Duration = Duration::from_mins(1);

/// The pause after the store did not do what the actor needs.
const AGAIN: Duration = Duration::from_secs(1);

/// What the actor needs; the same over restarts.
#[derive(Clone)]
pub struct WebhooksDeps {
    /// Endpoints and deliveries.
    pub store: Arc<dyn WebhookStore>,
    /// What sends them.
    pub courier: Courier,
    /// How many at a time.
    pub limits: FlightLimits,
    /// How long each is tried.
    pub patience: Patience,
    /// How long those that have ended are kept.
    pub keep: Duration,
    /// Whether this server sends any: one without clients leaves them to those that have some, so that it needs no way to the endpoints.
    pub sends: bool,
}

/// The actor. What was under way when it fails is sent again.
pub struct Webhooks {
    deps: WebhooksDeps,
    flights: Flights,
    looking: bool,
    /// News came while the store was asked.
    again: bool,
    counters: WebhooksCounters,
}

/// What the actor counts since its last start.
#[derive(Debug, Default, Clone, Copy)]
struct WebhooksCounters {
    taken: u64,
    not_taken: u64,
    forgotten: u64,
}

impl Webhooks {
    /// One that has sent nothing yet.
    #[must_use]
    pub fn new(deps: WebhooksDeps) -> Self {
        let flights = Flights::new(deps.limits);
        Self { deps, flights, looking: false, again: false, counters: WebhooksCounters::default() }
    }

    /// Looks for what is due; once at a time.
    fn look(&mut self, context: &mut Context<Self>) {
        if !self.deps.sends {
            return;
        }
        if self.looking {
            self.again = true;
            return;
        }
        self.looking = true;
        let due = self.deps.store.due(self.deps.limits.each);
        context.spawn(due.into_actor(self).map(|due, webhooks, context| webhooks.looked(due, context)));
    }

    fn looked(&mut self, due: Result<Vec<Due>, TaskStoreError>, context: &mut Context<Self>) {
        faults::point("webhooks.looked");
        match due {
            Ok(due) => self.take(&due, context),
            Err(error) => {
                // The tick tries again.
                log::warn!(error:% = error; "deliveries could not be read");
                self.has_looked(context);
            }
        }
    }

    /// Takes what there is room for, and no more: what lay here and waited would be kept from servers that have room. What is under way is
    /// taken for longer.
    fn take(&mut self, due: &[Due], context: &mut Context<Self>) {
        let chosen = self.flights.choose(due);
        let under_way = self.flights.under_way();
        if under_way.is_empty() {
            return self.has_looked(context);
        }
        let taken = self.deps.store.take(under_way, self.deps.limits.each);
        context.spawn(taken.into_actor(self).map(move |taken, webhooks, context| webhooks.has_taken(&chosen, taken, context)));
    }

    /// Sends what was chosen and is this server's. Where another one was faster, there may be something else now that is due.
    fn has_taken(&mut self, chosen: &[Due], taken: Result<Vec<Due>, TaskStoreError>, context: &mut Context<Self>) {
        let taken = taken.inspect_err(|error| log::warn!(error:%; "deliveries could not be taken; the tick tries again"));
        let (known, taken) = (taken.is_ok(), taken.unwrap_or_default());
        for due in chosen {
            if taken.contains(due) {
                self.send(*due, context);
            } else {
                self.flights.landed(*due, None);
                self.again |= known;
            }
        }
        self.has_looked(context);
    }

    fn has_looked(&mut self, context: &mut Context<Self>) {
        self.looking = false;
        if std::mem::take(&mut self.again) {
            self.look(context);
        }
    }

    fn send(&self, due: Due, context: &mut Context<Self>) {
        let sent = send(self.deps.clone(), due);
        context.spawn(sent.into_actor(self).map(move |taken, webhooks, context| webhooks.landed(due, taken, context)));
    }

    fn landed(&mut self, due: Due, taken: Option<bool>, context: &mut Context<Self>) {
        faults::point("webhooks.landed");
        self.flights.landed(due, taken);
        self.counters.taken += u64::from(taken == Some(true));
        self.counters.not_taken += u64::from(taken == Some(false));
        self.look(context);
    }

    fn forget(&mut self, context: &mut Context<Self>) {
        let forgotten = self.deps.store.forget(self.deps.keep);
        context.spawn(forgotten.into_actor(self).map(|forgotten, webhooks, _| match forgotten {
            Ok(deliveries) => webhooks.counters.forgotten += deliveries,
            Err(error) => log::warn!(error:% = error; "old deliveries not forgotten; the next time goes on"),
        }));
    }
}

/// Sends one delivery and keeps what came of it; says whether it was taken, if it was sent. The outcome is kept before anything else is sent in its place:
/// a store that cannot write must not make the same delivery be sent again and again.
async fn send(deps: WebhooksDeps, due: Due) -> Option<bool> {
    let (webhook, delivery) = match deps.store.load(due.delivery).await {
        Ok(Some(found)) => found,
        // It was delivered, given up or taken away meanwhile.
        Ok(None) => return None,
        Err(error) => {
            log::warn!(delivery:% = due.delivery, error:%; "a delivery could not be read");
            tokio::time::sleep(AGAIN).await;
            return None;
        }
    };
    let attempted = deps.courier.deliver(webhook, delivery).await;
    let taken = attempted.is_taken();
    match &attempted {
        Attempted::Answered(status) => log::info!(delivery:% = due.delivery, webhook:% = due.webhook, status; "webhook answered"),
        Attempted::Unanswered(why) => log::info!(delivery:% = due.delivery, webhook:% = due.webhook, why; "webhook not reached"),
    }
    faults::point("webhooks.sent");
    let settlement = Settlement { delivery: due.delivery, attempted, patience: deps.patience, luck: fastrand::f64() };
    while let Err(error) = deps.store.settle(settlement.clone()).await {
        log::warn!(delivery:% = due.delivery, error:%; "what came of a delivery could not be kept; trying again");
        tokio::time::sleep(AGAIN).await;
    }
    Some(taken)
}

impl Actor for Webhooks {
    type Context = Context<Self>;
}

impl Supervised for Webhooks {}

impl Service for Webhooks {
    /// What was left by a former life of the server is due at once, or when its pause ends.
    fn init(&mut self, context: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        context.run_interval(TICK, |webhooks, context| {
            faults::point("webhooks.tick");
            webhooks.look(context);
        });
        context.run_interval(FORGET, Self::forget);
        Box::pin(fut::ready(Ok(())))
    }

    fn inspect(&self) -> Details {
        let WebhooksCounters { taken, not_taken, forgotten } = self.counters;
        let details = json!({ "in_flight": self.flights.len(), "taken": taken, "not_taken": not_taken, "forgotten": forgotten });
        details.as_object().cloned().unwrap_or_default()
    }
}

impl Handler<ChangedElsewhere> for Webhooks {
    type Result = ();

    fn handle(&mut self, ChangedElsewhere(hint): ChangedElsewhere, context: &mut Context<Self>) {
        if hint.is_about(Hint::DELIVERIES) {
            self.look(context);
        }
    }
}

impl Handler<TasksChanged> for Webhooks {
    type Result = ();

    fn handle(&mut self, _: TasksChanged, context: &mut Context<Self>) {
        faults::point("webhooks.tasks_changed");
        self.look(context);
    }
}
