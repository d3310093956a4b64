//! The classic routes.

use actix_web::http::Method;
use utoipa::openapi::{Content, Required};

use crate::domain::error_code::ErrorCode;
use crate::http::openapi::files::{accept_header, image_of, result_problems};
use crate::http::openapi::operation::Described;
use crate::http::openapi::schemas::{bytes, formatted, object, text, uuid};
use crate::http::openapi::tasks::{form, upload_problems};

const TAG: &str = "classic";

pub(super) fn operations() -> Vec<Described> {
    vec![new_image(), is_ready(), get_image()]
}

fn new_image() -> Described {
    let accepted = object([("id", uuid().into()), ("is_ready", text().into()), ("image", text().into())]);
    Described::new(Method::POST, "/newImage", TAG, "newImage", "Hand in an image")
        .about("The body is the image, or a form whose first part with a file is.")
        .classic()
        .query("pipeline", "A pipeline in either form, or the name of a preset. Not with `variants`.", formatted("pipeline"))
        .query("variants", "Pipelines by the names of their results. Not with `pipeline`.", formatted("variants"))
        .body(
            Required::True,
            vec![("application/octet-stream", Content::new(Some(bytes()))), ("multipart/form-data", Content::new(Some(form(&[]))))],
        )
        .answer(202, "The image and its task are durable: the id, as a word or as JSON.")
        .content(202, "text/plain", text())
        .content(202, "application/json", accepted)
        .problems(&upload_problems())
}

fn is_ready() -> Described {
    let state = object([("id", text().into()), ("state", text().into())]);
    Described::new(Method::GET, "/image/isReady", TAG, "isReady", "Ask whether an image is ready")
        .classic()
        .required_query("id", "The task.", uuid())
        .query("variant", "One of its results; all of them if none is named.", formatted("variant"))
        .answer(200, "`in progress`, `finished` or `failed: <code>`.")
        .content(200, "text/plain", text())
        .content(200, "application/json", state)
        .problems(&[ErrorCode::InvalidRequest, ErrorCode::NotFound])
}

fn get_image() -> Described {
    let get = Described::new(Method::GET, "/image/get", TAG, "getImage", "Download a result")
        .classic()
        .required_query("id", "The task.", uuid())
        .query("variant", "One of several results.", formatted("variant"));
    accept_header(image_of(get, "The image.")).problems(&result_problems()).problems(&[ErrorCode::InvalidRequest])
}
