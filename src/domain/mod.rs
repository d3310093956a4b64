//! The words everything else is written in: pure types, no I/O, no actor.

pub mod access;
pub mod asset;
pub mod blob;
pub mod error_code;
pub mod faults;
pub mod format;
pub mod ids;
pub mod limits;
mod name;
pub mod node;
pub mod pace;
pub mod pipeline;
pub mod probe;
pub mod task;
pub mod timestamp;
pub mod webhook;
pub(crate) mod whole;
