//! Engines behind the actors: traits, SQLite or PostgreSQL for everything that is kept in rows, local files or S3 for blobs.
//!
//! | module | what lives there |
//! |---|---|
//! | [`tasks`], [`events`], [`key_values`], [`assets`], [`keys`], [`webhooks`], [`nodes`], [`blobs`] | what every engine promises; `tests/stores` holds each engine to it |
//! | [`hints`] | what servers that share a database tell each other |
//! | [`orphans`] | which blobs nothing refers to |
//! | [`backup`] | copies of the embedded stores, checked and brought back |
//! | [`data_dir`] | the locked directory of the embedded engines |
//! | [`sqlite`] | tasks, key-values, assets, API keys and webhooks in one file, one writer, group commit |
//! | [`postgres`] | the same in a database that several servers share |
//! | [`local_fs`] | blobs as files |
//! | `s3` (a feature) | blobs in an S3-compatible store |
//!
//! Every call returns a future that owns what it needs and waits on a channel only, so that it runs on any runtime and
//! blocks none. Dropping the future does not take back a write that is already queued.

mod ages;
pub mod assets;
pub mod backup;
pub mod blobs;
pub mod data_dir;
pub mod events;
mod fault;
pub mod hints;
pub mod key_values;
pub mod keys;
pub mod local_fs;
pub mod nodes;
pub mod orphans;
mod pool;
pub mod postgres;
#[cfg(feature = "s3")]
pub mod s3;
pub mod sqlite;
pub mod tasks;
mod threads;
pub mod webhooks;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use uuid::Uuid;

pub use threads::QueueStats;

use crate::stores::assets::AssetStore;
use crate::stores::events::EventStore;
use crate::stores::hints::Hints;
use crate::stores::key_values::KeyValueStore;
use crate::stores::keys::KeyStore;
use crate::stores::nodes::NodeStore;
use crate::stores::tasks::{TaskStore, TaskStoreError};
use crate::stores::webhooks::WebhookStore;

/// Everything that is kept in rows, by one engine: what is written together must be there together.
pub trait Database: TaskStore + EventStore + KeyValueStore + AssetStore + KeyStore + WebhookStore + NodeStore {
    /// The name of the database, given to it once: that of a copy, too. A shared store of blobs belongs to one.
    fn identity(&self) -> BoxFuture<'static, Result<Uuid, TaskStoreError>>;

    /// Where it is heard that another server has done something; `None` where there can be no other. Hints save waiting, and nothing rests on
    /// them.
    fn hints(&self) -> Option<Hints>;
}

/// The clock of an engine's leases, backoffs and ages: never jumps, never runs backwards. Tests set it by hand.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The system's monotonic clock, counted from this call.
#[must_use]
pub fn monotonic_clock() -> Clock {
    let start = Instant::now();
    Arc::new(move || start.elapsed())
}
