//! What the frontend can be asked about tasks, and about the server itself.

use std::fmt;
use std::time::Duration;

use actix::{Context, Handler, Message, ResponseActFuture, WrapFuture};

use crate::actors::frontend::{ASK_DEADLINE, Frontend, FrontendError, Services};
use crate::actors::master::CheckAdmission;
use crate::actors::storage::CheckRoom;
use crate::actors::task_db::{GetState, GetView, ListByState};
use crate::domain::access::Caller;
use crate::domain::error_code::ErrorCode;
use crate::domain::faults;
use crate::domain::ids::TaskId;
use crate::domain::pipeline::VariantName;
use crate::domain::task::{Failure, Task, TaskState};
use crate::stores::tasks::{TaskPage, TaskQuery, TaskView};

/// The reply of a question that other services answer.
type Answer<T> = ResponseActFuture<Frontend, Result<T, FrontendError>>;

/// Where a task stands, in the words of the classic routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Waits or is being worked on.
    InProgress,
    /// The result is there.
    Finished,
    /// It ended without a result.
    Failed(ErrorCode),
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProgress => f.write_str("in progress"),
            Self::Finished => f.write_str("finished"),
            Self::Failed(code) => write!(f, "failed: {code}"),
        }
    }
}

/// A task that the caller may see: one of somebody else's is as if it were not there, and one that is being removed is gone.
pub(super) async fn visible(services: &Services, caller: Caller, id: TaskId) -> Result<Task, FrontendError> {
    faults::point("frontend.look_up");
    let task = services.task_db.send(GetState { id }).timeout(ASK_DEADLINE).await??;
    task.filter(|task| is_visible(task, caller)).ok_or(FrontendError::NotFound)
}

fn is_visible(task: &Task, caller: Caller) -> bool {
    caller.sees(task.caller) && task.state != TaskState::Deleting
}

/// Why a failed task failed.
pub(super) fn failure(task: &Task) -> Failure {
    task.failure.clone().unwrap_or_else(|| Failure::new(ErrorCode::Internal, "the task failed without a reason"))
}

/// Asks whether an image is ready.
#[derive(Message)]
#[rtype(result = "Result<Readiness, FrontendError>")]
pub struct IsReady {
    /// Who asks.
    pub caller: Caller,
    /// The task.
    pub id: TaskId,
    /// Which of its results; all of them if none is named.
    pub variant: Option<VariantName>,
}

impl Handler<IsReady> for Frontend {
    type Result = Answer<Readiness>;

    fn handle(&mut self, IsReady { caller, id, variant }: IsReady, _: &mut Context<Self>) -> Self::Result {
        faults::point("frontend.is_ready");
        Box::pin(is_ready(self.services.clone(), caller, id, variant).into_actor(self))
    }
}

async fn is_ready(services: Services, caller: Caller, id: TaskId, variant: Option<VariantName>) -> Result<Readiness, FrontendError> {
    let task = visible(&services, caller, id).await?;
    match variant {
        Some(variant) if task.variants.get(variant).is_none() => return Err(no_such_variant(&task, variant)),
        Some(variant) if task.results.contains_key(&variant) => return Ok(Readiness::Finished),
        _ => {}
    }
    Ok(match task.state {
        TaskState::Finished => Readiness::Finished,
        TaskState::Failed => Readiness::Failed(failure(&task).code),
        TaskState::Cancelled => Readiness::Failed(ErrorCode::Cancelled),
        TaskState::NotStarted | TaskState::InProgress | TaskState::Deleting => Readiness::InProgress,
    })
}

pub(super) fn no_such_variant(task: &Task, variant: VariantName) -> FrontendError {
    let known: Vec<String> = task.variants.iter().map(|(name, _)| name.to_string()).collect();
    FrontendError::NoSuchVariant { variant, known: known.join(", ") }
}

/// Asks for one task with its history.
#[derive(Message)]
#[rtype(result = "Result<TaskView, FrontendError>")]
pub struct GetTask {
    /// Who asks.
    pub caller: Caller,
    /// The task.
    pub id: TaskId,
}

impl Handler<GetTask> for Frontend {
    type Result = Answer<TaskView>;

    fn handle(&mut self, GetTask { caller, id }: GetTask, _: &mut Context<Self>) -> Self::Result {
        Box::pin(get_task(self.services.clone(), caller, id).into_actor(self))
    }
}

async fn get_task(services: Services, caller: Caller, id: TaskId) -> Result<TaskView, FrontendError> {
    faults::point("frontend.look_up");
    let view = services.task_db.send(GetView { id }).timeout(ASK_DEADLINE).await??;
    view.filter(|view| is_visible(&view.task, caller)).ok_or(FrontendError::NotFound)
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

/// Asks whether new images are taken: the master answers, so a part of the server that hangs shows.
#[derive(Message)]
#[rtype(result = "Result<(), FrontendError>")]
pub struct GetReadiness;

impl Handler<GetReadiness> for Frontend {
    type Result = Answer<()>;

    fn handle(&mut self, _: GetReadiness, _: &mut Context<Self>) -> Self::Result {
        let (master, storage) = (self.services.master.clone(), self.services.storage.clone());
        Box::pin(
            async move {
                storage.send(CheckRoom).timeout(READINESS_DEADLINE).await??;
                Ok(master.send(CheckAdmission).timeout(READINESS_DEADLINE).await??)
            }
            .into_actor(self),
        )
    }
}

/// How long the master may take to say whether it takes work.
const READINESS_DEADLINE: Duration = Duration::from_secs(2);
