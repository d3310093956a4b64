//! What the stores promise. The conformance suite knows traits only and runs on every engine; the other modules test what
//! is particular to one engine, the state machine against a model, and a task's life under faults.

mod blob_fixtures;
mod conformance;
mod fixtures;
#[cfg(feature = "faults")]
mod life;
mod local_fs;
mod property;
mod sqlite;
