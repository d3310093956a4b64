//! A blob on its way out of the store: in ranges, each with a deadline, into a file or only through the digest.

use futures::StreamExt;
use object_store::path::Path;
use object_store::{Attribute, GetOptions, GetRange, ObjectStore};

use crate::domain::blob::{BlobKey, BlobMeta, Sha256};
use crate::stores::blobs::{BlobStoreError, OpenBlob};
use crate::stores::s3::Inner;
use crate::stores::s3::bucket::{deadline, told, within};
use crate::stores::s3::put::{PART, SHA256};
use crate::stores::s3::spool::{Sink, readable};

/// Brings a blob here and opens it. Bytes that are not what was put are fetched once more, and then given to nobody.
pub(super) async fn open(inner: &Inner, key: BlobKey) -> Result<OpenBlob, BlobStoreError> {
    for _ in 0..2 {
        let sink = inner.spool.sink().await?;
        let Fetched { sink, expected } = fetch(inner, key, sink).await?;
        let (file, found) = sink.finish().await?;
        if let Some(file) = file.filter(|_| expected.is_none_or(|expected| expected == found.sha256)) {
            return readable(&file, found.len);
        }
        log::warn!(blob:% = key; "a blob came out of the store changed");
    }
    let damaged = std::io::Error::new(std::io::ErrorKind::InvalidData, format!("the blob {key} is not what was put: its digest differs"));
    Err(damaged.into())
}

/// What a blob is now.
pub(super) async fn digest(inner: &Inner, key: BlobKey) -> Result<BlobMeta, BlobStoreError> {
    let fetched = fetch(inner, key, Sink::default()).await?;
    Ok(fetched.sink.finish().await?.1)
}

struct Fetched {
    sink: Sink,
    /// The digest that was noted beside the bytes when they were put.
    expected: Option<Sha256>,
}

async fn fetch(inner: &Inner, key: BlobKey, sink: Sink) -> Result<Fetched, BlobStoreError> {
    let path = inner.bucket.path_of(key);
    let head = inner.bucket.head(&path).await?;
    let expected = head.attributes.get(&Attribute::Metadata(SHA256.into())).and_then(|text| text.parse().ok());
    let len = head.meta.size;
    let sink = within(deadline(inner.bucket.timeout, len), ranges(inner, &path, len, sink)).await?;
    Ok(Fetched { sink, expected })
}

/// Range by range: a request has one deadline, however long the blob.
async fn ranges(inner: &Inner, path: &Path, len: u64, mut sink: Sink) -> Result<Sink, BlobStoreError> {
    let mut at = 0;
    while at < len {
        let end = (at + PART).min(len);
        let options = GetOptions { range: Some(GetRange::Bounded(at..end)), ..GetOptions::default() };
        let mut stream = inner.bucket.store.get_opts(path, options).await.map_err(told)?.into_stream();
        while let Some(bytes) = stream.next().await {
            let bytes = bytes.map_err(told)?;
            at += bytes.len() as u64;
            sink = sink.take(bytes).await?;
        }
        if at != end {
            return Err(BlobStoreError::Unavailable("the S3 store sent less than was asked for".into()));
        }
    }
    Ok(sink)
}
