//! Webhooks: endpoints registered, listed, rotated, deleted; their deliveries listed and sent again; and what is sent.

use std::str::FromStr;

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path, Payload, Query, ReqData};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::actors::frontend::{
    AddWebhook, AskWebhooks, DeliveriesOf, DeliveryQuery, FindWebhook, FrontendError, ListWebhooks, RemoveWebhook, ReplayDelivery,
    RotateWebhook, ShownWebhook, WebhooksError,
};
use crate::domain::access::Caller;
use crate::domain::error_code::ErrorCode;
use crate::domain::ids::TaskId;
use crate::domain::task::Task;
use crate::domain::webhook::{Attempted, Delivery, DeliveryId, DeliveryState, Occasion, Webhook, WebhookId, WebhookUrl};
use crate::http::keys::RotateBody;
use crate::http::problem::Problem;
use crate::http::tasks::bodies::TaskBody;
use crate::http::time::rfc3339;
use crate::http::{ANSWER_DEADLINE, HttpState, body};

/// What an endpoint is sent: what happened, when, and the task as `GET /v1/tasks/{id}` shows it, without its attempts.
#[must_use]
pub fn letter(occasion: Occasion, task: &Task) -> String {
    json!({ "type": occasion.as_str(), "timestamp": task.ended_at.map(rfc3339), "data": TaskBody::from(task) }).to_string()
}

/// One endpoint as its owner sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookBody {
    #[schema(value_type = String, format = "uuid")]
    id: WebhookId,
    /// Where it is.
    url: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// Until when deliveries are signed with the secret before the present one, too.
    #[schema(format = DateTime)]
    former_secret_until: Option<String>,
    /// What deliveries are signed with; only ever in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl From<&Webhook> for WebhookBody {
    fn from(webhook: &Webhook) -> Self {
        Self {
            id: webhook.id,
            url: webhook.url.to_string(),
            created_at: rfc3339(webhook.created_at),
            former_secret_until: webhook.former.as_ref().map(|former| rfc3339(former.until)),
            secret: None,
        }
    }
}

impl From<&ShownWebhook> for WebhookBody {
    fn from(ShownWebhook(shown): &ShownWebhook) -> Self {
        Self { secret: Some(shown.secret.reveal()), ..Self::from(shown) }
    }
}

/// One delivery. Its moments go by the server's calendar of retention.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryBody {
    /// The same at every attempt: `webhook-id`.
    #[schema(value_type = String, format = "uuid")]
    id: DeliveryId,
    /// What it tells: `task.finished`, `task.failed` or `task.cancelled`.
    #[serde(rename = "type")]
    occasion: &'static str,
    /// The task that it tells of.
    #[schema(value_type = String, format = "uuid")]
    task: TaskId,
    #[schema(value_type = String, pattern = "^(waiting|delivered|given_up)$")]
    state: DeliveryState,
    /// How often it was sent.
    attempts: u32,
    #[schema(format = DateTime)]
    created_at: String,
    /// When it is sent next, while it waits.
    #[schema(format = DateTime)]
    next_at: Option<String>,
    /// When it was delivered or given up.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// When the last attempt ended.
    #[schema(format = DateTime)]
    last_at: Option<String>,
    /// What the endpoint answered then.
    last_status: Option<u16>,
    /// Why it did not answer.
    last_error: Option<String>,
}

impl From<&Delivery> for DeliveryBody {
    fn from(delivery: &Delivery) -> Self {
        let (last_status, last_error) = match &delivery.last {
            Some(Attempted::Answered(status)) => (Some(*status), None),
            Some(Attempted::Unanswered(why)) => (None, Some(why.clone())),
            None => (None, None),
        };
        Self {
            id: delivery.id,
            occasion: delivery.occasion.as_str(),
            task: delivery.task,
            state: delivery.state,
            attempts: delivery.attempts,
            created_at: rfc3339(delivery.created_at),
            next_at: delivery.next_at.map(rfc3339),
            ended_at: delivery.ended_at.map(rfc3339),
            last_at: delivery.last_at.map(rfc3339),
            last_status,
            last_error,
        }
    }
}

/// What an endpoint is made from.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewWebhook)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWebhookBody {
    /// Where it is: `https`, at a host whose addresses are all public.
    #[schema(format = "webhook_url")]
    url: String,
}

impl NewWebhookBody {
    fn parse(&self) -> Result<WebhookUrl, Problem> {
        self.url.parse().map_err(|error| Problem::new(ErrorCode::InvalidWebhook, format!("{error}")))
    }
}

/// `POST /v1/webhooks`: 201 with the new endpoint; its secret is in this answer and in no other.
pub(crate) async fn create(
    state: Data<HttpState>,
    caller: ReqData<Caller>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let new: NewWebhookBody = body::json(&request, payload, &state.uploads).await?;
    let add = AskWebhooks(AddWebhook { caller: *caller, url: new.parse()? });
    let made = state.frontend.send(add).timeout(ANSWER_DEADLINE).await??;
    let location = (LOCATION, format!("/v1/webhooks/{}", made.0.id));
    Ok(HttpResponse::Created().insert_header(location).insert_header(NO_STORE).json(WebhookBody::from(&made)))
}

/// An answer with a secret is kept by nobody on its way.
const NO_STORE: (&str, &str) = ("cache-control", "no-store");

/// `GET /v1/webhooks`: every endpoint, oldest first.
pub(crate) async fn list(state: Data<HttpState>, caller: ReqData<Caller>) -> Result<HttpResponse, Problem> {
    let webhooks = state.frontend.send(AskWebhooks(ListWebhooks { caller: *caller })).timeout(ANSWER_DEADLINE).await??;
    let webhooks: Vec<_> = webhooks.iter().map(WebhookBody::from).collect();
    Ok(HttpResponse::Ok().json(json!({ "webhooks": webhooks })))
}

/// A text that is no id names nothing that is there.
fn named<T: FromStr>(id: &str) -> Result<T, Problem> {
    id.parse().map_err(|_| FrontendError::from(WebhooksError::NotFound).into())
}

/// `GET /v1/webhooks/{id}`.
pub(crate) async fn get(state: Data<HttpState>, caller: ReqData<Caller>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let find = AskWebhooks(FindWebhook { caller: *caller, id: named(&id)? });
    let found = state.frontend.send(find).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::Ok().json(WebhookBody::from(&found)))
}

/// `DELETE /v1/webhooks/{id}`: with everything that it was still to be told.
pub(crate) async fn delete(state: Data<HttpState>, caller: ReqData<Caller>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let remove = AskWebhooks(RemoveWebhook { caller: *caller, id: named(&id)? });
    state.frontend.send(remove).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /v1/webhooks/{id}/rotate`: a new secret; deliveries carry a signature by the present one as well for `overlap` seconds.
pub(crate) async fn rotate(
    state: Data<HttpState>,
    caller: ReqData<Caller>,
    request: HttpRequest,
    id: Path<String>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let how: Option<RotateBody> = body::optional_json(&request, payload, &state.uploads).await?;
    let rotate = RotateWebhook { caller: *caller, id: named(&id)?, overlap: how.unwrap_or_default().parse()? };
    let rotated = state.frontend.send(AskWebhooks(rotate)).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(WebhookBody::from(&rotated)))
}

/// Deliveries on a page unless the client asks for another number, and at most.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// The query of [`deliveries`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveriesQuery {
    cursor: Option<u64>,
    limit: Option<usize>,
}

/// `GET /v1/webhooks/{id}/deliveries?cursor=&limit=`: latest first; `next` is the cursor of the page after.
pub(crate) async fn deliveries(
    state: Data<HttpState>,
    caller: ReqData<Caller>,
    id: Path<String>,
    query: Query<DeliveriesQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::new(ErrorCode::InvalidRequest, format!("limit must be from 1 to {MAX_LIMIT}")));
    }
    let query = DeliveryQuery { webhook: named(&id)?, before: query.cursor, limit };
    let page = state.frontend.send(AskWebhooks(DeliveriesOf { caller: *caller, query })).timeout(ANSWER_DEADLINE).await??;
    let deliveries: Vec<_> = page.deliveries.iter().map(DeliveryBody::from).collect();
    Ok(HttpResponse::Ok().json(json!({ "deliveries": deliveries, "next": page.next })))
}

/// `POST /v1/webhooks/{id}/deliveries/{delivery}/retry`: 202; it is sent again at once, and tried as long as a new one.
pub(crate) async fn retry(state: Data<HttpState>, caller: ReqData<Caller>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (webhook, id) = path.into_inner();
    let retry = ReplayDelivery { caller: *caller, webhook: named(&webhook)?, delivery: named(&id)? };
    let replayed = state.frontend.send(AskWebhooks(retry)).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::Accepted().json(DeliveryBody::from(&replayed)))
}
