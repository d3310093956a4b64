//! The server as its users and its operators see it: a real process, asked over HTTP. One module per subject.

#![allow(missing_docs, reason = "tests document themselves by their names")]

mod harness;
mod images;
mod whole_path;
