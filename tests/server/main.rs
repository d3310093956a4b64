//! The server as its users and its operators see it: a real process, asked over HTTP. One module per subject.

#![allow(missing_docs, unreachable_pub, reason = "tests document themselves by their names; nothing outside uses their helpers")]

mod access;
mod answer;
mod assets;
mod backup;
mod bad_input;
mod campaign;
mod cancel;
#[path = "../common/postgres.rs"]
mod cluster;
mod delete;
#[path = "../common/disk.rs"]
mod disk;
mod downloads;
mod encrypted;
mod errors;
mod events;
mod expiry;
mod explain;
mod fleet;
mod formats;
mod harness;
#[cfg(feature = "s3")]
mod hints;
mod idempotency;
mod images;
mod janitors;
mod jobs;
mod kills;
mod listed_nodes;
mod listing;
#[path = "../common/mutation.rs"]
mod mutation;
#[cfg(feature = "s3")]
mod nodes;
mod operator;
mod options;
mod panics;
mod postgres;
mod probe;
mod process;
#[path = "../common/proof.rs"]
mod proof;
#[cfg(feature = "s3")]
#[path = "../common/proxy.rs"]
mod proxy;
mod raw;
mod resize;
#[cfg(feature = "s3")]
mod roles;
mod room;
mod routes;
#[cfg(feature = "s3")]
mod s3;
mod scrub;
#[cfg(feature = "s3")]
#[path = "../common/seaweedfs.rs"]
mod seaweedfs;
mod settings;
#[cfg(feature = "s3")]
mod shared_quotas;
mod slow_clients;
mod starting;
mod statuses;
mod stop_and_start;
mod submit;
mod variants;
mod waiting;
mod watching;
mod watermark;
mod webhooks;
mod whole_path;
