//! When leftovers are looked for, and how old they must be.

use std::time::Duration;

use crate::config::kind::{Size, Time};
use crate::config::schema::section;

section! {
    /// The janitor: it deletes tasks that have expired, finishes deletions that were cut off, and sweeps blobs that no task owns,
    /// left behind by crashes and aborted uploads.
    pub struct JanitorConfig = "janitor" {
        /// The pause between two of its rounds.
        interval: Duration = fixed(Time { min: Duration::from_millis(100), max: Duration::from_hours(24 * 7) }, "1m"),
        /// How long a blob without a task must have been complete before it counts as left behind. The task of an upload
        /// is committed right after its blob, within two minutes even if the database is in trouble.
        grace: Duration = fixed(Time { min: Duration::from_mins(5), max: Duration::from_hours(24 * 365) }, "15m"),
        /// The pause between two scrubs, in which every blob that is kept is read and compared with its digest. One that is damaged or
        /// missing shows in the log and in /v1/tree; it is set aside, and whoever asks for it is told `corrupt_blob`.
        scrub_interval: Duration = fixed(Time { min: Duration::from_millis(100), max: Duration::from_hours(24 * 365) }, "1d"),
        /// How many bytes a scrub reads in a second; 0 turns it off.
        scrub_rate: u64 = fixed(Size { min: 0, max: 1 << 40 }, "4MiB"),
    }
}
