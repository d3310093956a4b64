//! Response bodies: streams a blob from its file, never whole in memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType, ETag, EntityTag, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::{self, Bytes};
use futures::stream::{self, Stream};

use crate::actors::frontend::Image;

/// How much is read from the disk at once, in bytes.
const CHUNK: u64 = 256 * 1024;

/// The image with its content type, its digest as a strong entity tag, and a name to save it under.
pub(crate) fn image(image: Image) -> HttpResponse {
    let name = format!("{}.{}", image.id, image.format.name());
    let disposition = ContentDisposition { disposition: DispositionType::Inline, parameters: vec![DispositionParam::Filename(name)] };
    HttpResponse::Ok()
        .content_type(image.format.media_type())
        .insert_header(ETag(EntityTag::new_strong(image.blob.sha256.to_string())))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header(disposition)
        .body(SizedStream::new(image.blob.len, read_all(image.file, image.blob.len)))
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
