//! Pages of tasks.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query, ReqData};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::actors::frontend::{ListTasks, TaskCursor, TaskQuery};
use crate::domain::access::Caller;
use crate::domain::error_code::ErrorCode;
use crate::domain::task::TaskState;
use crate::http::problem::Problem;
use crate::http::{ANSWER_DEADLINE, HttpState};

/// Tasks on a page unless the client asks for another number, and at most.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// The query of [`list`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    state: Option<String>,
    cursor: Option<u64>,
    limit: Option<usize>,
}

impl ListQuery {
    fn parse(&self, caller: Caller) -> Result<TaskQuery, Problem> {
        let state = self.state.as_deref().map(str::parse::<TaskState>).transpose();
        let state = state.map_err(|error| Problem::new(ErrorCode::InvalidRequest, error.to_string()))?;
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Problem::new(ErrorCode::InvalidRequest, format!("limit must be from 1 to {MAX_LIMIT}")));
        }
        Ok(TaskQuery { caller: caller.confined_to(), state, after: self.cursor.map(TaskCursor), limit })
    }
}

/// `GET /v1/tasks?state=&cursor=&limit=`: ids and states, oldest first; `next` is the cursor of the page after.
pub(crate) async fn list(state: Data<HttpState>, caller: ReqData<Caller>, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    let page = state.frontend.send(ListTasks(query.parse(*caller)?)).timeout(ANSWER_DEADLINE).await??;
    let tasks: Vec<Value> = page.tasks.iter().map(|task| json!({ "id": task.id, "state": task.state, "run": task.run })).collect();
    Ok(HttpResponse::Ok().json(json!({ "tasks": tasks, "next": page.next.map(|cursor| cursor.0) })))
}
