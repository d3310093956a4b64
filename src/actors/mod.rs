//! The services, each an actor, under the supervision tree.

pub mod supervision;
