//! Pipelines, before they are used.

use std::num::NonZeroU32;

use actix_web::web::{Data, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use crate::actors::frontend::Explain;
use crate::domain::format::Format;
use crate::domain::pipeline::cost::ImageInfo;
use crate::http::problem::Problem;
use crate::http::{ANSWER_DEADLINE, HttpState, accept, body};

/// The query of [`explain`]: the image that the plan is for, where it is not a photograph of 12 megapixels.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainQuery {
    format: Option<Format>,
    width: Option<NonZeroU32>,
    height: Option<NonZeroU32>,
    frames: Option<NonZeroU32>,
}

impl ExplainQuery {
    fn image(&self) -> ImageInfo {
        let or = |given: Option<NonZeroU32>, usual: u32| given.map_or(usual, NonZeroU32::get);
        let size = (or(self.width, 4000), or(self.height, 3000));
        ImageInfo { frames: or(self.frames, 1), ..ImageInfo::assumed(self.format.unwrap_or(Format::Jpeg), size) }
    }
}

/// `POST /v1/pipelines/explain?format=&width=&height=&frames=`: what the pipeline in the body, in either form, would do to such an image.
/// `Accept` says which formats the output `auto` may choose, as with an upload.
pub(crate) async fn explain(
    state: Data<HttpState>,
    request: HttpRequest,
    query: Query<ExplainQuery>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let bytes = body::small(payload, &state.uploads).await?;
    let question = Explain { text: String::from_utf8_lossy(&bytes).into_owned(), image: query.image(), accepted: accept::images(&request) };
    let explanation = state.frontend.send(question).timeout(ANSWER_DEADLINE).await?;
    Ok(HttpResponse::Ok().json(explanation))
}
