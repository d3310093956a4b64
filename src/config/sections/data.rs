//! Where everything is kept.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::kind::{Blobs, Directory, OptionalFile, Size, Tasks, Time};
use crate::config::schema::section;
use crate::config::{BlobPlace, TaskPlace};

section! {
    /// What is kept where: one SQLite database and one tree of blobs in a directory, unless other places are named.
    pub struct DataConfig = "data" {
        /// The directory that holds everything; it is made when it is not there. A relative path starts at the working
        /// directory. A second server on the same directory refuses to start.
        dir: PathBuf = fixed(Directory, "./data"),
        /// Where tasks, settings, API keys and webhooks are kept: "local" is an SQLite database in the directory; a URL such as
        /// "postgres://user:password@host/safelight" is a PostgreSQL database (13 or later), in a schema called safelight. A
        /// password is better given by the environment (SAFELIGHT__DATA__TASKS). Servers share it that share the images, too.
        tasks: TaskPlace = fixed(Tasks, "local"),
        /// The authorities that vouch for the database's server, as a file of certificates (PEM); "" means those that browsers trust. It is
        /// used where the URL ends in "?sslmode=require": then everything is encrypted, and the server's certificate must be good for the
        /// host that the URL names. Else nothing is encrypted.
        tasks_ca: Option<PathBuf> = fixed(OptionalFile, ""),
        /// Where images are kept: "local", in the data directory, or in a bucket of an S3-compatible store (`s3`), which then belongs to this
        /// database and to no other.
        blobs: BlobPlace = fixed(Blobs, "local"),
        /// How much of the disk uploads leave free: one that would leave less is refused with 507 before its body is read, so
        /// that results and the database still have room. It is measured once a second; 0 lets uploads fill the disk.
        min_free: u64 = fixed(Size { min: 0, max: 1 << 50 }, "256MiB"),
        /// How long a starting server waits for a database or a store of images that is not there yet. What waiting does not mend (a wrong
        /// password, no such database, a newer schema) is an error at once.
        start_deadline: Duration = fixed(Time { min: Duration::ZERO, max: Duration::from_hours(24) }, "60s"),
    }
}
