//! [`PostgresDb`] as an engine of the suites: in a database of its own, whose clock the suite holds in its hand.

use std::sync::Arc;

use safelight::domain::task::RetryPolicy;
use safelight::stores::assets::AssetStore;
use safelight::stores::events::EventStore;
use safelight::stores::key_values::KeyValueStore;
use safelight::stores::keys::KeyStore;
use safelight::stores::nodes::NodeStore;
use safelight::stores::postgres::{PostgresDb, PostgresOptions};
use safelight::stores::tasks::TaskStore;
use safelight::stores::webhooks::WebhookStore;

use crate::cluster::{Cluster, Sql};
use crate::conformance::assets::AssetEngine;
use crate::conformance::key_values::KeyValueEngine;
use crate::conformance::keys::KeyEngine;
use crate::conformance::nodes::NodeEngine;
use crate::fixtures::{HandClock, TaskEngine};

/// What the database calls the clock, from now on: a row that the test sets. It begins at a whole millisecond, near the present.
const HAND_CLOCK: &str = "CREATE TABLE IF NOT EXISTS safelight.hand_clock AS SELECT (extract(epoch FROM now()) * 1000)::bigint AS millis;
     CREATE OR REPLACE FUNCTION safelight.moment() RETURNS bigint LANGUAGE sql STABLE
         AS $$ SELECT millis * 1000 FROM safelight.hand_clock $$";

/// Takes the clock of an open database into the test's hand. It stays where it was left when the database is opened anew.
pub(crate) fn take_clock(url: &str) -> HandClock {
    let hand = Sql::connect(url);
    hand.run(HAND_CLOCK);
    HandClock::told_to(move |by| hand.run(&format!("UPDATE safelight.hand_clock SET millis = millis + {}", by.as_millis())))
}

/// An engine over a database of its own.
pub(crate) struct Postgres {
    pub(crate) url: String,
    pub(crate) clock: HandClock,
    policy: RetryPolicy,
    db: Option<Arc<PostgresDb>>,
}

impl Postgres {
    /// `None`, with the reason told, where there is no PostgreSQL.
    pub(crate) fn new(policy: RetryPolicy) -> Option<Self> {
        let cluster = Cluster::shared().inspect_err(|reason| println!("skipped: {reason}")).ok()?;
        let url = cluster.database();
        let db = open(&url, "node", policy);
        let clock = take_clock(&url);
        Some(Self { url, clock, policy, db: Some(db) })
    }

    pub(crate) fn fresh() -> Option<Self> {
        Self::new(RetryPolicy::default())
    }

    pub(crate) fn db(&self) -> Arc<PostgresDb> {
        Arc::clone(self.db.as_ref().unwrap())
    }

    /// The same database, opened by another server as well.
    pub(crate) fn beside(&self, node: &str) -> Arc<PostgresDb> {
        open(&self.url, node, self.policy)
    }
}

pub(crate) fn open(url: &str, node: &str, policy: RetryPolicy) -> Arc<PostgresDb> {
    let options = PostgresOptions { node: node.into(), policy, ..PostgresOptions::default() };
    Arc::new(PostgresDb::open(url, options).unwrap())
}

impl TaskEngine for Postgres {
    fn tasks(&self) -> Arc<dyn TaskStore> {
        self.db()
    }

    fn events(&self) -> Arc<dyn EventStore> {
        self.db()
    }

    fn webhooks(&self) -> Arc<dyn WebhookStore> {
        self.db()
    }

    fn clock(&self) -> &HandClock {
        &self.clock
    }

    fn reopen(&mut self) {
        self.db = None;
        self.db = Some(open(&self.url, "node", self.policy));
    }
}

impl AssetEngine for Postgres {
    fn assets(&self) -> Arc<dyn AssetStore> {
        self.db()
    }

    fn tasks(&self) -> Arc<dyn TaskStore> {
        self.db()
    }

    fn reopen(&mut self) {
        TaskEngine::reopen(self);
    }
}

impl KeyValueEngine for Postgres {
    fn key_values(&self) -> Arc<dyn KeyValueStore> {
        self.db()
    }

    fn reopen(&mut self) {
        TaskEngine::reopen(self);
    }
}

impl KeyEngine for Postgres {
    fn keys(&self) -> Arc<dyn KeyStore> {
        self.db()
    }

    fn reopen(&mut self) {
        TaskEngine::reopen(self);
    }
}

impl NodeEngine for Postgres {
    fn nodes(&self) -> Arc<dyn NodeStore> {
        self.db()
    }

    fn clock(&self) -> &HandClock {
        &self.clock
    }
}
