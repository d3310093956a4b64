//! The one node that a database in a data directory has. It is kept in memory: the lock on the directory lets nobody else come, and what is
//! written every few seconds would only keep the disk awake.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use crate::domain::node::{Heartbeat, Node, NodeState, Workforce};
use crate::domain::timestamp::Timestamp;
use crate::stores::nodes::{Duty, NodeStore};
use crate::stores::sqlite::SqliteDb;
use crate::stores::sqlite::rows::Now;
use crate::stores::tasks::TaskStoreError;

/// A node, and when it was heard last.
struct Heard {
    told: Heartbeat,
    started_at: Timestamp,
    at: Now,
}

/// What is known of nodes, by name.
#[derive(Default)]
pub(super) struct Nodes(Mutex<BTreeMap<String, Heard>>);

impl Nodes {
    /// Nothing panics under the lock.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Heard>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn beat(&self, told: Heartbeat, at: Now) {
        let mut nodes = self.lock();
        let known = nodes.get(&told.node).filter(|known| known.told.run == told.run);
        let started_at = known.map_or(at.wall, |known| known.started_at);
        nodes.insert(told.node.clone(), Heard { told, started_at, at });
    }

    fn list(&self, now: Now) -> Vec<Node> {
        let node = |Heard { told, started_at, at }: &Heard| Node {
            told: told.clone(),
            started_at: *started_at,
            heard_at: at.wall,
            silent_for: now.engine.saturating_sub(at.engine),
            is_janitor: true,
        };
        self.lock().values().map(node).collect()
    }

    /// What all but one can do; in service that is nothing.
    fn others(&self, node: &str, now: Now) -> Workforce {
        let others = self.list(now).into_iter().filter(|other| other.told.node != node && other.state() == NodeState::Running);
        others.map(|other| other.told.workforce()).sum()
    }

    fn forget(&self, mut is_forgotten: impl FnMut(&Heard) -> bool) -> u64 {
        let mut nodes = self.lock();
        let before = nodes.len();
        nodes.retain(|_, heard| !is_forgotten(heard));
        (before - nodes.len()) as u64
    }
}

impl NodeStore for SqliteDb {
    fn beat(&self, heartbeat: Heartbeat) -> BoxFuture<'static, Result<Workforce, TaskStoreError>> {
        let (node, now) = (heartbeat.node.clone(), self.clock.now());
        self.nodes.beat(heartbeat, now);
        ready(Ok(self.nodes.others(&node, now))).boxed()
    }

    fn nodes(&self) -> BoxFuture<'static, Result<Vec<Node>, TaskStoreError>> {
        ready(Ok(self.nodes.list(self.clock.now()))).boxed()
    }

    fn leave(&self, node: String) -> BoxFuture<'static, Result<(), TaskStoreError>> {
        self.nodes.forget(|heard| heard.told.node == node);
        ready(Ok(())).boxed()
    }

    fn forget_silent(&self, silent_for: Duration) -> BoxFuture<'static, Result<u64, TaskStoreError>> {
        let now = self.clock.now().engine;
        ready(Ok(self.nodes.forget(|heard| now.saturating_sub(heard.at.engine) > silent_for))).boxed()
    }

    fn janitor_duty(&self) -> Arc<dyn Duty> {
        Arc::new(OnlyServer)
    }
}

/// Whoever has locked the data directory has every duty.
struct OnlyServer;

impl Duty for OnlyServer {
    fn hold(&self) -> BoxFuture<'static, bool> {
        ready(true).boxed()
    }

    fn is_held(&self) -> bool {
        true
    }
}
