//! Webhooks and their deliveries.

use actix_web::http::Method;
use utoipa::openapi::Required;
use utoipa::openapi::schema::Type;

use crate::domain::error_code::ErrorCode;
use crate::http::openapi::operation::Described;
use crate::http::openapi::schemas::{delivery, integer, list, new_webhook, object, or_null, rotation, shown_webhook, uuid, webhook};
use crate::http::openapi::server::SMALL_BODY;

const TAG: &str = "webhooks";

pub(super) fn operations() -> Vec<Described> {
    vec![list_all(), create(), get(), delete(), rotate(), deliveries(), retry()]
}

fn list_all() -> Described {
    Described::new(Method::GET, "/v1/webhooks", TAG, "listWebhooks", "List webhooks")
        .about("A caller sees the own ones, an admin all.")
        .json(200, "Oldest first, without secrets.", object([("webhooks", list(webhook()))]))
}

fn create() -> Described {
    use ErrorCode as E;
    let described = Described::new(Method::POST, "/v1/webhooks", TAG, "createWebhook", "Register an endpoint that is told of tasks")
        .about("A task names it by its id (`webhook`). Deliveries follow Standard Webhooks.")
        .json_body(Required::True, new_webhook())
        .json(201, "The webhook; `secret` is what deliveries are signed with, in this answer and in no other.", shown_webhook())
        .answer_header(201, "Location", "The webhook.")
        .problems(&SMALL_BODY)
        .problems(&[E::EmptyBody, E::UnsupportedMediaType, E::InvalidWebhook, E::TooManyWebhooks, E::StorageFull]);
    let next = ["getWebhook", "rotateWebhook", "listDeliveries", "deleteWebhook"];
    next.into_iter().fold(described, |described, operation| described.link(201, operation, "id", "$response.body#/id"))
}

/// An operation about one webhook.
fn one(method: Method, path: &'static str, id: &str, summary: &str) -> Described {
    Described::new(method, path, TAG, id, summary).path("id", "The webhook.", uuid()).problems(&[ErrorCode::NotFound])
}

fn get() -> Described {
    one(Method::GET, "/v1/webhooks/{id}", "getWebhook", "One webhook").json(200, "The webhook, without its secret.", webhook())
}

fn delete() -> Described {
    one(Method::DELETE, "/v1/webhooks/{id}", "deleteWebhook", "Delete a webhook, with everything that it was still to be told")
        .answer(204, "It is told nothing any more.")
        .problems(&[ErrorCode::StorageFull])
}

fn rotate() -> Described {
    one(Method::POST, "/v1/webhooks/{id}/rotate", "rotateWebhook", "Give a webhook a new secret")
        .json_body(Required::False, rotation())
        .json(200, "The webhook with its new secret; deliveries are signed with the former one, too, for the overlap.", shown_webhook())
        .problems(&SMALL_BODY)
        .problems(&[ErrorCode::UnsupportedMediaType, ErrorCode::StorageFull])
}

fn deliveries() -> Described {
    one(Method::GET, "/v1/webhooks/{id}/deliveries", "listDeliveries", "What a webhook was told and is to be told, latest first")
        .query("cursor", "`next` of the page before.", integer(0, u64::MAX))
        .query("limit", "Deliveries on a page; 50 where nothing is said.", integer(1, 500))
        .json(
            200,
            "A page; `next` is the cursor of the page after, `null` on the last one.",
            object([("deliveries", list(delivery())), ("next", or_null(Type::Integer))]),
        )
        .problems(&[ErrorCode::InvalidRequest])
}

fn retry() -> Described {
    one(Method::POST, "/v1/webhooks/{id}/deliveries/{delivery}/retry", "retryDelivery", "Send a delivery again")
        .path("delivery", "The delivery.", uuid())
        .json(202, "The delivery; it is sent at once, and tried as long as a new one.", delivery())
        .problems(&[ErrorCode::StorageFull])
}
