//! The life of a task: attempts, pauses between them, deadlines, leases; and how many tasks may wait.

use std::time::Duration;

use crate::config::kind::{Count, Keep, Size, Time};
use crate::config::schema::section;
use crate::domain::task::Retention;

section! {
    /// Tasks: how often they are tried, for how long, and how many may be unfinished.
    pub struct TasksConfig = "tasks" {
        /// How many attempts a task has before it fails for good. An attempt that the image's own error ended is not repeated.
        max_attempts: u32 = fixed(Count { min: 1_u32, max: 100 }, "3"),
        /// How many attempts may be given back because the server ended them (a drain, a restart) and not the image.
        max_refunds: u32 = fixed(Count { min: 0_u32, max: 1000 }, "10"),
        /// The pause after the first failed attempt; it doubles with every further one, a fifth more or less. With 250 ms and
        /// three attempts a task whose process was killed runs again within a second each time: the second pause is 600 ms at most.
        backoff_min: Duration = fixed(Time { min: Duration::ZERO, max: Duration::from_hours(24) }, "250ms"),
        /// The longest pause between two attempts.
        backoff_max: Duration = fixed(Time { min: Duration::ZERO, max: Duration::from_hours(24) }, "30s"),
        /// How long one attempt may run, by the clock on the wall; then its process is killed.
        deadline: Duration = fixed(Time { min: Duration::from_millis(100), max: Duration::from_hours(24) }, "30s"),
        /// How often a worker confirms that it still holds its task.
        heartbeat: Duration = fixed(Time { min: Duration::from_millis(10), max: Duration::from_hours(1) }, "5s"),
        /// How long a task belongs to a worker that does not confirm it; then another worker may take it.
        lease: Duration = fixed(Time { min: Duration::from_millis(20), max: Duration::from_hours(24) }, "20s"),
        /// How long a task is kept, with its original and its results, once it has finished, failed or been cancelled; then it
        /// is deleted. An upload may ask for another time (`expires_in`). With "never" everything is kept until it is deleted.
        expires_in: Retention = live(Keep, "never"),
        /// How many tasks may be unfinished at the same time; more are refused with 503 and `Retry-After`.
        queue_limit: u32 = fixed(Count { min: 1_u32, max: 10_000_000 }, "10000"),
        /// How many bytes the originals of the unfinished tasks may have together. An upload that does not tell its
        /// length reserves `uploads.max_bytes` of them.
        queue_bytes: u64 = fixed(Size { min: 1 << 10, max: 1 << 44 }, "10GiB"),
    }
}
