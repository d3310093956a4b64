//! Safelight: hand in an image and a pipeline, get an id at once, ask whether it is ready, download the result.
//!
//! The crate is one house; every folder is a floor and may only use the floors below it (`tests/architecture.rs` holds that):
//!
//! | module | what lives there |
//! |---|---|
//! | [`cli`] | one file per subcommand |
//! | [`app`] | builds everything in order and stops it in reverse; the only place that starts actors |
//! | [`http`] | the route table, one file per resource: parse, ask the frontend, map the reply |
//! | [`actors`] | supervision and the services: frontend, master, workers, task_db, notifier, webhooks, storage, key_values, janitor |
//! | [`sandbox`] | the child process in which images are decoded: spawn, frames, limits, its main loop |
//! | [`stores`] | engines behind the actors: SQLite for tasks and key-values, local files for blobs |
//! | [`imaging`] | pixels: probe, decode, operations, encode; knows nothing else |
//! | [`config`] | every setting with its default, its sources and its validation |
//! | [`domain`] | the words everything else is written in: the task's state machine, the pipeline, ids, error codes |

#[cfg(not(panic = "unwind"))]
compile_error!("safelight needs `panic = \"unwind\"`: supervision restarts actors by catching their panics");

pub mod actors;
pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod http;
pub mod imaging;
pub mod sandbox;
pub mod stores;
