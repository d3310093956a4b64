//! What the stores promise. The conformance suite knows traits only and runs on every engine; the other modules test what
//! is particular to one engine, the state machine against a model, and a task's life under faults.

// The lint's exception for tests sees functions marked as such only, not the helpers and suites beside them.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "faults")]
mod backup;
mod blob_fixtures;
#[cfg(feature = "faults")]
mod campaign;
#[path = "../common/postgres.rs"]
mod cluster;
mod conformance;
#[cfg(feature = "faults")]
#[path = "../common/disk.rs"]
mod disk;
mod durability;
mod fixtures;
mod history;
#[cfg(feature = "faults")]
mod life;
mod local_fs;
#[cfg(feature = "faults")]
#[path = "../common/mutation.rs"]
mod mutation;
mod postgres;
mod postgres_claims;
mod postgres_deliveries;
mod postgres_fixtures;
mod postgres_hints;
mod postgres_uses;
#[path = "../common/proof.rs"]
mod proof;
mod property;
#[cfg(feature = "s3")]
#[path = "../common/proxy.rs"]
mod proxy;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "s3")]
mod s3_fixtures;
#[cfg(feature = "s3")]
#[path = "../common/seaweedfs.rs"]
mod seaweedfs;
mod sqlite;
