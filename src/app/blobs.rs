//! Opens the store of blobs that the configuration names.

use std::sync::Arc;

use crate::app::AppError;
use crate::config::{BlobPlace, Config};
use crate::stores::blobs::BlobStore;
use crate::stores::data_dir::DataDir;
use crate::stores::local_fs::{LocalBlobs, LocalBlobsOptions};
use crate::stores::{Clock, Database};

/// Opens it, in the data directory or elsewhere; `database` is the one whose rows refer to the blobs. Blocks.
pub(super) fn open(config: &Config, data_dir: &DataDir, database: &dyn Database, clock: Clock) -> Result<Arc<dyn BlobStore>, AppError> {
    let defaults = LocalBlobsOptions::default();
    // Ages must grow beyond the grace, or no orphan would ever be old enough.
    let max_age = defaults.max_age.max(config.janitor.grace);
    match &config.data.blobs {
        BlobPlace::Local => Ok(Arc::new(LocalBlobs::open(data_dir.path(), LocalBlobsOptions { clock, max_age, ..defaults })?)),
        #[cfg(feature = "s3")]
        BlobPlace::S3 { bucket, prefix } => s3::open(config, (bucket, prefix), data_dir, database, (clock, max_age)),
        #[cfg(not(feature = "s3"))]
        BlobPlace::S3 { .. } => {
            let _ = database;
            Err(AppError::NoS3)
        }
    }
}

#[cfg(feature = "s3")]
mod s3 {
    use std::time::Duration;

    use super::*;
    use crate::stores::s3::{S3Blobs, S3Options};

    /// The directory for images on their way, inside the data directory.
    const SPOOL: &str = "spool";

    pub(super) fn open(
        config: &Config,
        (bucket, prefix): (&str, &str),
        data_dir: &DataDir,
        database: &dyn Database,
        (clock, max_age): (Clock, Duration),
    ) -> Result<Arc<dyn BlobStore>, AppError> {
        let owner = futures::executor::block_on(database.identity()).map_err(AppError::Identity)?;
        let (key, secret) = (config.s3.access_key.expose(), config.s3.secret_key.expose());
        let options = S3Options {
            endpoint: config.s3.endpoint.clone(),
            region: config.s3.region.clone(),
            credentials: (!key.is_empty()).then(|| (key.to_owned(), secret.to_owned())),
            timeout: config.s3.timeout,
            clock,
            max_age,
            ..S3Options::new(bucket, prefix, &owner.to_string())
        };
        Ok(Arc::new(S3Blobs::open(&options, &data_dir.path().join(SPOOL))?))
    }
}
