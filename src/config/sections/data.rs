//! Where the embedded stores keep their files.

use std::path::PathBuf;

use crate::config::kind::Directory;
use crate::config::schema::section;

section! {
    /// The embedded stores: one SQLite database and one tree of blobs.
    pub struct DataConfig = "data" {
        /// The directory that holds everything; it is made when it is not there. A relative path starts at the working
        /// directory. A second server on the same directory refuses to start.
        dir: PathBuf = fixed(Directory, "./data"),
    }
}
