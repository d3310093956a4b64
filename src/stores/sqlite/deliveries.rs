//! Deliveries to webhooks in SQLite: written with the changes of tasks, changed by what attempts come to.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use uuid::Uuid;

use crate::domain::ids::TaskId;
use crate::domain::task::Task;
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{Attempted, Delivery, DeliveryId, Occasion, Webhook, WebhookId};
use crate::stores::sqlite::columns::{moment, parsed, uint};
use crate::stores::sqlite::fault::Fault;
use crate::stores::sqlite::rows::{Now, int};
use crate::stores::sqlite::webhooks;
use crate::stores::webhooks::{DeliveryPage, DeliveryQuery, Due, Letter, MAX_DUE, Settlement};

/// Writes what the endpoint of a task is told of a change. Called within the transaction of the change. An endpoint that is gone is told
/// nothing.
pub(super) fn enqueue(connection: &Connection, before: &Task, after: &Task, letter: Letter, now: Now) -> Result<(), Fault> {
    let Some(webhook) = after.webhook else { return Ok(()) };
    let Some(occasion) = Occasion::of_change(before.state, after.state) else { return Ok(()) };
    let delivery = Delivery::new(webhook, after.id, occasion, letter(occasion, after), now.steady);
    let mut statement = connection.prepare_cached(
        "INSERT INTO deliveries (id, webhook, task, occasion, body, state, attempts, tries, created_at, began_at, next_at)
         SELECT :id, id, :task, :occasion, :body, :state, 0, 0, :now, :now, :now FROM webhooks WHERE id = :webhook",
    )?;
    statement.execute(named_params! {
        ":id": delivery.id.as_uuid().as_bytes(),
        ":webhook": webhook.as_uuid().as_bytes(),
        ":task": after.id.as_uuid().as_bytes(),
        ":occasion": occasion.as_str(),
        ":body": delivery.body,
        ":state": delivery.state.as_str(),
        ":now": int(now.steady.0),
    })?;
    Ok(())
}

/// Without a delivery that is due, this is one look into an index.
pub(super) fn due(connection: &Connection, each: usize, now: Now) -> Result<Vec<Due>, Fault> {
    let now = int(now.steady.0);
    if !connection.prepare_cached("SELECT 1 FROM deliveries WHERE next_at <= ?1 LIMIT 1")?.exists([now])? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(
        "SELECT deliveries.id, webhook FROM webhooks JOIN deliveries ON deliveries.seq IN (
             SELECT seq FROM deliveries WHERE webhook = webhooks.id AND next_at <= ?1 ORDER BY next_at LIMIT ?2
         ) ORDER BY next_at LIMIT ?3",
    )?;
    let rows = statement.query_map((now, int(each as u64), int(MAX_DUE as u64)), |row| {
        let [delivery, webhook] = [row.get("id")?, row.get("webhook")?].map(Uuid::from_bytes);
        Ok(Due { delivery: delivery.into(), webhook: webhook.into() })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn load(connection: &Connection, id: DeliveryId) -> Result<Option<(Webhook, Delivery)>, Fault> {
    let Some(delivery) = find(connection, id)?.filter(|delivery| delivery.next_at.is_some()) else { return Ok(None) };
    Ok(webhooks::find(connection, delivery.webhook)?.map(|webhook| (webhook, delivery)))
}

pub(super) fn settle(connection: &Connection, settlement: Settlement, now: Now) -> Result<Option<Delivery>, Fault> {
    let Settlement { delivery, attempted, patience, luck } = settlement;
    let Some(delivery) = find(connection, delivery)? else { return Ok(None) };
    update(connection, delivery.after(attempted, &patience, luck, now.steady)).map(Some)
}

pub(super) fn replay(connection: &Connection, webhook: WebhookId, id: DeliveryId, now: Now) -> Result<Option<Delivery>, Fault> {
    let Some(delivery) = find(connection, id)?.filter(|delivery| delivery.webhook == webhook) else { return Ok(None) };
    update(connection, delivery.replayed(now.steady)).map(Some)
}

pub(super) fn forget(connection: &Connection, keep: Duration, now: Now) -> Result<u64, Fault> {
    let end = now.steady.0.saturating_sub(u64::try_from(keep.as_millis()).unwrap_or(u64::MAX));
    let mut statement =
        connection.prepare_cached("DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries WHERE ended_at <= ?1 LIMIT ?2)")?;
    Ok(statement.execute((int(end), int(MAX_DUE as u64)))? as u64)
}

pub(super) fn page(connection: &Connection, DeliveryQuery { webhook, before, limit }: DeliveryQuery) -> Result<DeliveryPage, Fault> {
    let limit = limit.clamp(1, DeliveryQuery::MAX_LIMIT);
    let mut statement = connection.prepare_cached("SELECT * FROM deliveries WHERE webhook = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3")?;
    // One row more than asked for tells whether there is a next page.
    let parameters = (webhook.as_uuid().as_bytes(), before.map_or(i64::MAX, int), int(limit as u64 + 1));
    let mut rows = statement.query_map(parameters, |row| Ok((row.get::<_, i64>("seq")?, delivery(row))))?.collect::<Result<Vec<_>, _>>()?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(seq, _)| seq.unsigned_abs());
    Ok(DeliveryPage { deliveries: rows.into_iter().map(|(_, delivery)| delivery).collect::<Result<_, _>>()?, next })
}

fn find(connection: &Connection, id: DeliveryId) -> Result<Option<Delivery>, Fault> {
    let mut statement = connection.prepare_cached("SELECT * FROM deliveries WHERE id = ?1")?;
    statement.query_row([id.as_uuid().as_bytes()], |row| Ok(delivery(row))).optional()?.transpose()
}

fn update(connection: &Connection, delivery: Delivery) -> Result<Delivery, Fault> {
    let mut statement = connection.prepare_cached(
        "UPDATE deliveries SET state = :state, attempts = :attempts, tries = :tries, began_at = :began_at, next_at = :next_at,
             ended_at = :ended_at, last_at = :last_at, last_status = :last_status, last_error = :last_error
         WHERE id = :id",
    )?;
    let millis = |moment: Option<Timestamp>| moment.map(|moment| int(moment.0));
    let (status, error) = match &delivery.last {
        Some(Attempted::Answered(status)) => (Some(*status), None),
        Some(Attempted::Unanswered(why)) => (None, Some(why.as_str())),
        None => (None, None),
    };
    statement.execute(named_params! {
        ":id": delivery.id.as_uuid().as_bytes(),
        ":state": delivery.state.as_str(),
        ":attempts": delivery.attempts,
        ":tries": delivery.tries,
        ":began_at": int(delivery.began_at.0),
        ":next_at": millis(delivery.next_at),
        ":ended_at": millis(delivery.ended_at),
        ":last_at": millis(delivery.last_at),
        ":last_status": status,
        ":last_error": error,
    })?;
    Ok(delivery)
}

/// Reads a row of `SELECT * FROM deliveries`.
fn delivery(row: &Row<'_>) -> Result<Delivery, Fault> {
    let last = match (row.get("last_status")?, row.get("last_error")?) {
        (Some(status), _) => Some(Attempted::Answered(status)),
        (None, Some(why)) => Some(Attempted::Unanswered(why)),
        (None, None) => None,
    };
    Ok(Delivery {
        id: DeliveryId::from(Uuid::from_bytes(row.get("id")?)),
        webhook: WebhookId::from(Uuid::from_bytes(row.get("webhook")?)),
        task: TaskId::from(Uuid::from_bytes(row.get("task")?)),
        occasion: parsed(row, "occasion")?,
        body: row.get("body")?,
        state: parsed(row, "state")?,
        attempts: row.get("attempts")?,
        tries: row.get("tries")?,
        created_at: Timestamp(uint(row, "created_at")?),
        began_at: Timestamp(uint(row, "began_at")?),
        next_at: moment(row, "next_at")?,
        ended_at: moment(row, "ended_at")?,
        last_at: moment(row, "last_at")?,
        last,
    })
}
