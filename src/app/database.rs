//! Opens the database that the configuration names.

use std::sync::Arc;

use crate::app::AppError;
use crate::config::{BlobPlace, Config, TaskPlace};
use crate::domain::task::RetryPolicy;
use crate::http;
use crate::stores::data_dir::DataDir;
use crate::stores::postgres::{PostgresDb, PostgresOptions};
use crate::stores::sqlite::{SqliteDb, SqliteOptions};
use crate::stores::{Clock, Database};

/// Opens it, in the data directory or elsewhere, under the name of the server that the directory is. Blocks.
pub(super) fn open(config: &Config, data_dir: &DataDir, clock: Clock) -> Result<Arc<dyn Database>, AppError> {
    let policy = RetryPolicy { max_attempts: config.tasks.max_attempts, max_refunds: config.tasks.max_refunds };
    let letter = http::letter;
    match &config.data.tasks {
        TaskPlace::Local => {
            let options = SqliteOptions { clock, policy, letter, ..SqliteOptions::default() };
            Ok(Arc::new(SqliteDb::open(data_dir.path(), options)?))
        }
        TaskPlace::Postgres(url) => {
            let node = data_dir.node()?;
            let blobs = match &config.data.blobs {
                BlobPlace::Local => format!("in the directory of server {node}"),
                // With the address: two stores may have buckets of one name.
                place => format!("in {place} at {}", config.s3.endpoint.as_deref().unwrap_or(&config.s3.region)),
            };
            let roots = config.data.tasks_ca.clone();
            let options = PostgresOptions { node, blobs, roots, policy, letter, ..PostgresOptions::default() };
            Ok(Arc::new(PostgresDb::open(url.expose(), options)?))
        }
    }
}
