//! The servers that share the database, each in a row that it alone writes.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, try_join};
use tokio_postgres::Row;

use crate::domain::node::{Heartbeat, Measured, Node, Workforce};
use crate::domain::timestamp::Timestamp;
use crate::stores::nodes::{Duty, NodeStore};
use crate::stores::postgres::PostgresDb;
use crate::stores::postgres::duty::{CALLED, LOCK};
use crate::stores::postgres::fault::Fault;
use crate::stores::postgres::rows::{json, micros, number, optional, parsed, text};
use crate::stores::postgres::session::{Session, Values, column};
use crate::stores::tasks::TaskStoreError;

impl NodeStore for PostgresDb {
    fn beat(&self, heartbeat: Heartbeat) -> BoxFuture<'static, Result<Workforce, TaskStoreError>> {
        self.write(move |session, _| beat(session, heartbeat.clone()).boxed())
    }

    fn nodes(&self) -> BoxFuture<'static, Result<Vec<Node>, TaskStoreError>> {
        self.read(|session, _| nodes(session).boxed())
    }

    fn leave(&self, node: String) -> BoxFuture<'static, Result<(), TaskStoreError>> {
        self.write(move |session, _| leave(session, node.clone()).boxed())
    }

    fn forget_silent(&self, silent_for: Duration) -> BoxFuture<'static, Result<u64, TaskStoreError>> {
        self.write(move |session, _| forget_silent(session, silent_for).boxed())
    }

    fn janitor_duty(&self) -> Arc<dyn Duty> {
        self.duty.clone()
    }
}

async fn beat(session: &Session, told: Heartbeat) -> Result<Workforce, Fault> {
    // Nobody waits for the disk: whoever writes the next one knows it all.
    session.run("SET LOCAL synchronous_commit = off").await?;
    let ((), others) = try_join!(tell(session, &told), others(session, &told.node))?;
    Ok(others)
}

async fn tell(session: &Session, told: &Heartbeat) -> Result<(), Fault> {
    let statement = "INSERT INTO nodes AS known (node, run, role, version, address, draining, workers, busy, mean_work, rate, tree, every,
             started_at, heard_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, moment(), moment())
         ON CONFLICT (node) DO UPDATE SET run = $2, role = $3, version = $4, address = $5, draining = $6, workers = $7, busy = $8,
             mean_work = $9, rate = $10, tree = $11, every = $12, heard_at = moment(),
             started_at = CASE WHEN known.run = $2 THEN known.started_at ELSE moment() END";
    let Heartbeat { node, run, version, address, draining, .. } = told;
    let (role, tree) = (told.role.as_str(), text(&told.tree.to_string()));
    let (workers, busy, every) = (i64::from(told.workers), i64::from(told.busy), micros(told.interval));
    let (mean_work, rate) = (told.measured.mean_work.map(micros), told.measured.rate);
    let values: Values<'_> = &[node, run, &role, version, address, draining, &workers, &busy, &mean_work, &rate, &tree, &every];
    session.execute(statement, values).await.map(drop)
}

/// What the nodes can do together that are running, but for one.
async fn others(session: &Session, node: &str) -> Result<Workforce, Fault> {
    let statement = "SELECT workers, mean_work, rate FROM nodes
         WHERE node <> $1 AND NOT draining AND moment() - heard_at <= every * $2::bigint ORDER BY node";
    let rows = session.query(statement, &[&node, &i64::from(Node::MISSING)]).await?;
    rows.iter().map(|row| Ok::<_, Fault>(Workforce::of(number(row, "workers")?, measured(row)?))).sum()
}

fn measured(row: &Row) -> Result<Measured, Fault> {
    Ok(Measured { mean_work: optional(row, "mean_work")?.map(Duration::from_micros), rate: column(row, "rate")? })
}

async fn nodes(session: &Session) -> Result<Vec<Node>, Fault> {
    // Who has the duty is not what somebody has told a while ago, but who has the lock.
    let statement = "SELECT node, run, role, version, address, draining, workers, busy, mean_work, rate, tree, every,
             started_at / 1000 AS started_at, heard_at / 1000 AS heard_at, greatest(moment() - heard_at, 0) AS silent_for,
             coalesce($1::text || node = (
                 SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
                 WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND (classid::bigint << 32 | objid::bigint) = $2
                     AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
             ), false) AS is_janitor FROM nodes ORDER BY node";
    session.query(statement, &[&CALLED, &LOCK]).await?.iter().map(node).collect()
}

async fn leave(session: &Session, node: String) -> Result<(), Fault> {
    session.execute("DELETE FROM nodes WHERE node = $1", &[&node]).await.map(drop)
}

async fn forget_silent(session: &Session, silent_for: Duration) -> Result<u64, Fault> {
    session.execute("DELETE FROM nodes WHERE heard_at < moment() - $1::bigint", &[&micros(silent_for)]).await
}

fn node(row: &Row) -> Result<Node, Fault> {
    Ok(Node {
        told: Heartbeat {
            node: column(row, "node")?,
            run: column(row, "run")?,
            role: parsed(row, "role")?,
            version: column(row, "version")?,
            address: column(row, "address")?,
            draining: column(row, "draining")?,
            workers: number(row, "workers")?,
            busy: number(row, "busy")?,
            measured: measured(row)?,
            tree: json(row, "tree")?,
            interval: Duration::from_micros(number(row, "every")?),
        },
        started_at: Timestamp(number(row, "started_at")?),
        heard_at: Timestamp(number(row, "heard_at")?),
        silent_for: Duration::from_micros(number(row, "silent_for")?),
        is_janitor: column(row, "is_janitor")?,
    })
}
