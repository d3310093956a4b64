//! Deliveries to webhooks in PostgreSQL: written with the changes of tasks, changed by what attempts come to.

use std::time::Duration;

use futures::try_join;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{Attempted, Delivery, DeliveryId, Occasion, Webhook, WebhookId};
use crate::stores::hints::Hint;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{Now, int, micros, moment, number, optional, parsed, task_id, text};
use crate::stores::postgres::session::{Session, column};
use crate::stores::postgres::writes::Step;
use crate::stores::postgres::{Rules, webhooks};
use crate::stores::webhooks::{DeliveryPage, DeliveryQuery, Due, MAX_DUE, Settlement};

/// The columns that make a delivery, and its place.
const DELIVERY: &str = "seq, id, webhook, task, occasion, body, state, attempts, tries, created_at, began_at, next_at, ended_at, last_at, \
    last_status, last_error";

/// Writes what the endpoints of tasks are told of steps. Called within the transaction of the change. An endpoint that is gone is told
/// nothing.
pub(super) async fn enqueue(session: &Session, rules: &Rules, steps: &[Step], now: Now) -> Result<(), Fault> {
    let told = steps.iter().filter_map(|Step { before, transition, .. }| {
        let after = &transition.task;
        let occasion = Occasion::of_change(before.state, after.state)?;
        Some(Delivery::new(after.webhook?, after.id, occasion, (rules.letter)(occasion, after), now.steady()))
    });
    let told: Vec<Delivery> = told.collect();
    if told.is_empty() {
        return Ok(());
    }
    session.hint(Hint::DELIVERIES);
    fn each<'a, T>(told: &'a [Delivery], of: impl Fn(&'a Delivery) -> T) -> Vec<T> {
        told.iter().map(of).collect()
    }
    let statement = "INSERT INTO deliveries (id, webhook, task, occasion, body, state, attempts, tries, created_at, began_at, next_at)
         SELECT told.id, webhooks.id, told.task, told.occasion, told.body, told.state, 0, 0, $7::bigint, $7, $7
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[]) WITH ORDINALITY
             AS told (id, webhook, task, occasion, body, state, place)
         JOIN webhooks ON webhooks.id = told.webhook ORDER BY place";
    session
        .execute(
            statement,
            &[
                &each(&told, |delivery| *delivery.id.as_uuid()),
                &each(&told, |delivery| *delivery.webhook.as_uuid()),
                &each(&told, |delivery| *delivery.task.as_uuid()),
                &each(&told, |delivery| delivery.occasion.as_str()),
                &each(&told, |delivery| text(&delivery.body)),
                &each(&told, |delivery| delivery.state.as_str()),
                &int(now.steady().0),
            ],
        )
        .await
        .map(drop)
}

/// How long a delivery is left to the node that has taken it. Whoever goes on asking keeps it; whoever died leaves it to the others, and its
/// place.
const TAKEN: Duration = Duration::from_mins(1);

/// What this node has taken, and of each endpoint so much more as there are places that nobody has. What is taken is found by an index of
/// its own, whatever else waits for the endpoint.
const DUE: &str = "WITH taken AS MATERIALIZED (
         SELECT id, webhook, next_at, seq, taken_by FROM deliveries WHERE taken_until > moment()
     ) SELECT id, webhook FROM (
         SELECT id, webhook, next_at, seq FROM taken WHERE taken_by = $3
         UNION ALL
         SELECT free.id, webhooks.id AS webhook, free.next_at, free.seq
         FROM webhooks LEFT JOIN (SELECT webhook, count(*) AS places FROM taken GROUP BY webhook) AS had ON had.webhook = webhooks.id
         CROSS JOIN LATERAL (
             SELECT id, next_at, seq FROM deliveries WHERE webhook = webhooks.id AND next_at <= moment() / 1000
                 AND (taken_until IS NULL OR taken_until <= moment())
             ORDER BY next_at, seq LIMIT greatest($1::bigint - coalesce(had.places, 0), 0)
         ) AS free
     ) AS due ORDER BY next_at, seq LIMIT $2";

/// Without a delivery that is due, this is one look into an index.
pub(super) async fn due(session: &Session, rules: &Rules, each: usize) -> Result<Vec<Due>, Fault> {
    let any = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE next_at <= moment() / 1000) AS due";
    if !column::<bool>(&session.query_one(any, &[]).await?, "due")? {
        return Ok(Vec::new());
    }
    session.query(DUE, &[&int(each as u64), &int(MAX_DUE as u64), &rules.node]).await?.iter().map(due_row).collect()
}

/// Whoever takes deliveries of an endpoint waits for whoever is about to, and then sees what that one has taken.
const LOCK: &str = "SELECT id FROM webhooks WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE";

/// Takes what nobody has, as far as there are places; looked at once more when the row is written, since a node that was late may just have
/// settled it.
const TAKE: &str = "WITH taken AS MATERIALIZED (
         SELECT webhook FROM deliveries WHERE taken_until > moment()
     ), had AS (
         SELECT webhook, count(*) AS places FROM taken GROUP BY webhook
     ), free AS MATERIALIZED (
         SELECT asked.id,
             coalesce(had.places, 0) + row_number() OVER (PARTITION BY asked.webhook ORDER BY asked.next_at, asked.seq) AS place
         FROM deliveries AS asked LEFT JOIN had ON had.webhook = asked.webhook
         WHERE asked.id = ANY($1) AND asked.next_at + 0 <= moment() / 1000 AND (asked.taken_until IS NULL OR asked.taken_until <= moment())
     ) UPDATE deliveries SET taken_by = $3, taken_until = moment() + $4 FROM free
     WHERE deliveries.id = ANY($1) AND deliveries.id = free.id AND free.place <= $2 AND deliveries.next_at + 0 <= moment() / 1000
         AND (deliveries.taken_until IS NULL OR deliveries.taken_until <= moment())";

/// Keeps what this node has taken, once a half of its time is over.
const KEEP: &str = "UPDATE deliveries SET taken_until = moment() + $3
     WHERE id = ANY($1) AND taken_by = $2 AND taken_until > moment() AND taken_until <= moment() + $4";

/// What of all this is the node's now.
const HAD: &str = "SELECT id, webhook FROM deliveries WHERE id = ANY($1) AND taken_by = $2 AND taken_until > moment()";

/// The bound holds over all nodes, since of those that take something of an endpoint at the same moment one comes after the other. It does
/// not hold for a node that could not renew what it has for [`TAKEN`], because it stood still or was cut off, and sends it nevertheless: its
/// place was another's by then.
pub(super) async fn take(session: &Session, rules: &Rules, asked: Vec<Due>, each: usize) -> Result<Vec<Due>, Fault> {
    let ids: Vec<Uuid> = asked.iter().map(|due| *due.delivery.as_uuid()).collect();
    let webhooks: Vec<Uuid> = asked.iter().map(|due| *due.webhook.as_uuid()).collect();
    let (each, until, half) = (int(each as u64), micros(TAKEN), micros(TAKEN / 2));
    let lock = async { session.query(LOCK, &[&webhooks]).await };
    let take = async { session.execute(TAKE, &[&ids, &each, &rules.node, &until]).await };
    let keep = async { session.execute(KEEP, &[&ids, &rules.node, &until, &half]).await };
    let had = async { session.query(HAD, &[&ids, &rules.node]).await };
    let (_, _, _, had) = try_join!(lock, take, keep, had)?;
    had.iter().map(due_row).collect()
}

fn due_row(row: &Row) -> Result<Due, Fault> {
    Ok(Due { delivery: column::<Uuid>(row, "id")?.into(), webhook: column::<Uuid>(row, "webhook")?.into() })
}

pub(super) async fn load(session: &Session, id: DeliveryId) -> Result<Option<(Webhook, Delivery)>, Fault> {
    let Some(delivery) = find(session, id).await?.filter(|delivery| delivery.next_at.is_some()) else { return Ok(None) };
    Ok(webhooks::find(session, delivery.webhook).await?.map(|webhook| (webhook, delivery)))
}

pub(super) async fn settle(session: &Session, settlement: Settlement) -> Result<Option<Delivery>, Fault> {
    let Settlement { delivery, attempted, patience, luck } = settlement;
    let now = Now::read(session).await?.steady();
    let Some(delivery) = lock(session, delivery).await? else { return Ok(None) };
    update(session, delivery.after(attempted, &patience, luck, now)).await.map(Some)
}

pub(super) async fn replay(session: &Session, webhook: WebhookId, id: DeliveryId) -> Result<Option<Delivery>, Fault> {
    let now = Now::read(session).await?.steady();
    let Some(delivery) = lock(session, id).await?.filter(|delivery| delivery.webhook == webhook) else { return Ok(None) };
    update(session, delivery.replayed(now)).await.map(Some)
}

pub(super) async fn forget(session: &Session, keep: Duration) -> Result<u64, Fault> {
    let now = Now::read(session).await?.steady();
    let end = now.0.saturating_sub(u64::try_from(keep.as_millis()).unwrap_or(u64::MAX));
    let statement = "DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries WHERE ended_at <= $1 LIMIT $2)";
    session.execute(statement, &[&int(end), &int(MAX_DUE as u64)]).await
}

pub(super) async fn page(session: &Session, DeliveryQuery { webhook, before, limit }: DeliveryQuery) -> Result<DeliveryPage, Fault> {
    let limit = limit.clamp(1, DeliveryQuery::MAX_LIMIT);
    let statement = format!("SELECT {DELIVERY} FROM deliveries WHERE webhook = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3");
    // One row more than asked for tells whether there is a next page.
    let mut rows = session.query(&statement, &[webhook.as_uuid(), &before.map_or(i64::MAX, int), &int(limit as u64 + 1)]).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| number(row, "seq")).transpose()?;
    Ok(DeliveryPage { deliveries: rows.iter().map(delivery).collect::<Result<_, _>>()?, next })
}

async fn find(session: &Session, id: DeliveryId) -> Result<Option<Delivery>, Fault> {
    let row = session.query_opt(&format!("SELECT {DELIVERY} FROM deliveries WHERE id = $1"), &[id.as_uuid()]).await?;
    row.as_ref().map(delivery).transpose()
}

async fn lock(session: &Session, id: DeliveryId) -> Result<Option<Delivery>, Fault> {
    let row = session.query_opt(&format!("SELECT {DELIVERY} FROM deliveries WHERE id = $1 FOR UPDATE"), &[id.as_uuid()]).await?;
    row.as_ref().map(delivery).transpose()
}

async fn update(session: &Session, delivery: Delivery) -> Result<Delivery, Fault> {
    let statement = "UPDATE deliveries SET state = $2, attempts = $3, tries = $4, began_at = $5, next_at = $6, ended_at = $7, last_at = $8,
             last_status = $9, last_error = $10, taken_until = NULL
         WHERE id = $1";
    let millis = |moment: Option<Timestamp>| moment.map(|moment| int(moment.0));
    let (status, error) = match &delivery.last {
        Some(Attempted::Answered(status)) => (Some(i64::from(*status)), None),
        Some(Attempted::Unanswered(why)) => (None, Some(text(why))),
        None => (None, None),
    };
    session
        .execute(
            statement,
            &[
                delivery.id.as_uuid(),
                &delivery.state.as_str(),
                &i64::from(delivery.attempts),
                &i64::from(delivery.tries),
                &int(delivery.began_at.0),
                &millis(delivery.next_at),
                &millis(delivery.ended_at),
                &millis(delivery.last_at),
                &status,
                &error,
            ],
        )
        .await?;
    Ok(delivery)
}

/// Reads a row with the columns [`DELIVERY`].
fn delivery(row: &Row) -> Result<Delivery, Fault> {
    let last = match (optional(row, "last_status")?, column(row, "last_error")?) {
        (Some(status), _) => Some(Attempted::Answered(status)),
        (None, Some(why)) => Some(Attempted::Unanswered(why)),
        (None, None) => None,
    };
    Ok(Delivery {
        id: column::<Uuid>(row, "id")?.into(),
        webhook: column::<Uuid>(row, "webhook")?.into(),
        task: task_id(row, "task")?,
        occasion: parsed(row, "occasion")?,
        body: column(row, "body")?,
        state: parsed(row, "state")?,
        attempts: number(row, "attempts")?,
        tries: number(row, "tries")?,
        created_at: Timestamp(number(row, "created_at")?),
        began_at: Timestamp(number(row, "began_at")?),
        next_at: moment(row, "next_at")?,
        ended_at: moment(row, "ended_at")?,
        last_at: moment(row, "last_at")?,
        last,
    })
}
