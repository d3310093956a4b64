//! Numbers of tasks and events that become visible in their order, although several servers write at the same time.
//!
//! A sequence gives out numbers in order, but transactions commit in another one: whoever has read number 6 might never hear of 5. To
//! give them out under a lock until the commit would let all servers wait for each other's disk. Instead whoever is about to take numbers
//! first announces, by a shared advisory lock that ends with the transaction, which number was the last before; nobody waits for it. What is
//! read ends at the least announcement that is under way.

use futures::try_join;

use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::number;
use crate::stores::postgres::session::{Session, Values, column};

/// Which numbers.
#[derive(Clone, Copy)]
pub(super) enum Numbers {
    Tasks,
    Events,
}

impl Numbers {
    /// The upper 16 bits of the announcements' locks.
    fn mark(self) -> i64 {
        match self {
            Self::Tasks => 0x5AFD,
            Self::Events => 0x5AFE,
        }
    }

    fn sequence(self) -> &'static str {
        match self {
            Self::Tasks => "task_numbers",
            Self::Events => "event_numbers",
        }
    }
}

/// Announces that the transaction is about to take numbers.
pub(super) async fn announce(session: &Session, numbers: Numbers) -> Result<(), Fault> {
    // A number that is read here too early only holds up the readers for longer: those that are taken are greater.
    let statement = format!("SELECT pg_advisory_xact_lock_shared(($1::bigint << 48) | last_value) FROM {}", numbers.sequence());
    session.query(&statement, &[&numbers.mark()]).await.map(drop)
}

/// The number up to which nothing appears any more that a later statement does not see.
pub(super) async fn settled(session: &Session, numbers: Numbers) -> Result<u64, Fault> {
    let mark = numbers.mark();
    let last = format!("SELECT last_value AS number FROM {}", numbers.sequence());
    // Sent after that one, and run after it. Whoever announces after this statement takes numbers behind what the first one saw; whoever announced before is seen by
    // this one, or has committed.
    let statement = "SELECT min((classid::bigint & 65535) << 32 | objid::bigint) AS number FROM pg_locks
         WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = $1 AND granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let values: Values<'_> = &[&mark];
    let (last, announced) = try_join!(session.query_one(&last, &[]), session.query_one(statement, values))?;
    let (last, announced): (u64, Option<i64>) = (number(&last, "number")?, column(&announced, "number")?);
    Ok(announced.map_or(last, |announced| last.min(announced.unsigned_abs())))
}
