//! What the frontend can be asked about tasks, and about the server itself. How one task is, it is not asked: see [`lookup`](super::lookup).

use std::time::Duration;

use actix::{Context, Handler, Message, ResponseActFuture, WrapFuture};
use futures::FutureExt;

use crate::actors::frontend::lookup::is_visible;
use crate::actors::frontend::{ASK_DEADLINE, Frontend, FrontendError, Services};
use crate::actors::master::{CheckAdmission, CheckDispatch};
use crate::actors::storage::{CheckReach, CheckRoom};
use crate::actors::task_db::{GetState, ListByState};
use crate::domain::access::Caller;
use crate::domain::faults;
use crate::domain::ids::TaskId;
use crate::domain::task::{Task, TaskState};
use crate::stores::tasks::{TaskPage, TaskQuery};

/// The reply of a question that other services answer.
type Answer<T> = ResponseActFuture<Frontend, Result<T, FrontendError>>;

/// A task that the caller may see: one of somebody else's is as if it were not there, and one that is being removed is gone.
pub(super) async fn visible(services: &Services, caller: Caller, id: TaskId) -> Result<Task, FrontendError> {
    faults::point("frontend.look_up");
    let task = services.task_db.send(GetState { id }).timeout(ASK_DEADLINE).await??;
    task.filter(|task| is_visible(task, caller)).ok_or(FrontendError::NotFound)
}

/// Asks for a page of tasks; whose is said by the query.
#[derive(Message)]
#[rtype(result = "Result<TaskPage, FrontendError>")]
pub struct ListTasks(pub TaskQuery);

impl Handler<ListTasks> for Frontend {
    type Result = Answer<TaskPage>;

    fn handle(&mut self, ListTasks(query): ListTasks, _: &mut Context<Self>) -> Self::Result {
        Box::pin(list_tasks(self.services.clone(), query).into_actor(self))
    }
}

/// What is being removed leaves a gap on its page.
async fn list_tasks(services: Services, query: TaskQuery) -> Result<TaskPage, FrontendError> {
    let mut page = services.task_db.send(ListByState(query)).timeout(ASK_DEADLINE).await??;
    page.tasks.retain(|task| task.state != TaskState::Deleting);
    Ok(page)
}

/// Asks whether the server does what it is for: it takes images, or works on those that others take. The master answers, so a part of the
/// server that hangs shows.
#[derive(Message)]
#[rtype(result = "Result<(), FrontendError>")]
pub struct GetReadiness;

impl Handler<GetReadiness> for Frontend {
    type Result = Answer<()>;

    fn handle(&mut self, _: GetReadiness, _: &mut Context<Self>) -> Self::Result {
        let services = self.services.clone();
        let is_ready = if services.role.serves() { takes_images(services).left_future() } else { works(services).right_future() };
        Box::pin(is_ready.into_actor(self))
    }
}

async fn takes_images(services: Services) -> Result<(), FrontendError> {
    services.storage.send(CheckRoom).timeout(READINESS_DEADLINE).await??;
    Ok(services.master.send(CheckAdmission).timeout(READINESS_DEADLINE).await??)
}

/// However full the queue is.
async fn works(services: Services) -> Result<(), FrontendError> {
    services.storage.send(CheckReach).timeout(READINESS_DEADLINE).await??;
    Ok(services.master.send(CheckDispatch).timeout(READINESS_DEADLINE).await??)
}

/// How long the master may take to say whether it takes work.
const READINESS_DEADLINE: Duration = Duration::from_secs(2);
