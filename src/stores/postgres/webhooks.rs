//! Endpoints of webhooks in PostgreSQL, and the trait that puts them and their deliveries there.

use std::collections::HashMap;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::access::KeyId;
use crate::domain::task::NewTask;
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{Delivery, DeliveryId, FormerWebhookSecret, Webhook, WebhookId, WebhookSecret};
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{Now, bytes, caller, int, moment, number, optional_bytes, parsed};
use crate::stores::postgres::session::{Session, column};
use crate::stores::postgres::{PostgresDb, deliveries};
use crate::stores::tasks::TaskStoreError;
use crate::stores::webhooks::{DeliveryPage, DeliveryQuery, Due, Settlement, WebhookStore};

impl WebhookStore for PostgresDb {
    fn add(&self, webhook: Webhook, max: u64) -> BoxFuture<'static, Result<bool, TaskStoreError>> {
        self.write(move |session, _| add(session, webhook.clone(), max).boxed())
    }

    fn webhook(&self, id: WebhookId) -> BoxFuture<'static, Result<Option<Webhook>, TaskStoreError>> {
        self.read(move |session, _| find(session, id).boxed())
    }

    fn webhooks(&self, of: Option<KeyId>) -> BoxFuture<'static, Result<Vec<Webhook>, TaskStoreError>> {
        self.read(move |session, _| all(session, of).boxed())
    }

    fn rotate(
        &self,
        id: WebhookId,
        secret: WebhookSecret,
        overlap: Duration,
    ) -> BoxFuture<'static, Result<Option<Webhook>, TaskStoreError>> {
        self.write(move |session, _| rotate(session, id, secret.clone(), overlap).boxed())
    }

    fn remove(&self, id: WebhookId) -> BoxFuture<'static, Result<bool, TaskStoreError>> {
        self.write(move |session, _| remove(session, id).boxed())
    }

    fn due(&self, each: usize) -> BoxFuture<'static, Result<Vec<Due>, TaskStoreError>> {
        self.read(move |session, rules| deliveries::due(session, rules, each).boxed())
    }

    fn take(&self, asked: Vec<Due>, each: usize) -> BoxFuture<'static, Result<Vec<Due>, TaskStoreError>> {
        self.write(move |session, rules| deliveries::take(session, rules, asked.clone(), each).boxed())
    }

    fn load(&self, id: DeliveryId) -> BoxFuture<'static, Result<Option<(Webhook, Delivery)>, TaskStoreError>> {
        self.read(move |session, _| deliveries::load(session, id).boxed())
    }

    fn settle(&self, settlement: Settlement) -> BoxFuture<'static, Result<Option<Delivery>, TaskStoreError>> {
        self.write(move |session, _| deliveries::settle(session, settlement.clone()).boxed())
    }

    fn deliveries(&self, query: DeliveryQuery) -> BoxFuture<'static, Result<DeliveryPage, TaskStoreError>> {
        self.read(move |session, _| deliveries::page(session, query).boxed())
    }

    fn replay(&self, webhook: WebhookId, id: DeliveryId) -> BoxFuture<'static, Result<Option<Delivery>, TaskStoreError>> {
        self.write(move |session, _| deliveries::replay(session, webhook, id).boxed())
    }

    fn forget(&self, keep: Duration) -> BoxFuture<'static, Result<u64, TaskStoreError>> {
        self.write(move |session, _| deliveries::forget(session, keep).boxed())
    }
}

/// The columns that make an endpoint.
const WEBHOOK: &str = "id, caller, url, secret, former_secret, former_until, created_at";

/// The endpoints that new tasks name, as far as there are any, with their callers.
pub(super) struct Known(HashMap<WebhookId, Option<KeyId>>);

pub(super) async fn known(session: &Session, new: &[&NewTask]) -> Result<Known, Fault> {
    let ids: Vec<Uuid> = new.iter().filter_map(|new| Some(*new.webhook?.as_uuid())).collect();
    if ids.is_empty() {
        return Ok(Known(HashMap::new()));
    }
    let rows = session.query("SELECT id, caller FROM webhooks WHERE id = ANY($1)", &[&ids]).await?;
    let owned = |row| Ok((WebhookId::from(column::<Uuid>(row, "id")?), caller(row)?));
    Ok(Known(rows.iter().map(owned).collect::<Result<_, Fault>>()?))
}

impl Known {
    /// The webhook that a new task names although its caller has none of that name.
    pub(super) fn missing(&self, new: &NewTask) -> Option<WebhookId> {
        new.webhook.filter(|id| self.0.get(id) != Some(&new.caller))
    }
}

async fn add(session: &Session, webhook: Webhook, max: u64) -> Result<bool, Fault> {
    // One at a time over all servers, so that the count holds.
    session.execute("LOCK TABLE webhooks IN SHARE ROW EXCLUSIVE MODE", &[]).await?;
    let statement = "INSERT INTO webhooks (id, caller, url, secret, created_at) SELECT $1::uuid, $2::bytea, $3::text, $4::bytea, $5::bigint
         WHERE (SELECT count(*) FROM webhooks WHERE caller IS NOT DISTINCT FROM $2) < $6::bigint";
    let rows = session
        .execute(
            statement,
            &[
                webhook.id.as_uuid(),
                &webhook.caller.map(|key| key.0.to_vec()),
                &webhook.url.as_str(),
                &webhook.secret.as_bytes().as_slice(),
                &int(webhook.created_at.0),
                &int(max),
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// The row of an endpoint.
pub(super) async fn find(session: &Session, id: WebhookId) -> Result<Option<Webhook>, Fault> {
    let row = session.query_opt(&format!("SELECT {WEBHOOK} FROM webhooks WHERE id = $1"), &[id.as_uuid()]).await?;
    row.as_ref().map(webhook).transpose()
}

async fn all(session: &Session, of: Option<KeyId>) -> Result<Vec<Webhook>, Fault> {
    let statement = format!("SELECT {WEBHOOK} FROM webhooks WHERE $1::bytea IS NULL OR caller = $1 ORDER BY seq");
    let rows = session.query(&statement, &[&of.map(|key| key.0.to_vec())]).await?;
    rows.iter().map(webhook).collect()
}

async fn rotate(session: &Session, id: WebhookId, secret: WebhookSecret, overlap: Duration) -> Result<Option<Webhook>, Fault> {
    let statement = format!("SELECT {WEBHOOK} FROM webhooks WHERE id = $1 FOR UPDATE");
    let Some(row) = session.query_opt(&statement, &[id.as_uuid()]).await? else { return Ok(None) };
    let rotated = webhook(&row)?.rotated(secret, overlap, Now::read(session).await?.wall);
    let former = rotated.former.as_ref();
    let statement = "UPDATE webhooks SET secret = $2, former_secret = $3, former_until = $4 WHERE id = $1";
    let (secret, until) = (former.map(|former| former.secret.as_bytes().as_slice()), former.map(|former| int(former.until.0)));
    session.execute(statement, &[id.as_uuid(), &rotated.secret.as_bytes().as_slice(), &secret, &until]).await?;
    Ok(Some(rotated))
}

async fn remove(session: &Session, id: WebhookId) -> Result<bool, Fault> {
    Ok(session.execute("DELETE FROM webhooks WHERE id = $1", &[id.as_uuid()]).await? == 1)
}

/// Reads a row with the columns [`WEBHOOK`].
fn webhook(row: &Row) -> Result<Webhook, Fault> {
    let former = match (optional_bytes(row, "former_secret")?, moment(row, "former_until")?) {
        (Some(secret), Some(until)) => Some(FormerWebhookSecret { secret: WebhookSecret::from_bytes(secret), until }),
        _ => None,
    };
    Ok(Webhook {
        id: column::<Uuid>(row, "id")?.into(),
        caller: caller(row)?,
        url: parsed(row, "url")?,
        secret: WebhookSecret::from_bytes(bytes(row, "secret")?),
        former,
        created_at: Timestamp(number(row, "created_at")?),
    })
}
