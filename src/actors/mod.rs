//! The services, each an actor, under the supervision tree.
//!
//! ```text
//! root (one_for_one)
//! ├─ key_values   settings
//! ├─ keys         API keys
//! ├─ storage      blobs
//! ├─ task_db      the one writer of tasks
//! ├─ assets       which version each name of an asset stands for
//! ├─ engine (rest_for_one)
//! │   ├─ master   admission, dispatch, leases, retries
//! │   ├─ spare    one warm child process
//! │   └─ workers  as many as configured, each with a child process
//! ├─ notifier     who waits for tasks or reads events
//! ├─ webhooks     endpoints that are told when tasks have ended
//! ├─ janitor      expiry, deletions, orphans, scrub
//! ├─ nodes        which servers share the database
//! └─ frontend     what HTTP talks to
//! ```
//!
//! Who asks whom: the frontend everybody; the master the task database and the key-values; a worker the master, the
//! storage and the spare; the janitor the storage, the task database and the assets; the nodes the master and the root. News of changed settings go from the
//! key-values to whoever follows them, news of changed tasks from the task database to the notifier
//! and the webhooks.

pub mod assets;
pub mod frontend;
pub mod janitor;
pub mod key_values;
pub mod keys;
pub mod master;
pub mod nodes;
pub mod notifier;
pub mod storage;
pub mod supervision;
pub mod task_db;
pub mod webhooks;
pub mod workers;
