//! How the S3-compatible store of `data.blobs` is reached.

use std::time::Duration;

use crate::config::Secret;
use crate::config::kind::{Hidden, Label, OptionalServer, Time};
use crate::config::schema::section;

section! {
    /// The S3-compatible store, where `data.blobs` names a bucket. A build needs the feature `s3` for it.
    pub struct S3Config = "s3" {
        /// Where the store is; "" means Amazon's own of the region.
        endpoint: Option<String> = fixed(OptionalServer, ""),
        /// The region; stores that have none take any.
        region: String = fixed(Label, "us-east-1"),
        /// The access key; "" means what the environment offers (`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or the role of the machine).
        access_key: Secret = fixed(Hidden, ""),
        /// Its secret. Better in the environment (`SAFELIGHT__S3__SECRET_KEY`) than in a file; it is shown nowhere.
        secret_key: Secret = fixed(Hidden, ""),
        /// How long one request may take, with up to 8 MiB of an image. It is repeated up to three times.
        timeout: Duration = fixed(Time { min: Duration::from_secs(1), max: Duration::from_mins(2) }, "15s"),
    }
}
