//! What a client may hand in, and how slowly.

use std::time::Duration;

use crate::config::kind::{Size, Time};
use crate::config::schema::section;

section! {
    /// Uploads.
    pub struct UploadConfig = "uploads" {
        /// The largest original, in bytes. A larger one is refused with 413, before its body is read if its length is told.
        max_bytes: u64 = fixed(Size { min: 1 << 10, max: 1 << 36 }, "100MiB"),
        /// How long a body may stall between two of its pieces.
        idle_timeout: Duration = fixed(Time { min: Duration::from_millis(100), max: Duration::from_hours(1) }, "10s"),
        /// How long a whole body may take.
        total_timeout: Duration = fixed(Time { min: Duration::from_millis(100), max: Duration::from_hours(24) }, "5m"),
    }
}
