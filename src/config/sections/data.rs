//! Where everything is kept.

use std::path::PathBuf;

use crate::config::kind::{Blobs, Directory, Size, Tasks};
use crate::config::schema::section;
use crate::config::{BlobPlace, TaskPlace};

section! {
    /// What is kept where: one SQLite database and one tree of blobs in a directory, unless other places are named.
    pub struct DataConfig = "data" {
        /// The directory that holds everything; it is made when it is not there. A relative path starts at the working
        /// directory. A second server on the same directory refuses to start.
        dir: PathBuf = fixed(Directory, "./data"),
use crate::config::kind::{Blobs, Directory, Size, Tasks};
use crate::config::{BlobPlace, TaskPlace};
        /// How much of the disk uploads leave free: one that would leave less is refused with 507 before its body is read, so
        /// that results and the database still have room. It is measured once a second; 0 lets uploads fill the disk.
        min_free: u64 = fixed(Size { min: 0, max: 1 << 50 }, "256MiB"),
    }
}
