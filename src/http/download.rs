//! Response bodies: streams a blob from its file, never whole in memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use actix_web::body::SizedStream;
use actix_web::http::header::{
    ContentDisposition, DispositionParam, DispositionType, ETag, EntityTag, Header, IfNoneMatch, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use futures::stream::{self, Stream};

use crate::actors::frontend::{AssetFile, Image};
use crate::domain::blob::BlobMeta;
use crate::domain::format::Format;
use crate::domain::pipeline::VariantName;

/// How much is read from the disk at once, in bytes.
const CHUNK: u64 = 256 * 1024;

/// The image of a task.
pub(crate) fn image(image: Image) -> HttpResponse {
    let stem = match image.variant {
        VariantName::RESULT => image.id.to_string(),
        variant => format!("{}-{variant}", image.id),
    };
    file(&stem, image.format, image.blob, image.file)
}

/// An asset, or 304 where the request says that it has these bytes already (RFC 9110, 13.1.2).
pub(crate) fn asset(request: &HttpRequest, AssetFile { asset, file: bytes }: AssetFile) -> HttpResponse {
    let tag = entity_tag(asset.blob);
    let known = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    if known { HttpResponse::NotModified().insert_header(tag).finish() } else { file(asset.name.as_str(), asset.format, asset.blob, bytes) }
}

/// An image with its content type, its digest as a strong entity tag, and a name to save it under.
fn file(stem: &str, format: Format, blob: BlobMeta, bytes: File) -> HttpResponse {
    let name = format!("{stem}.{}", format.name());
    let disposition = ContentDisposition { disposition: DispositionType::Inline, parameters: vec![DispositionParam::Filename(name)] };
    HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header(entity_tag(blob))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header(disposition)
        .body(SizedStream::new(blob.len, read_all(bytes, blob.len)))
}

/// The digest of a blob as a strong entity tag.
pub(crate) fn entity_tag(blob: BlobMeta) -> ETag {
    ETag(EntityTag::new_strong(blob.sha256.to_string()))
}

/// The first `len` bytes of `file`, read on the blocking pool.
fn read_all(file: File, len: u64) -> impl Stream<Item = io::Result<Bytes>> {
    let file = Arc::new(file);
    stream::try_unfold(0, move |offset| {
        let file = Arc::clone(&file);
        async move {
            if offset >= len {
                return Ok(None);
            }
            let chunk = web::block(move || read_at(&file, offset, CHUNK.min(len - offset))).await.map_err(io::Error::other)??;
            let next = offset + chunk.len() as u64;
            Ok(Some((chunk, next)))
        }
    })
}

/// Exactly `len` bytes at `offset`; a file that is shorter is an error, since blobs never shrink.
fn read_at(file: &File, offset: u64, len: u64) -> io::Result<Bytes> {
    let len = usize::try_from(len).expect("a chunk is at most 256 KiB");
    let mut buffer = vec![0; len];
    file.read_exact_at(&mut buffer, offset)?;
    Ok(Bytes::from(buffer))
}
