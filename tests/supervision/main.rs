//! Supervision, promise by promise. Time is virtual: it jumps to the next timer whenever nothing else can happen.

mod facts;
mod harness;
mod restarting;
