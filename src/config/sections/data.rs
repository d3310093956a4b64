//! Where the embedded stores keep their files.

use std::path::PathBuf;

use crate::config::kind::{Directory, Size};
use crate::config::schema::section;

section! {
    /// The embedded stores: one SQLite database and one tree of blobs.
    pub struct DataConfig = "data" {
        /// The directory that holds everything; it is made when it is not there. A relative path starts at the working
        /// directory. A second server on the same directory refuses to start.
        dir: PathBuf = fixed(Directory, "./data"),
        /// How much of the disk uploads leave free: one that would leave less is refused with 507 before its body is read, so
        /// that results and the database still have room. It is measured once a second; 0 lets uploads fill the disk.
        min_free: u64 = fixed(Size { min: 0, max: 1 << 50 }, "256MiB"),
    }
}
