//! Events in SQLite: written with the changes of tasks, read and forgotten by themselves.

use futures::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension, Row, ToSql};
use uuid::Uuid;

use crate::domain::access::KeyId;
use crate::domain::ids::TaskId;
use crate::domain::task::{Event, EventNo, News, Task};
use crate::domain::timestamp::Timestamp;
use crate::stores::events::{EventFilter, EventPage, EventQuery, EventSpan, EventStore};
use crate::stores::sqlite::SqliteDb;
use crate::stores::sqlite::columns::uint;
use crate::stores::sqlite::fault::Fault;
use crate::stores::sqlite::rows::{Now, int};
use crate::stores::tasks::TaskStoreError;

impl EventStore for SqliteDb {
    fn page(&self, query: EventQuery) -> BoxFuture<'static, Result<EventPage, TaskStoreError>> {
        self.read(move |connection, _| page(connection, query))
    }

    fn span(&self) -> BoxFuture<'static, Result<EventSpan, TaskStoreError>> {
        self.read(|connection, _| span(connection))
    }

    fn forget(&self, keep: u64) -> BoxFuture<'static, Result<u64, TaskStoreError>> {
        self.write(move |connection, _| forget(connection, keep))
    }
}

/// Writes what a change has made of a task. Called within the transaction of the change.
pub(super) fn record(connection: &Connection, before: Option<&Task>, after: &Task, now: Now) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached("INSERT INTO events (task, caller, at, news) VALUES (?1, ?2, ?3, ?4)")?;
    for news in News::of_change(before, after) {
        let news = serde_json::to_string(&news).expect("names and numbers can be written as JSON");
        statement.execute((after.id.as_uuid().as_bytes(), after.caller.map(|key| key.0), int(now.wall.0), news))?;
    }
    Ok(())
}

fn page(connection: &Connection, EventQuery { after, filter, limit }: EventQuery) -> Result<EventPage, Fault> {
    let limit = limit.clamp(1, EventQuery::MAX_LIMIT);
    let EventFilter { task, caller } = filter;
    let (task, caller) = (task.map(|id| *id.as_uuid().as_bytes()), caller.map(|key| key.0));
    // One row more than asked for tells whether there is a next page.
    let (after, wanted) = (int(after.0), int(limit as u64 + 1));
    let mut conditions = "no > :after".to_owned();
    let mut parameters: Vec<(&str, &dyn ToSql)> = vec![(":after", &after), (":wanted", &wanted)];
    // Either has an index that ends in `no`.
    if task.is_some() {
        conditions.push_str(" AND task = :task");
        parameters.push((":task", &task));
    }
    if caller.is_some() {
        conditions.push_str(" AND caller = :caller");
        parameters.push((":caller", &caller));
    }
    let mut statement = connection.prepare_cached(&format!("SELECT * FROM events WHERE {conditions} ORDER BY no LIMIT :wanted"))?;
    let mut rows = statement
        .query_map(parameters.as_slice(), |row| Ok((EventNo(row.get::<_, i64>("no")?.unsigned_abs()), event(row))))?
        .collect::<Result<Vec<_>, _>>()?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(no, _)| *no);
    Ok(EventPage { events: rows.into_iter().filter_map(|(no, event)| readable(no, event)).collect(), next })
}

/// One row that cannot be read must not hide the others.
fn readable(no: EventNo, event: Result<Event, Fault>) -> Option<Event> {
    event.inspect_err(|fault| log::error!(event:% = no, fault:%; "an event cannot be read and is left out")).ok()
}

fn event(row: &Row<'_>) -> Result<Event, Fault> {
    let no = uint(row, "no")?;
    let text: String = row.get("news")?;
    Ok(Event {
        no: EventNo(no),
        task: TaskId::from(Uuid::from_bytes(row.get("task")?)),
        caller: row.get::<_, Option<_>>("caller")?.map(KeyId),
        at: Timestamp(uint(row, "at")?),
        news: serde_json::from_str(&text).map_err(|error| Fault::Corrupt(format!("event {no} {text:?}: {error}")))?,
    })
}

fn span(connection: &Connection) -> Result<EventSpan, Fault> {
    let latest = latest(connection)?;
    let oldest: Option<i64> =
        connection.prepare_cached("SELECT no FROM events ORDER BY no LIMIT 1")?.query_row([], |row| row.get(0)).optional()?;
    Ok(EventSpan { oldest: EventNo(oldest.map_or(latest + 1, i64::unsigned_abs)), latest: EventNo(latest) })
}

/// The number given out last, also if its event was forgotten.
fn latest(connection: &Connection) -> Result<u64, Fault> {
    let mut statement = connection.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?;
    let latest: Option<i64> = statement.query_row([], |row| row.get(0)).optional()?;
    Ok(latest.unwrap_or(0).unsigned_abs())
}

/// Numbers may have gaps where writes were taken back, so a little fewer than `keep` may be left.
fn forget(connection: &Connection, keep: u64) -> Result<u64, Fault> {
    let end = int(latest(connection)?.saturating_sub(keep));
    let mut statement =
        connection.prepare_cached("DELETE FROM events WHERE no IN (SELECT no FROM events WHERE no <= ?1 ORDER BY no LIMIT ?2)")?;
    Ok(statement.execute((end, int(EventQuery::MAX_LIMIT as u64)))? as u64)
}
