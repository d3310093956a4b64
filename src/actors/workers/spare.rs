//! The spare: keeps one child process warm, so that a worker which lost its own goes on at once.

use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseActFuture, Supervised, WrapFuture};
use serde_json::json;
use tokio::time::sleep;

use crate::actors::supervision::{Details, InitResult, Service};
use crate::domain::faults;
use crate::sandbox::{Child, SandboxError, Spawner};

/// The pause before the spawning thread is asked again when too many others ask it, as when a pool grows a lot at once.
const BUSY: Duration = Duration::from_millis(20);

/// How long to wait before another try after a child could not be spawned ahead of time.
const RETRY: Duration = Duration::from_secs(1);

/// The actor.
pub struct Spare {
    spawner: Spawner,
    enabled: bool,
    child: Option<Child>,
    spawning: bool,
    taken_warm: u64,
    taken_cold: u64,
}

impl Spare {
    /// Keeps a child of `spawner` ready, unless `enabled` is off: then every child is spawned when it is asked for.
    #[must_use]
    pub fn new(spawner: Spawner, enabled: bool) -> Self {
        Self { spawner, enabled, child: None, spawning: false, taken_warm: 0, taken_cold: 0 }
    }

    /// Spawns a child ahead of time, unless there is one.
    fn refill(&mut self, context: &mut Context<Self>) {
        if !self.enabled || self.spawning || self.child.is_some() {
            return;
        }
        self.spawning = true;
        let spawner = self.spawner.clone();
        let spawned = async move { spawn(&spawner).await };
        context.spawn(spawned.into_actor(self).map(|spawned, spare, context| spare.refilled(spawned, context)));
    }

    fn refilled(&mut self, spawned: Result<Child, SandboxError>, context: &mut Context<Self>) {
        faults::point("spare.refilled");
        self.spawning = false;
        match spawned {
            Ok(child) => self.child = Some(child),
            Err(error) => {
                log::warn!(error:% = error; "spare child not spawned");
                context.run_later(RETRY, Self::refill);
            }
        }
    }
}

/// A new child, waiting its turn. Whoever asked has a deadline, and gives up by then.
async fn spawn(spawner: &Spawner) -> Result<Child, SandboxError> {
    loop {
        match spawner.spawn().await {
            Err(SandboxError::Busy) => sleep(BUSY).await,
            spawned => return spawned,
        }
    }
}

impl Actor for Spare {
    type Context = Context<Self>;
}

impl Supervised for Spare {}

impl Service for Spare {
    fn init(&mut self, context: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        self.refill(context);
        Box::pin(actix::fut::ready(Ok(())))
    }

    fn inspect(&self) -> Details {
        let pid = self.child.as_ref().map(Child::pid);
        let details = json!({ "child_pid": pid, "taken_warm": self.taken_warm, "taken_cold": self.taken_cold });
        details.as_object().cloned().unwrap_or_default()
    }
}

/// Asks for a child that is ready for jobs.
#[derive(Message)]
#[rtype(result = "Result<Child, SandboxError>")]
pub struct TakeChild;

impl Handler<TakeChild> for Spare {
    type Result = ResponseActFuture<Self, Result<Child, SandboxError>>;

    fn handle(&mut self, _: TakeChild, context: &mut Context<Self>) -> Self::Result {
        faults::point("spare.take_child");
        let warm = self.child.take().filter(Child::is_reusable);
        self.taken_warm += u64::from(warm.is_some());
        self.taken_cold += u64::from(warm.is_none());
        self.refill(context);
        let spawner = self.spawner.clone();
        let child = async move { if let Some(warm) = warm { Ok(warm) } else { spawn(&spawner).await } };
        Box::pin(child.into_actor(self))
    }
}
