//! The server as its users and its operators see it: a real process, asked over HTTP. One module per subject.

#![allow(missing_docs, unreachable_pub, reason = "tests document themselves by their names; nothing outside uses their helpers")]

mod bad_input;
mod formats;
mod harness;
mod images;
#[cfg(feature = "faults")]
mod jobs;
#[cfg(feature = "faults")]
mod kills;
mod operator;
#[cfg(feature = "faults")]
mod panics;
mod raw;
#[cfg(feature = "faults")]
mod resize;
mod routes;
mod settings;
mod slow_clients;
#[cfg(feature = "faults")]
mod stop_and_start;
mod whole_path;
