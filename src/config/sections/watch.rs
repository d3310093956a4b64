//! Clients that wait for tasks, and streams of events.

use std::time::Duration;

use crate::config::kind::{Count, Time};
use crate::config::schema::section;

section! {
    /// Watching: requests that wait for the end of a task (`Prefer: wait=10`), and streams of events.
    pub struct WatchConfig = "watch" {
        /// How long a request may wait at the most; one that wants to wait longer waits so long.
        longest_wait: Duration = fixed(Time { min: Duration::ZERO, max: Duration::from_hours(1) }, "60s"),
        /// How many requests may wait at the same time; further ones are refused with 503 and `Retry-After`.
        max_waiters: u32 = fixed(Count { min: 0_u32, max: 1_000_000 }, "4096"),
        /// How many streams may be open at the same time; further ones are refused with 503 and `Retry-After`.
        max_streams: u32 = fixed(Count { min: 0_u32, max: 1_000_000 }, "4096"),
        /// How many events a stream holds for a client that reads too slowly. Then it is ended, and the client can go on
        /// behind the last event that it has read.
        stream_buffer: u32 = fixed(Count { min: 1_u32, max: 100_000 }, "256"),
        /// How long a stream may be silent; then it sends an empty line, so that nobody in between takes it for dead.
        heartbeat: Duration = fixed(Time { min: Duration::from_millis(100), max: Duration::from_hours(1) }, "15s"),
        /// How many events are kept for streams that begin behind an earlier one; older ones are forgotten.
        keep_events: u32 = fixed(Count { min: 0_u32, max: 1_000_000_000 }, "100000"),
    }
}
