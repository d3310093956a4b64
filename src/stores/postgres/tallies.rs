//! What waits and what is stored, counted in the transaction that changes it, each node in rows of its own.

use std::collections::BTreeMap;
use std::ops::{Add, Sub};

use futures::try_join;
use tokio_postgres::Row;

use crate::domain::access::KeyId;
use crate::domain::task::Task;
use crate::stores::postgres::Rules;
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{bytes, int, number};
use crate::stores::postgres::session::Session;
use crate::stores::postgres::writes::Step;
use crate::stores::tasks::{Backlog, CallerUsage, Usage};

/// What tasks come to, or by how much that changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    tasks: i64,
    bytes: i64,
    stored: i64,
}

impl Tally {
    fn of(task: &Task) -> Self {
        let original = int(task.original.len);
        let results: i64 = task.results.values().map(|result| int(result.blob.len)).sum();
        let open = task.state.is_open();
        Self { tasks: open.into(), bytes: if open { original } else { 0 }, stored: original + results }
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { tasks: self.tasks + other.tasks, bytes: self.bytes + other.bytes, stored: self.stored + other.stored }
    }
}

impl Sub for Tally {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { tasks: self.tasks - other.tasks, bytes: self.bytes - other.bytes, stored: self.stored - other.stored }
    }
}

/// By caller, in an order that all transactions have.
type Tallies = BTreeMap<Option<KeyId>, Tally>;

/// Counts what steps have changed.
pub(super) async fn add(session: &Session, rules: &Rules, steps: &[Step]) -> Result<(), Fault> {
    let mut tallies = Tallies::new();
    for Step { before, transition, .. } in steps {
        let after = if transition.gone { Tally::default() } else { Tally::of(&transition.task) };
        let tally = tallies.entry(before.caller).or_default();
        *tally = *tally + (after - Tally::of(before));
    }
    write(session, rules, &tallies).await
}

/// Counts new tasks.
pub(super) async fn add_new(session: &Session, rules: &Rules, tasks: &[Task]) -> Result<(), Fault> {
    let mut tallies = Tallies::new();
    for task in tasks {
        let tally = tallies.entry(task.caller).or_default();
        *tally = *tally + Tally::of(task);
    }
    write(session, rules, &tallies).await
}

async fn write(session: &Session, rules: &Rules, tallies: &Tallies) -> Result<(), Fault> {
    let all = tallies.values().fold(Tally::default(), |sum, tally| sum + *tally);
    let of_keys: Vec<_> =
        tallies.iter().filter(|(_, tally)| **tally != Tally::default()).filter_map(|(key, tally)| Some(((*key)?, *tally))).collect();
    try_join!(write_backlog(session, rules, all), write_usage(session, rules, &of_keys))?;
    Ok(())
}

async fn write_backlog(session: &Session, rules: &Rules, all: Tally) -> Result<(), Fault> {
    if (all.tasks, all.bytes) == (0, 0) {
        return Ok(());
    }
    let statement = "INSERT INTO backlog AS mine VALUES ($1::text, $2::bigint, $3::bigint)
         ON CONFLICT (node) DO UPDATE SET tasks = mine.tasks + $2, bytes = mine.bytes + $3";
    session.execute(statement, &[&rules.node, &all.tasks, &all.bytes]).await.map(drop)
}

async fn write_usage(session: &Session, rules: &Rules, tallies: &[(KeyId, Tally)]) -> Result<(), Fault> {
    if tallies.is_empty() {
        return Ok(());
    }
    fn each<T>(tallies: &[(KeyId, Tally)], of: impl Fn(&Tally) -> T) -> Vec<T> {
        tallies.iter().map(|(_, tally)| of(tally)).collect()
    }
    let callers: Vec<_> = tallies.iter().map(|(key, _)| key.0.to_vec()).collect();
    let statement = "INSERT INTO usage AS mine (caller, node, tasks, bytes, stored)
         SELECT caller, $5::text, tasks, bytes, stored
         FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[]) AS more (caller, tasks, bytes, stored)
         ON CONFLICT (caller, node) DO UPDATE
             SET tasks = mine.tasks + excluded.tasks, bytes = mine.bytes + excluded.bytes, stored = mine.stored + excluded.stored";
    let [tasks, bytes, stored] =
        [each(tallies, |tally| tally.tasks), each(tallies, |tally| tally.bytes), each(tallies, |tally| tally.stored)];
    session.execute(statement, &[&callers, &tasks, &bytes, &stored, &rules.node]).await.map(drop)
}

pub(super) async fn backlog(session: &Session) -> Result<Backlog, Fault> {
    let statement = "SELECT coalesce(sum(tasks), 0)::bigint AS tasks, coalesce(sum(bytes), 0)::bigint AS bytes FROM backlog";
    let row = session.query_one(statement, &[]).await?;
    Ok(Backlog { tasks: number(&row, "tasks")?, bytes: number(&row, "bytes")? })
}

pub(super) async fn usage(session: &Session) -> Result<Vec<CallerUsage>, Fault> {
    let statement = "SELECT caller, sum(tasks)::bigint AS tasks, sum(bytes)::bigint AS bytes, sum(stored)::bigint AS stored
         FROM usage GROUP BY caller HAVING sum(tasks) > 0 OR sum(stored) > 0";
    let rows = session.query(statement, &[]).await?;
    rows.iter().map(caller_usage).collect()
}

fn caller_usage(row: &Row) -> Result<CallerUsage, Fault> {
    let usage = Usage { tasks: number(row, "tasks")?, bytes: number(row, "bytes")?, stored: number(row, "stored")? };
    Ok(CallerUsage { caller: KeyId(bytes(row, "caller")?), usage })
}
