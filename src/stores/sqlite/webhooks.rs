//! Endpoints of webhooks in SQLite, and the trait that puts them and their deliveries there.

use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use uuid::Uuid;

use crate::domain::access::KeyId;
use crate::domain::task::NewTask;
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{Delivery, DeliveryId, FormerWebhookSecret, Webhook, WebhookId, WebhookSecret};
use crate::stores::sqlite::columns::{moment, parsed, uint};
use crate::stores::sqlite::fault::Fault;
use crate::stores::sqlite::rows::{Now, int};
use crate::stores::sqlite::{SqliteDb, deliveries};
use crate::stores::tasks::TaskStoreError;
use crate::stores::webhooks::{DeliveryPage, DeliveryQuery, Due, Settlement, WebhookStore};

impl WebhookStore for SqliteDb {
    fn add(&self, webhook: Webhook, max: u64) -> BoxFuture<'static, Result<bool, TaskStoreError>> {
        self.write(move |connection, _| add(connection, &webhook, max))
    }

    fn webhook(&self, id: WebhookId) -> BoxFuture<'static, Result<Option<Webhook>, TaskStoreError>> {
        self.read(move |connection, _| find(connection, id))
    }

    fn webhooks(&self, of: Option<KeyId>) -> BoxFuture<'static, Result<Vec<Webhook>, TaskStoreError>> {
        self.read(move |connection, _| all(connection, of))
    }

    fn rotate(
        &self,
        id: WebhookId,
        secret: WebhookSecret,
        overlap: Duration,
    ) -> BoxFuture<'static, Result<Option<Webhook>, TaskStoreError>> {
        self.write(move |connection, now| rotate(connection, id, secret, overlap, now))
    }

    fn remove(&self, id: WebhookId) -> BoxFuture<'static, Result<bool, TaskStoreError>> {
        self.write(move |connection, _| Ok(connection.execute("DELETE FROM webhooks WHERE id = ?1", [id.as_uuid().as_bytes()])? == 1))
    }

    fn due(&self, each: usize) -> BoxFuture<'static, Result<Vec<Due>, TaskStoreError>> {
        self.read(move |connection, now| deliveries::due(connection, each, now))
    }

    /// There is nobody who could be faster.
    fn take(&self, asked: Vec<Due>, _: usize) -> BoxFuture<'static, Result<Vec<Due>, TaskStoreError>> {
        ready(Ok(asked)).boxed()
    }

    fn load(&self, id: DeliveryId) -> BoxFuture<'static, Result<Option<(Webhook, Delivery)>, TaskStoreError>> {
        self.read(move |connection, _| deliveries::load(connection, id))
    }

    fn settle(&self, settlement: Settlement) -> BoxFuture<'static, Result<Option<Delivery>, TaskStoreError>> {
        self.write(move |connection, now| deliveries::settle(connection, settlement, now))
    }

    fn deliveries(&self, query: DeliveryQuery) -> BoxFuture<'static, Result<DeliveryPage, TaskStoreError>> {
        self.read(move |connection, _| deliveries::page(connection, query))
    }

    fn replay(&self, webhook: WebhookId, id: DeliveryId) -> BoxFuture<'static, Result<Option<Delivery>, TaskStoreError>> {
        self.write(move |connection, now| deliveries::replay(connection, webhook, id, now))
    }

    fn forget(&self, keep: Duration) -> BoxFuture<'static, Result<u64, TaskStoreError>> {
        self.write(move |connection, now| deliveries::forget(connection, keep, now))
    }
}

/// The webhook that a new task names although its caller has none of that name.
pub(super) fn missing(connection: &Connection, new: &NewTask) -> Result<Option<WebhookId>, Fault> {
    let Some(id) = new.webhook else { return Ok(None) };
    let mut statement = connection.prepare_cached("SELECT 1 FROM webhooks WHERE id = ?1 AND caller IS ?2")?;
    let is_there = statement.exists((id.as_uuid().as_bytes(), new.caller.map(|key| key.0)))?;
    Ok((!is_there).then_some(id))
}

fn add(connection: &Connection, webhook: &Webhook, max: u64) -> Result<bool, Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO webhooks (id, caller, url, secret, created_at) SELECT :id, :caller, :url, :secret, :created_at
         WHERE (SELECT count(*) FROM webhooks WHERE caller IS :caller) < :max",
    )?;
    let rows = statement.execute(named_params! {
        ":id": webhook.id.as_uuid().as_bytes(),
        ":caller": webhook.caller.map(|key| key.0),
        ":url": webhook.url.as_str(),
        ":secret": webhook.secret.as_bytes(),
        ":created_at": int(webhook.created_at.0),
        ":max": int(max),
    })?;
    Ok(rows == 1)
}

/// The row of an endpoint.
pub(super) fn find(connection: &Connection, id: WebhookId) -> Result<Option<Webhook>, Fault> {
    let mut statement = connection.prepare_cached("SELECT * FROM webhooks WHERE id = ?1")?;
    statement.query_row([id.as_uuid().as_bytes()], |row| Ok(webhook(row))).optional()?.transpose()
}

fn all(connection: &Connection, of: Option<KeyId>) -> Result<Vec<Webhook>, Fault> {
    let mut statement = connection.prepare_cached("SELECT * FROM webhooks WHERE ?1 IS NULL OR caller = ?1 ORDER BY seq")?;
    let webhooks = statement.query_map([of.map(|key| key.0)], |row| Ok(webhook(row)))?;
    webhooks.map(|webhook| webhook?).collect()
}

fn rotate(connection: &Connection, id: WebhookId, secret: WebhookSecret, overlap: Duration, now: Now) -> Result<Option<Webhook>, Fault> {
    let Some(webhook) = find(connection, id)? else { return Ok(None) };
    let rotated = webhook.rotated(secret, overlap, now.wall);
    let mut statement =
        connection.prepare_cached("UPDATE webhooks SET secret = ?2, former_secret = ?3, former_until = ?4 WHERE id = ?1")?;
    statement.execute((
        id.as_uuid().as_bytes(),
        rotated.secret.as_bytes(),
        rotated.former.as_ref().map(|former| *former.secret.as_bytes()),
        rotated.former.as_ref().map(|former| int(former.until.0)),
    ))?;
    Ok(Some(rotated))
}

/// Reads a row of `SELECT * FROM webhooks`.
fn webhook(row: &Row<'_>) -> Result<Webhook, Fault> {
    let former: Option<[u8; WebhookSecret::LEN]> = row.get("former_secret")?;
    let former = match (former, moment(row, "former_until")?) {
        (Some(secret), Some(until)) => Some(FormerWebhookSecret { secret: WebhookSecret::from_bytes(secret), until }),
        _ => None,
    };
    Ok(Webhook {
        id: WebhookId::from(Uuid::from_bytes(row.get("id")?)),
        caller: row.get::<_, Option<_>>("caller")?.map(KeyId),
        url: parsed(row, "url")?,
        secret: WebhookSecret::from_bytes(row.get("secret")?),
        former,
        created_at: Timestamp(uint(row, "created_at")?),
    })
}
