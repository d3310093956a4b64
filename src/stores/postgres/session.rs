//! One connection, for the time of one piece of work.

use std::pin::pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Poll;

use deadpool_postgres::Object;
use futures::poll;
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};

use crate::stores::hints::Hint;
use crate::stores::postgres::fault::Fault;

/// Values for the placeholders of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection of the pool. Statements are prepared once for each connection; those that are awaited together share a round trip and are
/// run in the order in which they are named, also where some of them must be prepared first.
pub(super) struct Session {
    connection: Object,
    hint: AtomicU8,
    /// Held until a statement is sent: first come, first served.
    turn: Mutex<()>,
}

impl Session {
    pub(super) fn new(connection: Object) -> Self {
        Self { connection, hint: AtomicU8::new(Hint::NONE.bits()), turn: Mutex::new(()) }
    }

    pub(super) async fn query(&self, statement: &str, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        let turn = self.turn.lock().await;
        let prepared = self.connection.prepare_cached(statement).await?;
        Ok(sent(turn, self.connection.query(&prepared, values)).await?)
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
        let turn = self.turn.lock().await;
        let prepared = self.connection.prepare_cached(statement).await?;
        Ok(sent(turn, self.connection.execute(&prepared, values)).await?)
    }

    /// Runs statements that take no values.
    pub(super) async fn run(&self, script: &str) -> Result<(), tokio_postgres::Error> {
        let turn = self.turn.lock().await;
        sent(turn, self.connection.batch_execute(script)).await
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

/// Sends what is asked, which happens when it is polled first, and lets the next one be sent before it is answered.
async fn sent<T>(turn: MutexGuard<'_, ()>, asked: impl Future<Output = T>) -> T {
    let mut asked = pin!(asked);
    let answered = poll!(asked.as_mut());
    drop(turn);
    match answered {
        Poll::Ready(answer) => answer,
        Poll::Pending => asked.await,
    }
}

/// A column as it is in the row.
pub(super) fn column<'a, T: FromSql<'a>>(row: &'a Row, name: &str) -> Result<T, Fault> {
    row.try_get(name).map_err(|error| Fault::Corrupt(super::fault::with_cause(&error)))
}
