//! Events in PostgreSQL: written with the changes of tasks, read and forgotten by themselves.

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::try_join;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::domain::task::{Event, EventNo, News, Task};
use crate::domain::timestamp::Timestamp;
use crate::stores::events::{EventFilter, EventPage, EventQuery, EventSpan, EventStore};
use crate::stores::hints::Hint;
use crate::stores::postgres::PostgresDb;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::order::{Numbers, announce, settled};
use crate::stores::postgres::rows::{Now, caller, int, json, number, task_id};
use crate::stores::postgres::session::{Session, Values};
use crate::stores::tasks::TaskStoreError;

impl EventStore for PostgresDb {
    fn page(&self, query: EventQuery) -> BoxFuture<'static, Result<EventPage, TaskStoreError>> {
        self.read(move |session, _| page(session, query).boxed())
    }

    fn span(&self) -> BoxFuture<'static, Result<EventSpan, TaskStoreError>> {
        self.read(|session, _| span(session).boxed())
    }

    fn forget(&self, keep: u64) -> BoxFuture<'static, Result<u64, TaskStoreError>> {
        self.write(move |session, _| forget(session, keep).boxed())
    }
}

/// Writes what changes have made of tasks, in their order. Called within the transaction of the changes.
pub(super) async fn record(session: &Session, changes: &[(Option<&Task>, &Task)], now: Now) -> Result<(), Fault> {
    let (mut tasks, mut callers, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for (before, after) in changes {
        for news in News::of_change(*before, after) {
            tasks.push(*after.id.as_uuid());
            callers.push(after.caller.map(|key| key.0.to_vec()));
            all.push(serde_json::to_string(&news).expect("names and numbers can be written as JSON"));
        }
    }
    if all.is_empty() {
        return Ok(());
    }
    session.hint(Hint::EVENTS);
    // Numbers are given out after the sort, and that is after the announcement, since it was sent before.
    let statement = "INSERT INTO events (task, caller, at, news) SELECT task, caller, $4::bigint, news
         FROM unnest($1::uuid[], $2::bytea[], $3::text[]) WITH ORDINALITY AS event (task, caller, news, place) ORDER BY place";
    let wall = int(now.wall.0);
    let values: Values<'_> = &[&tasks, &callers, &all, &wall];
    try_join!(announce(session, Numbers::Events), session.execute(statement, values)).map(drop)
}

async fn page(session: &Session, EventQuery { after, filter, limit }: EventQuery) -> Result<EventPage, Fault> {
    let limit = limit.clamp(1, EventQuery::MAX_LIMIT);
    let EventFilter { task, caller } = filter;
    let (task, caller) = (task.map(|id| *id.as_uuid()), caller.map(|key| key.0.to_vec()));
    let end = int(settled(session, Numbers::Events).await?);
    // One row more than asked for tells whether there is a next page.
    let (after, wanted) = (int(after.0), int(limit as u64 + 1));
    let mut conditions = "no > $1 AND no <= $2".to_owned();
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&after, &end, &wanted];
    // Either has an index that ends in `no`.
    for (name, value) in [("task", task.as_ref().map(|id| id as &(dyn ToSql + Sync))), ("caller", caller.as_ref().map(|key| key as _))] {
        if let Some(value) = value {
            values.push(value);
            conditions.push_str(&format!(" AND {name} = ${}", values.len()));
        }
    }
    let statement = format!("SELECT no, task, caller, at, news FROM events WHERE {conditions} ORDER BY no LIMIT $3");
    let mut rows = session.query(&statement, &values).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| number(row, "no")).transpose()?.map(EventNo);
    Ok(EventPage { events: rows.iter().filter_map(readable).collect(), next })
}

/// One row that cannot be read must not hide the others.
fn readable(row: &Row) -> Option<Event> {
    event(row).inspect_err(|fault| log::error!(fault:%; "an event cannot be read and is left out")).ok()
}

fn event(row: &Row) -> Result<Event, Fault> {
    Ok(Event {
        no: EventNo(number(row, "no")?),
        task: task_id(row, "task")?,
        caller: caller(row)?,
        at: Timestamp(number(row, "at")?),
        news: json(row, "news")?,
    })
}

/// The latest is the number given out last, also if its event was forgotten, but never one before which another may still appear.
async fn span(session: &Session) -> Result<EventSpan, Fault> {
    let latest = settled(session, Numbers::Events).await?;
    let oldest = session.query_opt("SELECT no FROM events ORDER BY no LIMIT 1", &[]).await?;
    let oldest = oldest.map(|row| number::<u64>(&row, "no")).transpose()?;
    Ok(EventSpan { oldest: EventNo(oldest.unwrap_or(latest + 1).min(latest + 1)), latest: EventNo(latest) })
}

/// Numbers may have gaps where writes were taken back, so a little fewer than `keep` may be left.
async fn forget(session: &Session, keep: u64) -> Result<u64, Fault> {
    let end = int(settled(session, Numbers::Events).await?.saturating_sub(keep));
    let statement = "DELETE FROM events WHERE no IN (SELECT no FROM events WHERE no <= $1 ORDER BY no LIMIT $2)";
    session.execute(statement, &[&end, &int(EventQuery::MAX_LIMIT as u64)]).await
}
