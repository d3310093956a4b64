//! One connection, for the time of one piece of work.

use std::sync::atomic::{AtomicU8, Ordering};

use deadpool_postgres::Object;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};

use crate::stores::hints::Hint;
use crate::stores::postgres::fault::Fault;

/// Values for the placeholders of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection of the pool. Statements are prepared once for each connection; those that are awaited together share a round trip and are
/// run in the order in which they are named.
pub(super) struct Session {
    connection: Object,
    hint: AtomicU8,
}

impl Session {
    pub(super) fn new(connection: Object) -> Self {
        Self { connection, hint: AtomicU8::new(Hint::NONE.bits()) }
    }

    pub(super) async fn query(&self, statement: &str, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        let prepared = self.connection.prepare_cached(statement).await?;
        Ok(self.connection.query(&prepared, values).await?)
    }

    pub(super) async fn query_opt(&self, statement: &str, values: Values<'_>) -> Result<Option<Row>, Fault> {
        Ok(self.query(statement, values).await?.pop())
    }

    /// The first row of a statement that always has one.
    pub(super) async fn query_one(&self, statement: &str, values: Values<'_>) -> Result<Row, Fault> {
        let row = self.query_opt(statement, values).await?;
        row.ok_or_else(|| Fault::Corrupt(format!("no row for {statement:?}")))
    }

    /// The number of rows that were changed.
    pub(super) async fn execute(&self, statement: &str, values: Values<'_>) -> Result<u64, Fault> {
        let prepared = self.connection.prepare_cached(statement).await?;
        Ok(self.connection.execute(&prepared, values).await?)
    }

    /// Runs statements that take no values.
    pub(super) async fn run(&self, script: &str) -> Result<(), tokio_postgres::Error> {
        self.connection.batch_execute(script).await
    }

    /// Notes what other servers may want to look at once the work is committed.
    pub(super) fn hint(&self, hint: Hint) {
        self.hint.fetch_or(hint.bits(), Ordering::Relaxed);
    }

    /// What was noted.
    pub(super) fn hints(&self) -> Hint {
        Hint::from_bits(self.hint.load(Ordering::Relaxed))
    }

    /// Closes the connection instead of giving it back; whatever it was in the middle of is undone.
    pub(super) fn discard(self) {
        drop(Object::take(self.connection));
    }
}

/// A column as it is in the row.
pub(super) fn column<'a, T: FromSql<'a>>(row: &'a Row, name: &str) -> Result<T, Fault> {
    row.try_get(name).map_err(|error| Fault::Corrupt(super::fault::with_cause(&error)))
}
