//! Deliveries to webhooks in PostgreSQL: written with the changes of tasks, changed by what attempts come to.

use std::time::Duration;

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

/// How long a delivery is left to the node that has taken it. Whoever goes on asking keeps it; whoever died leaves it to the others.
const TAKEN: Duration = Duration::from_mins(1);

/// Takes what is due, and what this node has taken before. Without a delivery that is due, this is one look into an index.
pub(super) async fn due(session: &Session, rules: &Rules, each: usize) -> Result<Vec<Due>, Fault> {
    let any = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE next_at <= moment() / 1000) AS due";
    if !column::<bool>(&session.query_one(any, &[]).await?, "due")? {
        return Ok(Vec::new());
    }
    // Of two nodes that find the same one the second waits for the first one's row, and then leaves it.
    let statement = "WITH due AS MATERIALIZED (
             SELECT due.seq FROM webhooks CROSS JOIN LATERAL (
                 SELECT seq, next_at FROM deliveries WHERE webhook = webhooks.id AND next_at <= moment() / 1000
                     AND (taken_until IS NULL OR taken_until <= moment() OR taken_by = $3) ORDER BY next_at, seq LIMIT $1
             ) AS due ORDER BY next_at, seq LIMIT $2
         ) UPDATE deliveries SET taken_by = $3, taken_until = moment() + $4 FROM due
         WHERE deliveries.seq = due.seq AND (taken_until IS NULL OR taken_until <= moment() OR taken_by = $3)
         RETURNING deliveries.id, deliveries.webhook, deliveries.next_at, deliveries.seq";
    let taken = micros(TAKEN);
    let rows = session.query(statement, &[&int(each as u64), &int(MAX_DUE as u64), &rules.node, &taken]).await?;
    let due = |row| Ok::<_, Fault>(Due { delivery: column::<Uuid>(row, "id")?.into(), webhook: column::<Uuid>(row, "webhook")?.into() });
    let place = |row| Ok::<_, Fault>((column::<i64>(row, "next_at")?, column::<i64>(row, "seq")?));
    let mut found = rows.iter().map(|row| Ok((place(row)?, due(row)?))).collect::<Result<Vec<_>, Fault>>()?;
    found.sort_by_key(|(place, _)| *place);
    Ok(found.into_iter().map(|(_, due)| due).collect())
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
