//! One bucket: the client with its deadlines and retries, where things lie below the prefix, and errors by what they mean.

use std::time::Duration;

use futures::TryStreamExt;
use futures::stream::StreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder, Checksum};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, GetOptions, GetResult, ObjectStore, ObjectStoreExt, RetryConfig};

use crate::domain::blob::BlobKey;
use crate::stores::blobs::BlobStoreError;
use crate::stores::s3::S3Options;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// How long the question may take whether the store answers at all.
const CHECK: Duration = Duration::from_secs(2);

/// How often a request is repeated that failed on the way or was answered with 5xx.
const RETRIES: usize = 3;

/// How long the pauses before them may be.
const PAUSES: BackoffConfig = BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(2), base: 2. };

/// How much of an error's text is told.
const TOLD: usize = 400;

/// The bucket, and where things lie in it.
pub(super) struct Bucket {
    /// With retries, for what must be done.
    pub(super) store: AmazonS3,
    /// Without, and soon tired: for the question whether the store answers.
    checks: AmazonS3,
    /// For the one question that `object_store` does not ask.
    pub(super) http: reqwest::Client,
    /// How long one request may take.
    pub(super) timeout: Duration,
    prefix: Path,
}

/// An object as a listing tells it.
pub(super) struct Object {
    /// Its name behind that of its place.
    pub(super) name: String,
    pub(super) len: u64,
    /// On the clock of the store, in milliseconds since 1970.
    pub(super) modified: i64,
}

impl Bucket {
    pub(super) fn new(options: &S3Options) -> Result<Self, BlobStoreError> {
        // One provider for the whole process; whoever was first has chosen the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let patient = RetryConfig { backoff: PAUSES, max_retries: RETRIES, retry_timeout: options.timeout * 2 };
        let tired = RetryConfig { max_retries: 0, ..patient.clone() };
        let prefix = Path::parse(&options.prefix).map_err(|error| BlobStoreError::Unavailable(error.to_string()))?;
        let (store, checks) = (client(options, options.timeout, patient)?, client(options, CHECK, tired)?);
        Ok(Self { store, checks, http: reqwest::Client::new(), timeout: options.timeout, prefix })
    }

    /// Where a blob lies. Names come from keys only, so no path leaves the prefix.
    pub(super) fn path_of(&self, key: BlobKey) -> Path {
        self.blobs().join(key.to_string())
    }

    fn blobs(&self) -> Path {
        self.place("blobs")
    }

    /// A place beside the blobs.
    pub(super) fn place(&self, name: &str) -> Path {
        self.prefix.clone().join(name)
    }

    /// What is known of an object, without its bytes.
    pub(super) async fn head(&self, path: &Path) -> Result<GetResult, BlobStoreError> {
        self.store.get_opts(path, GetOptions { head: true, ..GetOptions::default() }).await.map_err(told)
    }

    /// Removes an object; one that is not there is no error.
    pub(super) async fn delete(&self, path: &Path) -> Result<(), BlobStoreError> {
        // The client repeats what was refused, not what was not answered: it takes a removal for one that must not happen twice.
        let deleted = match self.store.delete(path).await {
            Err(object_store::Error::Generic { .. }) => self.store.delete(path).await,
            deleted => deleted,
        };
        match deleted {
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(told(error)),
        }
    }

    /// Moves a blob to where nobody looks for blobs. One of that name that was there before is replaced.
    pub(super) async fn set_aside(&self, key: BlobKey) -> Result<(), BlobStoreError> {
        let (from, to) = (self.path_of(key), self.place("damaged").join(key.to_string()));
        match self.store.copy(&from, &to).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(told(error)),
            Ok(()) => self.delete(&from).await,
        }
    }

    /// Blobs behind a name, in the order of their names, at most `limit`.
    pub(super) async fn list(&self, after: Option<String>, limit: usize) -> Result<Vec<Object>, BlobStoreError> {
        let place = self.blobs();
        let found = match after {
            None => self.store.list(Some(&place)),
            Some(after) => self.store.list_with_offset(Some(&place), &place.clone().join(after)),
        };
        let object = |meta: object_store::ObjectMeta| Object {
            name: meta.location.filename().unwrap_or_default().to_owned(),
            len: meta.size,
            modified: meta.last_modified.timestamp_millis(),
        };
        found.take(limit).map_ok(object).try_collect().await.map_err(told)
    }

    /// The names in a place beside the blobs.
    pub(super) async fn names(&self, place: &str) -> Result<Vec<String>, BlobStoreError> {
        let found = self.store.list(Some(&self.place(place)));
        found.map_ok(|meta| meta.location.filename().unwrap_or_default().to_owned()).try_collect().await.map_err(told)
    }

    /// Whether the store answers, and lets this server in.
    pub(super) async fn check(&self) -> Result<(), BlobStoreError> {
        match self.checks.get_opts(&self.place("check"), GetOptions { head: true, ..GetOptions::default() }).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(told(error)),
        }
    }
}

fn client(options: &S3Options, timeout: Duration, retry: RetryConfig) -> Result<AmazonS3, BlobStoreError> {
    let http = ClientOptions::new().with_timeout(timeout).with_connect_timeout(CONNECT.min(timeout)).with_allow_http(true);
    let builder = AmazonS3Builder::from_env()
        .with_bucket_name(&options.bucket)
        .with_region(&options.region)
        .with_client_options(http)
        .with_retry(retry)
        // Sent with the bytes, so that the store refuses what was changed on the way.
        .with_checksum_algorithm(Checksum::SHA256)
        // One object each; not every store has the other way.
        .with_disable_bulk_delete(true);
    let builder = match &options.endpoint {
        Some(endpoint) => builder.with_endpoint(endpoint),
        None => builder,
    };
    let builder = match &options.credentials {
        Some((key, secret)) => builder.with_access_key_id(key).with_secret_access_key(secret),
        None => builder,
    };
    builder.build().map_err(told)
}

/// What an error means for the caller. A store that cannot be reached, refuses this server or fails within itself is away: nothing that
/// it was asked counts as done. What callers are told names no address, since it may end in the history of a task; the log has it all.
pub(super) fn told(error: object_store::Error) -> BlobStoreError {
    match error {
        object_store::Error::NotFound { .. } => BlobStoreError::NotFound,
        object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. } => BlobStoreError::Exists,
        other => {
            let text = chain(&other);
            if text.contains("507 Insufficient Storage") || text.contains("QuotaExceeded") {
                BlobStoreError::Full
            } else {
                log::info!(error = text.as_str(); "a request to the S3 store failed");
                BlobStoreError::Unavailable(in_short(&text))
            }
        }
    }
}

/// The kind of an error, by its text: the client keeps its types to itself.
fn in_short(text: &str) -> String {
    if text.contains("RequestTimeTooSkewed") {
        return "the S3 store refuses requests by the clock of this server, which differs too much from its own: set the clock".to_owned();
    }
    let status = text.split_once("status code: ").map(|(_, rest)| rest.split(':').next().unwrap_or(rest));
    match status {
        Some(status) => format!("the S3 store answers {}", status.trim()),
        None if text.contains("timed out") || text.contains("Timeout") => "the S3 store does not answer in time".to_owned(),
        None => "the S3 store cannot be reached".to_owned(),
    }
}

/// An error with its causes, on one line of a bounded length.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(TOLD).collect()
}

/// How long a blob of so many bytes may be on its way: the slowest store that is waited for takes a megabyte each second.
pub(super) fn deadline(timeout: Duration, len: u64) -> Duration {
    timeout * 2 + Duration::from_secs(len >> 20)
}

/// Waits for `work` no longer than that.
pub(super) async fn within<T>(deadline: Duration, work: impl Future<Output = Result<T, BlobStoreError>>) -> Result<T, BlobStoreError> {
    let late = |_| Err(BlobStoreError::Unavailable(format!("the S3 store did not answer within {} s", deadline.as_secs())));
    tokio::time::timeout(deadline, work).await.unwrap_or_else(late)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callers_are_told_names_no_address() {
        let told = in_short(
            "Error performing PUT http://10.0.0.7/b/k in 3 s - Server returned non-2xx status code: 503 Service Unavailable: <x/>",
        );
        assert_eq!(told, "the S3 store answers 503 Service Unavailable");
        assert_eq!(
            in_short("error sending request for url (http://10.0.0.7): operation timed out"),
            "the S3 store does not answer in time"
        );
        assert_eq!(in_short("error sending request for url (http://10.0.0.7): connection refused"), "the S3 store cannot be reached");
        let skewed = in_short("Server returned non-2xx status code: 403 Forbidden: <Error><Code>RequestTimeTooSkewed</Code></Error>");
        assert!(skewed.ends_with("set the clock"), "{skewed}");
    }
}
