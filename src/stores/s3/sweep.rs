//! Uploads in parts that nobody has completed or aborted: a process died over them, or the store was away. They are invisible, and paid
//! for.

use std::sync::Arc;
use std::time::Duration;

use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};
use serde::Deserialize;

use crate::stores::blobs::BlobStoreError;
use crate::stores::s3::Inner;
use crate::stores::s3::bucket::told;

/// The pause between two sweeps.
const PAUSE: Duration = Duration::from_hours(1);

/// No upload is under way for so long: whoever makes one gives up long before.
const ABANDONED: Duration = Duration::from_hours(6);

/// How long the question may take that is not asked through `object_store`.
const DEADLINE: Duration = Duration::from_secs(30);

/// The answer to `GET /?uploads`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename = "ListMultipartUploadsResult")]
struct Uploads {
    #[serde(rename = "Upload", default)]
    uploads: Vec<Upload>,
}

/// An upload that was begun.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Upload {
    key: String,
    upload_id: String,
    initiated: String,
}

/// Sweeps now, and after every pause.
pub(super) async fn again_and_again(inner: Arc<Inner>) {
    loop {
        match sweep(&inner, ABANDONED).await {
            Ok(0) => {}
            Ok(aborted) => log::info!(aborted; "uploads in parts that nobody completed were aborted"),
            Err(error) => log::warn!(error:% = error; "uploads in parts that nobody completed were not looked for"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Aborts the uploads of blobs that were begun so long ago; says how many.
pub(super) async fn sweep(inner: &Inner, older_than: Duration) -> Result<u64, BlobStoreError> {
    let mut aborted = 0;
    // One page: what is beyond it is met by a later sweep, once these are gone.
    for upload in uploads(inner).await? {
        let begun: Option<jiff::Timestamp> = upload.initiated.parse().ok();
        if begun.is_some_and(|begun| inner.store_clock.age(begun.as_millisecond()) >= older_than) {
            inner.bucket.store.abort_multipart(&Path::from(upload.key), &upload.upload_id).await.map_err(told)?;
            aborted += 1;
        }
    }
    Ok(aborted)
}

async fn uploads(inner: &Inner) -> Result<Vec<Upload>, BlobStoreError> {
    let place = inner.bucket.place("blobs");
    let options = SignedUrlOptions::default().with_query([("prefix", place.as_ref()), ("uploads", "")]);
    let url = inner.bucket.store.signed_url_opts(http_get(), &Path::default(), DEADLINE, &options).await.map_err(told)?;
    // Without its address an error tells no signature.
    let failed = |error: reqwest::Error| BlobStoreError::Unavailable(error.without_url().to_string());
    let answer = inner.bucket.http.get(url).timeout(DEADLINE).send().await.map_err(failed)?;
    let status = answer.status();
    let text = answer.text().await.map_err(failed)?;
    if !status.is_success() {
        return Err(BlobStoreError::Unavailable(format!("it answered {status}")));
    }
    let unreadable = |error: quick_xml::DeError| BlobStoreError::Unavailable(format!("its answer cannot be read: {error}"));
    Ok(quick_xml::de::from_str::<Uploads>(&text).map_err(unreadable)?.uploads)
}

fn http_get() -> reqwest::Method {
    reqwest::Method::GET
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_read_with_none_one_and_several() {
        let read = |inner: &str| {
            let text = format!(
                "<?xml version=\"1.0\"?><ListMultipartUploadsResult xmlns=\"http://s3\"><Bucket>b</Bucket>{inner}</ListMultipartUploadsResult>"
            );
            quick_xml::de::from_str::<Uploads>(&text).unwrap().uploads
        };
        let one = "<Upload><Key>p/blobs/x</Key><UploadId>7</UploadId><Initiated>2026-11-28T19:00:00.000Z</Initiated><Owner/></Upload>";
        assert!(read("").is_empty());
        assert_eq!(read(one)[0].key, "p/blobs/x");
        assert_eq!(read(&one.repeat(3)).len(), 3);
    }
}
