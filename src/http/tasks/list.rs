//! Pages of tasks.

use std::fmt::Write;

use actix_web::HttpResponse;
use actix_web::http::header::LINK;
use actix_web::web::{Data, Query, ReqData};
use serde::Deserialize;

use crate::actors::frontend::{ListTasks, TaskCursor, TaskQuery};
use crate::domain::access::Caller;
use crate::domain::error_code::ErrorCode;
use crate::domain::task::TaskState;
use crate::http::problem::Problem;
use crate::http::tasks::bodies::{ListedBody, TaskPageBody};
use crate::http::time::{parse_rfc3339, rfc3339};
use crate::http::{ANSWER_DEADLINE, HttpState};

/// Tasks on a page unless the client asks for another number, and at most.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// The query of [`list`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    state: Option<String>,
    since: Option<String>,
    cursor: Option<u64>,
    limit: Option<usize>,
}

impl ListQuery {
    fn parse(&self, caller: Caller) -> Result<TaskQuery, Problem> {
        let invalid = |detail: String| Problem::new(ErrorCode::InvalidRequest, detail);
        let state = self.state.as_deref().map(shown_state).transpose().map_err(invalid)?;
        let since = self.since.as_deref().map(|text| parse_rfc3339(text).ok_or_else(|| not_a_moment(text)));
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(invalid(format!("limit must be from 1 to {MAX_LIMIT}")));
        }
        let since = since.transpose().map_err(invalid)?;
        Ok(TaskQuery { caller: caller.confined_to(), state, since, after: self.cursor.map(TaskCursor), limit })
    }
}

/// A state that users may see a task in.
fn shown_state(text: &str) -> Result<TaskState, String> {
    text.parse()
        .ok()
        .filter(|state| *state != TaskState::Deleting)
        .ok_or_else(|| "state must be one of not_started, in_progress, finished, failed, cancelled".to_owned())
}

fn not_a_moment(text: &str) -> String {
    format!("since must be a moment such as 2026-11-23T17:40:00Z (a + is written %2B), found {text:?}")
}

/// `GET /v1/tasks?state=&since=&cursor=&limit=`: tasks in short, oldest first; `next` is the cursor of the page after, and the `Link` header
/// (RFC 8288) has the whole of its address.
pub(crate) async fn list(state: Data<HttpState>, caller: ReqData<Caller>, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    let query = query.parse(*caller)?;
    let page = state.frontend.send(ListTasks(query)).timeout(ANSWER_DEADLINE).await??;
    let tasks = page.tasks.iter().map(ListedBody::from).collect();
    let mut response = HttpResponse::Ok();
    if let Some(next) = page.next {
        response.insert_header((LINK, format!("<{}>; rel=\"next\"", address(&query, next))));
    }
    Ok(response.json(TaskPageBody { tasks, next: page.next.map(|cursor| cursor.0) }))
}

/// Where the page behind a place is.
fn address(query: &TaskQuery, TaskCursor(cursor): TaskCursor) -> String {
    let mut address = format!("/v1/tasks?cursor={cursor}&limit={}", query.limit);
    let mut add = |name: &str, value: &str| write!(address, "&{name}={value}").expect("a text grows");
    if let Some(state) = query.state {
        add("state", state.as_str());
    }
    if let Some(since) = query.since {
        add("since", &rfc3339(since));
    }
    address
}
