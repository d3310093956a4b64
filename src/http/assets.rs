//! Assets: images that pipelines lay over others, by name.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload, Query};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actors::frontend::{AssetQuery, DeleteAsset, FrontendError, GetAsset, ListAssets, PutAsset, StoredAsset};
use crate::domain::asset::{Asset, AssetName, AssetVersion};
use crate::domain::blob::{BlobMeta, Sha256};
use crate::domain::error_code::ErrorCode;
use crate::domain::format::Format;
use crate::http::body::SharedBody;
use crate::http::problem::Problem;
use crate::http::time::rfc3339;
use crate::http::{ANSWER_DEADLINE, HttpState, body, download};

/// Assets on a page unless the client asks for another number, and at most.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// One asset.
#[derive(Serialize, ToSchema)]
#[schema(as = Asset)]
pub(crate) struct AssetBody<'a> {
    #[schema(value_type = String)]
    name: &'a AssetName,
    /// What the name stands for now; a pipeline may name it: `watermark:logo@VERSION`.
    #[schema(value_type = String, format = "uuid")]
    version: AssetVersion,
    #[schema(value_type = String)]
    format: Format,
    bytes: u64,
    #[schema(value_type = String)]
    sha256: Sha256,
    width: u32,
    height: u32,
    #[schema(format = DateTime)]
    stored_at: String,
}

impl<'a> From<&'a Asset> for AssetBody<'a> {
    fn from(asset: &'a Asset) -> Self {
        let Asset { ref name, version, blob: BlobMeta { len, sha256 }, format, width, height, stored_at } = *asset;
        Self { name, version, format, bytes: len, sha256, width, height, stored_at: rfc3339(stored_at) }
    }
}

/// A page of assets.
#[derive(Serialize, ToSchema)]
#[schema(as = AssetPage)]
pub(crate) struct AssetPageBody<'a> {
    assets: Vec<AssetBody<'a>>,
    /// The cursor of the page after; `null` on the last one.
    #[schema(value_type = Option<String>)]
    next: Option<&'a AssetName>,
}

/// `PUT /v1/assets/{name}`: 201 for a new name and 200 for one that stood for another image, once the image is durable.
pub(crate) async fn put(state: Data<HttpState>, request: HttpRequest, name: Path<String>, payload: Payload) -> HttpResponse {
    let body = SharedBody::new(payload);
    match store(&state, &request, &name, body.clone()).await {
        Ok(StoredAsset { asset: stored, replaced }) => {
            let status = if replaced { StatusCode::OK } else { StatusCode::CREATED };
            HttpResponse::build(status).insert_header(download::entity_tag(stored.blob)).json(AssetBody::from(&stored))
        }
        Err(problem) => body.refused_with(problem.error_response()),
    }
}

/// The limits first, then the body: a refusal costs the client no upload.
async fn store(state: &HttpState, request: &HttpRequest, name: &str, body: SharedBody) -> Result<StoredAsset, Problem> {
    let clock = body::BodyClock::start(&state.uploads);
    let name: AssetName = name.parse().map_err(|error| Problem::new(ErrorCode::InvalidRequest, format!("{error}")))?;
    let length = body::announced_length(request, state.uploads.max_bytes)?;
    // A form's length counts its framing as well, so it is none of the file.
    let exact = length.filter(|_| !body::is_multipart(request));
    let upload = state.frontend.send(PutAsset { name, length: exact }).timeout(ANSWER_DEADLINE).await??;
    body::receive(request, body, upload, &clock).await
}

/// A text that is no name names no asset.
fn named(name: &str) -> Result<AssetName, Problem> {
    name.parse().map_err(|_| FrontendError::NoSuchAsset.into())
}

/// `GET /v1/assets/{name}`: the image as it was stored.
pub(crate) async fn get(state: Data<HttpState>, request: HttpRequest, name: Path<String>) -> Result<HttpResponse, Problem> {
    let found = state.frontend.send(GetAsset { name: named(&name)? }).timeout(ANSWER_DEADLINE).await??;
    Ok(download::asset(&request, found))
}

/// `DELETE /v1/assets/{name}`.
pub(crate) async fn delete(state: Data<HttpState>, name: Path<String>) -> Result<HttpResponse, Problem> {
    state.frontend.send(DeleteAsset { name: named(&name)? }).timeout(ANSWER_DEADLINE).await??;
    Ok(HttpResponse::NoContent().finish())
}

/// The query of [`list`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    cursor: Option<AssetName>,
    limit: Option<usize>,
}

impl ListQuery {
    fn parse(self) -> Result<AssetQuery, Problem> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Problem::new(ErrorCode::InvalidRequest, format!("limit must be from 1 to {MAX_LIMIT}")));
        }
        Ok(AssetQuery { after: self.cursor, limit })
    }
}

/// `GET /v1/assets?cursor=&limit=`: by name; `next` is the cursor of the page after.
pub(crate) async fn list(state: Data<HttpState>, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    let page = state.frontend.send(ListAssets(query.into_inner().parse()?)).timeout(ANSWER_DEADLINE).await??;
    let assets = page.assets.iter().map(AssetBody::from).collect();
    Ok(HttpResponse::Ok().json(AssetPageBody { assets, next: page.next.as_ref() }))
}
