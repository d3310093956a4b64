//! The server itself: health, the tree, the nodes, this document, pipelines before they are used, keys, settings.

use actix_web::http::Method;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{Content, Required};

use crate::domain::error_code::ErrorCode;
use crate::domain::format::Format;
use crate::http::openapi::operation::Described;
use crate::http::openapi::schemas::{
    anything, integer, key, list, new_key, node, object, one_of, or_null, pattern, rotation, shown_key, text,
};

pub(super) fn operations() -> Vec<Described> {
    let mut operations = vec![livez(), readyz(), tree(), nodes(), tree_of_node(), openapi(), explain()];
    operations.extend(keys());
    operations.extend(settings());
    operations
}

fn status() -> impl Into<super::operation::AnySchema> {
    object([("status", text().into())])
}

fn livez() -> Described {
    Described::new(Method::GET, "/livez", "server", "livez", "Whether the actors answer").json(200, "They do.", status())
}

fn readyz() -> Described {
    Described::new(Method::GET, "/readyz", "server", "readyz", "Whether images are taken").json(200, "They are.", status()).problems(&[
        ErrorCode::QueueFull,
        ErrorCode::Draining,
        ErrorCode::StorageFull,
    ])
}

fn tree() -> Described {
    Described::new(Method::GET, "/v1/tree", "server", "getTree", "Every supervisor and actor").json(
        200,
        "The root; each node has its `children`.",
        object([("id", text().into()), ("state", text().into()), ("restarts", integer(0, u64::MAX).into())]),
    )
}

fn nodes() -> Described {
    Described::new(Method::GET, "/v1/nodes", "server", "listNodes", "Every server that shares the database")
        .json(200, "In the order of their names.", object([("nodes", list(node()))]))
        .link(200, "getNodeTree", "id", "$response.body#/nodes/0/id")
}

fn tree_of_node() -> Described {
    Described::new(Method::GET, "/v1/nodes/{id}/tree", "server", "getNodeTree", "The supervision tree of a server, in short")
        .path("id", "The server.", pattern("^[!-.0-~]{1,64}$"))
        .json(
            200,
            "As it told it last: states, restarts and last failures; of workers those that have failed.",
            object([("id", text().into()), ("state", text().into()), ("restarts", integer(0, u64::MAX).into())]),
        )
        .problems(&[ErrorCode::NotFound])
}

fn openapi() -> Described {
    Described::new(Method::GET, "/openapi.json", "server", "getOpenApi", "This document")
        .json(200, "The document.", object([]))
        .asks_nobody()
}

fn explain() -> Described {
    use ErrorCode as E;
    let explanation = object([("pipeline", or_null(Type::String)), ("errors", list(object([("code", text().into())])))]);
    Described::new(Method::POST, "/v1/pipelines/explain", "pipelines", "explainPipeline", "What a pipeline would do to an image")
        .query("format", "The format of the image.", one_of(Format::ALL.into_iter().map(Format::name)))
        .query("width", "Its width in pixels.", integer(1, u32::MAX.into()))
        .query("height", "Its height in pixels.", integer(1, u32::MAX.into()))
        .query("frames", "How many frames it has.", integer(1, u32::MAX.into()))
        .body(Required::False, vec![("text/plain", Content::new(Some(text())))])
        .json(200, "The plan, and every error.", explanation)
        .problems(&[E::InvalidRequest, E::UploadTimeout, E::PayloadTooLarge])
}

/// What a small body is refused with.
pub(super) const SMALL_BODY: [ErrorCode; 3] = [ErrorCode::InvalidRequest, ErrorCode::UploadTimeout, ErrorCode::PayloadTooLarge];

fn one_key(method: Method, path: &'static str, id: &str, summary: &str) -> Described {
    let described = Described::new(method, path, "keys", id, summary).path("id", "The key.", pattern("^[0-9a-f]{16}$"));
    described.problems(&[ErrorCode::NotFound])
}

fn keys() -> Vec<Described> {
    use ErrorCode as E;
    vec![
        Described::new(Method::GET, "/v1/keys", "keys", "listKeys", "List every key that was ever made").json(
            200,
            "Oldest first.",
            object([("keys", list(key()))]),
        ),
        Described::new(Method::POST, "/v1/keys", "keys", "createKey", "Make a key")
            .json_body(Required::True, new_key())
            .json(201, "The key; `key` is what its holder shows, in this answer and in no other.", shown_key())
            .answer_header(201, "Location", "The key.")
            .problems(&SMALL_BODY)
            .problems(&[E::EmptyBody, E::UnsupportedMediaType, E::TooManyKeys, E::StorageFull])
            .link(201, "getKey", "id", "$response.body#/id")
            .link(201, "rotateKey", "id", "$response.body#/id")
            .link(201, "revokeKey", "id", "$response.body#/id"),
        one_key(Method::GET, "/v1/keys/{id}", "getKey", "One key").json(200, "The key, without its secret.", key()),
        one_key(Method::DELETE, "/v1/keys/{id}", "revokeKey", "End a key; it stays in the list")
            .answer(204, "From now on nobody is let in by it.")
            .problems(&[E::StorageFull]),
        one_key(Method::POST, "/v1/keys/{id}/rotate", "rotateKey", "Give a key a new secret")
            .json_body(Required::False, rotation())
            .json(200, "The key with its new secret; the former one stays good for the overlap.", shown_key())
            .problems(&SMALL_BODY)
            .problems(&[E::UnsupportedMediaType, E::KeyRevoked, E::StorageFull]),
    ]
}

fn one_setting(method: Method, id: &str, summary: &str) -> Described {
    Described::new(method, "/v1/settings/{key}", "settings", id, summary).path(
        "key",
        "The key: one of the configuration's, or one of your own.",
        pattern("^[!-.0-~]{1,256}$"),
    )
}

fn settings() -> Vec<Described> {
    use ErrorCode as E;
    let setting = || {
        object([
            ("key", text().into()),
            ("value", anything().into()),
            ("version", or_null(Type::Integer)),
            ("system", utoipa::openapi::schema::Object::with_type(Type::Boolean).into()),
        ])
    };
    vec![
        Described::new(Method::GET, "/v1/settings", "settings", "listSettings", "Every key with the value in force").json(
            200,
            "The configuration's, then your own.",
            object([("settings", list(setting()))]),
        ),
        one_setting(Method::GET, "getSetting", "One key").json(200, "The key with the value in force.", setting()).problems(&[E::NotFound]),
        one_setting(Method::PUT, "putSetting", "Set a key")
            .json_body(Required::True, anything())
            .json(200, "The key with the value in force, which is durable.", setting())
            .link(200, "getSetting", "key", "$response.body#/key")
            .link(200, "deleteSetting", "key", "$response.body#/key")
            .problems(&SMALL_BODY)
            .problems(&[E::InvalidSetting, E::StorageFull]),
        one_setting(Method::DELETE, "deleteSetting", "Remove a key; one of the configuration's falls back to it")
            .answer(204, "It is not set.")
            .problems(&[E::NotFound, E::StorageFull]),
    ]
}
