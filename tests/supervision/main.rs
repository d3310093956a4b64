//! Supervision, promise by promise. Time is virtual: it jumps to the next timer whenever nothing else can happen.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error has failed, and says where")]

mod backoff;
mod escalation;
mod facts;
mod harness;
mod lost;
mod model;
mod monitor;
mod pool;
mod restarting;
mod start_and_stop;
mod strategies;
mod tree;
