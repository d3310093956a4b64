//! What is downloaded, and assets.

use actix_web::http::Method;
use utoipa::openapi::{Content, Required};

use crate::domain::error_code::ErrorCode;
use crate::domain::format::Format;
use crate::http::openapi::operation::Described;
use crate::http::openapi::schemas::{asset, asset_page, bytes, integer, pattern, text};

const TAG: &str = "assets";

/// The name of an asset.
const NAME: &str = "^[a-z][a-z0-9_-]{0,63}$";

pub(super) fn operations() -> Vec<Described> {
    vec![list(), get(), put(), delete()]
}

/// The answers with an image, whole, in part, or not at all.
pub(super) fn image_of(described: Described, about: &str) -> Described {
    let described = described
        .answer(200, about)
        .answer(206, "The part that was asked for; of several, as `multipart/byteranges` or whole.")
        .answer(304, "The client has these bytes.")
        .answer_header(200, "ETag", "The digest of the bytes.")
        .answer_header(200, "Content-Disposition", "A name to save it under.")
        .answer_header(206, "Content-Range", "Which part it is.");
    let formats = Format::ALL.into_iter().map(Format::media_type);
    formats.fold(described, |described, media_type| described.content(200, media_type, bytes()).content(206, media_type, bytes()))
}

/// What a download may be asked for.
pub(super) fn accept_header(described: Described) -> Described {
    described.header("If-None-Match", "Entity tags that the client has (RFC 9110, 13.1.2).", text()).header(
        "Range",
        "The part that is wanted (RFC 9110, 14.2).",
        text(),
    )
}

/// What a download of anything is refused with.
pub(super) const FILE_PROBLEMS: [ErrorCode; 4] =
    [ErrorCode::NotFound, ErrorCode::CorruptBlob, ErrorCode::PreconditionFailed, ErrorCode::RangeNotSatisfiable];

/// What a download of a result is refused with.
pub(super) fn result_problems() -> Vec<ErrorCode> {
    [&FILE_PROBLEMS[..], &[ErrorCode::InProgress, ErrorCode::Cancelled], &task_failures()].concat()
}

/// The codes that a task can fail with.
fn task_failures() -> Vec<ErrorCode> {
    use ErrorCode as E;
    vec![
        E::CorruptImage,
        E::TooWide,
        E::TooTall,
        E::TooManyPixels,
        E::TooManyFrames,
        E::TooManyTotalPixels,
        E::TooLong,
        E::TooMuchMetadata,
        E::MemoryBudgetExceeded,
        E::OutputTooLarge,
        E::OperationFailed,
        E::AssetFailed,
        E::DeadlineExceeded,
        E::WorkerDied,
    ]
}

fn list() -> Described {
    Described::new(Method::GET, "/v1/assets", TAG, "listAssets", "List assets by name")
        .query("cursor", "`next` of the page before.", pattern(NAME))
        .query("limit", "Assets on a page; 50 where nothing is said.", integer(1, 500))
        .json(200, "A page.", asset_page())
        .problems(&[ErrorCode::InvalidRequest])
}

fn one(method: Method, id: &str, summary: &str) -> Described {
    Described::new(method, "/v1/assets/{name}", TAG, id, summary).path("name", "The name of the asset.", pattern(NAME))
}

fn get() -> Described {
    accept_header(image_of(one(Method::GET, "getAsset", "Download an asset"), "The image as it was stored.")).problems(&FILE_PROBLEMS)
}

fn put() -> Described {
    use ErrorCode as E;
    one(Method::PUT, "putAsset", "Store an asset, or let a name stand for another image")
        .body(Required::True, vec![("application/octet-stream", Content::new(Some(bytes())))])
        .json(200, "The name stands for this image now, which is durable.", asset())
        .json(201, "The name is new; the image is durable.", asset())
        .answer_header(200, "ETag", "The digest of the bytes.")
        .answer_header(201, "ETag", "The digest of the bytes.")
        .problems(&[E::InvalidRequest, E::EmptyBody, E::UploadTimeout, E::TooManyAssets, E::PayloadTooLarge, E::UnsupportedFormat])
        .problems(&task_failures())
        .problems(&[E::QueueFull, E::StorageFull])
}

fn delete() -> Described {
    one(Method::DELETE, "deleteAsset", "Take an asset's name away; tasks keep the version that they were accepted with")
        .answer(204, "The name stands for nothing.")
        .problems(&[ErrorCode::NotFound, ErrorCode::StorageFull])
}
