//! API keys: made, listed, rotated, revoked.

use std::time::Duration;

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::actors::frontend::{CreateKey, FrontendError, GetKey, ListKeys, RevokeKey, RotateKey, ShownKey};
use crate::domain::access::{Key, KeyChange, KeyId, KeyName, NewKey, Quota, Scopes};
use crate::domain::error_code::ErrorCode;
use crate::domain::whole;
use crate::http::problem::Problem;
use crate::http::time::rfc3339;
use crate::http::{ANSWER_DEADLINE, HttpState, body};

/// One key as its users see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Key)]
pub struct KeyBody {
    /// What names it in lists, in logs and in paths.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is good for.
    #[schema(value_type = Vec<String>)]
    pub scopes: Scopes,
    /// How much it may use.
    pub quota: Quota,
    /// When it was made (RFC 3339).
    #[schema(format = DateTime)]
    pub created_at: String,
    /// From when on it is good for nothing.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// Since when it is good for nothing.
    #[schema(format = DateTime)]
    pub revoked_at: Option<String>,
    /// Until when the secret before the present one is good, too.
    #[schema(format = DateTime)]
    pub former_secret_until: Option<String>,
    /// What its holder shows; only ever in the answer that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl From<&Key> for KeyBody {
    fn from(key: &Key) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.to_string(),
            scopes: key.scopes,
            quota: key.quota,
            created_at: rfc3339(key.created_at),
            expires_at: key.expires_at.map(rfc3339),
            revoked_at: key.revoked_at.map(rfc3339),
            former_secret_until: key.former.map(|former| rfc3339(former.until)),
            key: None,
        }
    }
}

impl From<&ShownKey> for KeyBody {
    fn from(shown: &ShownKey) -> Self {
        Self { key: Some(shown.secret.reveal()), ..Self::from(&shown.key) }
    }
}

/// The name of a scope, for the description of the interface.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used; `Scopes` reads and prints the names")]
pub(crate) enum ScopeName {
    Submit,
    Read,
    Admin,
}

/// What a key is made from.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = NewKey)]
#[serde(deny_unknown_fields)]
pub struct NewKeyBody {
    /// What people call it: one line.
    #[schema(min_length = 1, max_length = 64, pattern = r"^[ -~]*$")]
    pub name: String,
    /// What it is good for.
    #[schema(value_type = Vec<ScopeName>, min_items = 1)]
    pub scopes: Scopes,
    /// How much it may use; nothing is bounded unless it is named.
    #[serde(default, deserialize_with = "quota")]
    pub quota: Quota,
    /// How many seconds it is good for; for ever where nothing is said.
    #[serde(default, deserialize_with = "whole::optional")]
    #[schema(minimum = 1, maximum = 3_162_240_000_u64)]
    pub expires_in: Option<u64>,
}

/// An object and nothing else, as with the body around it.
fn quota<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Quota, D::Error> {
    let object = Map::deserialize(deserializer)?;
    serde_json::from_value(Value::Object(object)).map_err(|error| D::Error::custom(format!("quota: {error}")))
}

impl NewKeyBody {
    fn parse(self) -> Result<NewKey, Problem> {
        let invalid = |why: String| Problem::new(ErrorCode::InvalidRequest, why);
        let name: KeyName = self.name.parse().map_err(|error| invalid(format!("name: {error}")))?;
        let expires_in = self.expires_in.map(Duration::from_secs);
        if expires_in.is_some_and(|time| !NewKey::LIFE.contains(&time)) {
            return Err(invalid(format!("expires_in: expected 1 to {} seconds", NewKey::LIFE.end().as_secs())));
        }
        Ok(NewKey { name, scopes: self.scopes, quota: self.quota, expires_in })
    }
}

/// How a secret is rotated: that of a key, or of a webhook.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = Rotation)]
#[serde(deny_unknown_fields)]
pub struct RotateBody {
    /// How many seconds the present secret stays good; a day where nothing is said.
    #[serde(default, deserialize_with = "whole::optional")]
    #[schema(minimum = 0, maximum = 7_776_000)]
    pub overlap: Option<u64>,
}

impl RotateBody {
    pub(super) fn parse(self) -> Result<Duration, Problem> {
        let overlap = self.overlap.map_or(KeyChange::USUAL_OVERLAP, Duration::from_secs);
        if overlap <= KeyChange::LONGEST_OVERLAP {
            return Ok(overlap);
        }
        let longest = KeyChange::LONGEST_OVERLAP.as_secs();
        Err(Problem::new(ErrorCode::InvalidRequest, format!("overlap: expected 0 to {longest} seconds")))
    }
}

/// A text that is no id names no key.
fn named(id: &str) -> Result<KeyId, Problem> {
    id.parse().map_err(|_| FrontendError::NoSuchApiKey.into())
}

/// `GET /v1/keys`: every key, oldest first.
pub(crate) async fn list(state: Data<HttpState>) -> Result<HttpResponse, Problem> {
    let keys = state.frontend.send(ListKeys).timeout(ANSWER_DEADLINE).await??;
    let keys: Vec<KeyBody> = keys.iter().map(KeyBody::from).collect();
    Ok(HttpResponse::Ok().json(json!({ "keys": keys })))
}

/// `POST /v1/keys`: 201 with the new key; what its holder shows is in this answer and in no other.
pub(crate) async fn create(state: Data<HttpState>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let new: NewKeyBody = body::json(&request, payload, &state.uploads).await?;
    let shown = state.frontend.send(CreateKey(new.parse()?)).timeout(ANSWER_DEADLINE).await??;
    let location = (LOCATION, format!("/v1/keys/{}", shown.key.id));
    Ok(HttpResponse::Created().insert_header(location).insert_header(NO_STORE).json(KeyBody::from(&shown)))
}

/// An answer with a secret is kept by nobody on its way.
const NO_STORE: (&str, &str) = ("cache-control", "no-store");

/// `GET /v1/keys/{id}`.
pub(crate) async fn get(state: Data<HttpState>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let key = state.frontend.send(GetKey { id: named(&id)? }).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::Ok().json(KeyBody::from(&key)))
}

/// `DELETE /v1/keys/{id}`: once it is answered, nobody is let in by the key. It stays in the list.
pub(crate) async fn revoke(state: Data<HttpState>, id: Path<String>) -> Result<HttpResponse, Problem> {
    state.frontend.send(RevokeKey { id: named(&id)? }).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /v1/keys/{id}/rotate`: a new secret; the present one stays good for `overlap` seconds.
pub(crate) async fn rotate(
    state: Data<HttpState>,
    request: HttpRequest,
    id: Path<String>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let how: Option<RotateBody> = body::optional_json(&request, payload, &state.uploads).await?;
    let rotate = RotateKey { id: named(&id)?, overlap: how.unwrap_or_default().parse()? };
    let shown = state.frontend.send(rotate).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(KeyBody::from(&shown)))
}
