//! Response bodies: streams a blob from its file, never whole in memory; all of it, a part, or nothing if the client has it already.

mod conditions;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_RANGE, ContentDisposition, DispositionParam, DispositionType, ETag, EntityTag, HttpDate,
    LastModified, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError};
use futures::stream::{self, Stream};

use crate::actors::frontend::{AssetFile, Image, Part};
use crate::domain::blob::BlobMeta;
use crate::domain::error_code::ErrorCode;
use crate::domain::format::Format;
use crate::domain::pipeline::VariantName;
use crate::domain::timestamp::Timestamp;
use crate::http::download::conditions::{Selection, Validators};
use crate::http::problem::Problem;

/// How much is read from the disk at once, in bytes.
const CHUNK: u64 = 256 * 1024;

/// The longest time that anything may be kept by a client: a year, as RFC 2616 once bounded it.
const LONGEST_CACHED: Duration = Duration::from_hours(24 * 365);

/// A blob with what is told about it.
struct Representation {
    /// The name to save it under, without its extension.
    stem: String,
    format: Format,
    blob: BlobMeta,
    file: File,
    modified: Option<Timestamp>,
    /// How long a client may go on without asking again; `None` if never.
    fresh: Option<Duration>,
}

/// An image of a task. Its bytes never change, so nobody need ask for them twice as long as the task is kept.
pub(crate) fn image(request: &HttpRequest, image: Image) -> HttpResponse {
    let stem = match image.part {
        Part::Result(VariantName::RESULT) => image.id.to_string(),
        Part::Result(variant) => format!("{}-{variant}", image.id),
        Part::Original => format!("{}-original", image.id),
    };
    let left = |at: Timestamp| Duration::from_millis(at.0.saturating_sub(Timestamp::now().0));
    let fresh = image.expires_at.map_or(LONGEST_CACHED, left).min(LONGEST_CACHED);
    let Image { format, blob, file, modified, .. } = image;
    respond(request, Representation { stem, format, blob, file, modified, fresh: Some(fresh) })
}

/// An asset. Its name may stand for other bytes at any time.
pub(crate) fn asset(request: &HttpRequest, AssetFile { asset, file }: AssetFile) -> HttpResponse {
    let stem = asset.name.as_str().to_owned();
    respond(request, Representation { stem, format: asset.format, blob: asset.blob, file, modified: Some(asset.stored_at), fresh: None })
}

/// As much of it as the request asks for.
fn respond(request: &HttpRequest, representation: Representation) -> HttpResponse {
    let len = representation.blob.len;
    let validators = representation.validators();
    match Selection::of(request, &validators, len) {
        Selection::Whole => representation.bytes(StatusCode::OK, 0, len),
        Selection::Part { first, last } => representation.bytes(StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Selection::NotModified => representation.head(StatusCode::NOT_MODIFIED).finish(),
        Selection::PreconditionFailed => {
            let detail = format!("the condition of the request does not hold: the bytes are {}", validators.tag);
            Problem::new(ErrorCode::PreconditionFailed, detail).error_response()
        }
        Selection::Unsatisfiable => unsatisfiable(len),
    }
}

fn unsatisfiable(len: u64) -> HttpResponse {
    let mut response = Problem::new(ErrorCode::RangeNotSatisfiable, format!("the range lies beyond the {len} bytes")).error_response();
    let range = format!("bytes */{len}").parse().expect("digits are a header value");
    response.headers_mut().insert(CONTENT_RANGE, range);
    response
}

impl Representation {
    fn validators(&self) -> Validators {
        let modified = self.modified.map(|at| HttpDate::from(UNIX_EPOCH + Duration::from_millis(at.0)));
        // None that lies in the future, which a clock that was put back makes of it (RFC 9110, 8.8.2.1).
        let modified = modified.filter(|modified| SystemTime::from(*modified) <= SystemTime::now());
        Validators { tag: entity_tag(self.blob).0, modified }
    }

    /// What every answer about it carries.
    fn head(&self, status: StatusCode) -> HttpResponseBuilder {
        let Validators { tag, modified } = self.validators();
        let mut head = HttpResponse::build(status);
        head.insert_header(ETag(tag)).insert_header((CACHE_CONTROL, cache_control(self.fresh)));
        if let Some(modified) = modified {
            head.insert_header(LastModified(modified));
        }
        head
    }

    /// An answer with `len` of its bytes from `first` on.
    fn bytes(self, status: StatusCode, first: u64, len: u64) -> HttpResponse {
        let name = format!("{}.{}", self.stem, self.format.name());
        let disposition = ContentDisposition { disposition: DispositionType::Inline, parameters: vec![DispositionParam::Filename(name)] };
        let mut response = self.head(status);
        response
            .content_type(self.format.media_type())
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((ACCEPT_RANGES, "bytes"))
            .insert_header(disposition);
        if status == StatusCode::PARTIAL_CONTENT {
            response.insert_header((CONTENT_RANGE, format!("bytes {first}-{}/{}", first + len - 1, self.blob.len)));
        }
        response.body(SizedStream::new(len, read(self.file, first, first + len)))
    }
}

/// Images may be private, so only the client itself may keep them.
fn cache_control(fresh: Option<Duration>) -> String {
    fresh.map_or_else(|| "private, no-cache".to_owned(), |fresh| format!("private, max-age={}, immutable", fresh.as_secs()))
}

/// The digest of a blob as a strong entity tag.
pub(crate) fn entity_tag(blob: BlobMeta) -> ETag {
    ETag(EntityTag::new_strong(blob.sha256.to_string()))
}

/// The bytes of `file` from `offset` up to `end`, read on the blocking pool.
fn read(file: File, offset: u64, end: u64) -> impl Stream<Item = io::Result<Bytes>> {
    let file = Arc::new(file);
    stream::try_unfold(offset, move |offset| {
        let file = Arc::clone(&file);
        async move {
            if offset >= end {
                return Ok(None);
            }
            let chunk = web::block(move || read_at(&file, offset, CHUNK.min(end - offset))).await.map_err(io::Error::other)??;
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
