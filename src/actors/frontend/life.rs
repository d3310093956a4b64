//! What users may do to a task once it is accepted: cancel it, run it again, delete it.

use actix::{Context, Handler, Message, ResponseActFuture, WrapFuture};

use crate::actors::frontend::questions::visible;
use crate::actors::frontend::{ASK_DEADLINE, Frontend, FrontendError, Services};
use crate::actors::janitor::FinishDeletion;
use crate::actors::master::{Admit, CancelTask, TaskInserted};
use crate::actors::task_db::settle;
use crate::domain::access::Caller;
use crate::domain::faults;
use crate::domain::ids::TaskId;
use crate::domain::task::{Change, Task, TaskState};

/// The reply of a request that other services fulfil.
type Answer<T> = ResponseActFuture<Frontend, Result<T, FrontendError>>;

/// How often a deletion begins anew because the task was changed by somebody else meanwhile.
const DELETION_TRIES: usize = 3;

/// Asks to stop a task; the reply is the task as it is then. One that was cancelled before is left as it is.
#[derive(Message)]
#[rtype(result = "Result<Task, FrontendError>")]
pub struct Cancel {
    /// Who asks.
    pub caller: Caller,
    /// The task.
    pub id: TaskId,
}

impl Handler<Cancel> for Frontend {
    type Result = Answer<Task>;

    fn handle(&mut self, Cancel { caller, id }: Cancel, _: &mut Context<Self>) -> Self::Result {
        faults::point("frontend.cancel");
        Box::pin(cancel(self.services.clone(), caller, id).into_actor(self))
    }
}

async fn cancel(services: Services, caller: Caller, id: TaskId) -> Result<Task, FrontendError> {
    let task = visible(&services, caller, id).await?;
    let state = match task.state {
        TaskState::Cancelled => return Ok(task),
        state if state.is_open() => match services.master.send(CancelTask { id }).timeout(ASK_DEADLINE).await?.map_err(FrontendError::from)
        {
            // It ended between the question and the order.
            Err(FrontendError::WrongState { state: TaskState::Cancelled, .. }) => return visible(&services, caller, id).await,
            Err(FrontendError::WrongState { state, .. }) => state,
            settled => return settled,
        },
        state => state,
    };
    Err(FrontendError::WrongState { state, advice: "only a task that has not ended can be cancelled" })
}

/// Asks to run a failed or cancelled task again; the reply is the task in its new run.
#[derive(Message)]
#[rtype(result = "Result<Task, FrontendError>")]
pub struct Retry {
    /// Who asks.
    pub caller: Caller,
    /// The task.
    pub id: TaskId,
}

impl Handler<Retry> for Frontend {
    type Result = Answer<Task>;

    fn handle(&mut self, Retry { caller, id }: Retry, _: &mut Context<Self>) -> Self::Result {
        faults::point("frontend.retry");
        Box::pin(retry(self.services.clone(), caller, id).into_actor(self))
    }
}

/// A task that is run again is admitted like a new one: it takes a place in the queue and its bytes.
async fn retry(services: Services, caller: Caller, id: TaskId) -> Result<Task, FrontendError> {
    let task = visible(&services, caller, id).await?;
    if !matches!(task.state, TaskState::Failed | TaskState::Cancelled) {
        return Err(FrontendError::WrongState { state: task.state, advice: "only a failed or a cancelled task can be run again" });
    }
    let bytes = task.original.len;
    // An admin who runs somebody else's task again uses up nobody's quota.
    let counted = if caller.key() == task.caller { caller.storing_nothing() } else { Caller::LOCAL };
    let permit = services.master.send(Admit { caller: counted, length: Some(bytes) }).timeout(ASK_DEADLINE).await??;
    let task = settle(&services.task_db, Change::Retry { id, run: task.run }).await?;
    services.master.do_send(TaskInserted { id, bytes, permit });
    log::info!(task:% = id, run = task.run; "task is run again");
    Ok(task)
}

/// Asks to delete a task with everything that belongs to it. One that has not ended is cancelled first; one that is not there is no
/// error, so that the request can be repeated.
#[derive(Message)]
#[rtype(result = "Result<(), FrontendError>")]
pub struct Delete {
    /// Who asks.
    pub caller: Caller,
    /// The task.
    pub id: TaskId,
}

impl Handler<Delete> for Frontend {
    type Result = Answer<()>;

    fn handle(&mut self, Delete { caller, id }: Delete, _: &mut Context<Self>) -> Self::Result {
        faults::point("frontend.delete");
        Box::pin(delete(self.services.clone(), caller, id).into_actor(self))
    }
}

/// Once the row is hidden the deletion is certain; what a failure leaves of it the janitor removes.
async fn delete(services: Services, caller: Caller, id: TaskId) -> Result<(), FrontendError> {
    let Some(hidden) = hide(&services, caller, id).await? else { return Ok(()) };
    log::info!(task:% = id; "task deleted");
    match services.janitor.send(FinishDeletion { task: Box::new(hidden) }).timeout(ASK_DEADLINE).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log::warn!(task:% = id, error:% = error; "a deletion is left to the janitor"),
        Err(error) => log::warn!(task:% = id, error:% = error; "a deletion is left to the janitor"),
    }
    Ok(())
}

/// Cancels the task if it has not ended, and hides its row; `None` if there is no such task, or none any more.
async fn hide(services: &Services, caller: Caller, id: TaskId) -> Result<Option<Task>, FrontendError> {
    for _ in 0..DELETION_TRIES {
        let changed = match visible(services, caller, id).await {
            Ok(task) if task.state.is_open() => services.master.send(CancelTask { id }).timeout(ASK_DEADLINE).await?.map(|_| None),
            Ok(_) => settle(&services.task_db, Change::MarkDeleting { id }).await.map(Some),
            Err(FrontendError::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        match changed.map_err(FrontendError::from) {
            Ok(Some(hidden)) => return Ok(Some(hidden)),
            // Cancelled; or it ended, or was run again, at this very moment.
            Ok(None) | Err(FrontendError::WrongState { .. }) => {}
            Err(FrontendError::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Err(FrontendError::Unavailable)
}
