//! The server as its users and its operators see it: a real process, asked over HTTP. One module per subject.

#![allow(missing_docs, unreachable_pub, reason = "tests document themselves by their names; nothing outside uses their helpers")]

mod harness;
mod images;
#[cfg(feature = "faults")]
mod jobs;
#[cfg(feature = "faults")]
mod kills;
#[cfg(feature = "faults")]
mod panics;
#[cfg(feature = "faults")]
mod resize;
#[cfg(feature = "faults")]
mod stop_and_start;
mod whole_path;
