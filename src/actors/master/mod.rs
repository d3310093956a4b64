//! The master: admission, dispatch, leases, retries. The queue itself is the store: whatever is runnable there is
//! claimed for the workers that wait, so nothing that was acknowledged can be forgotten here.
//!
//! | file | what the master does there |
//! |---|---|
//! | `admission`, `callers` | permits, refusals; what each key holds |
//! | `throughput` | the measured times behind `Retry-After` and estimates |
//! | `intake` | `Admit`, `CheckAdmission`, `CheckDispatch`, `TaskInserted`, `EstimateEnd`, `Drain` |
//! | `dispatch` | `GetWork`: parks workers and hands claims to them |
//! | `cancel` | `CancelTask`: takes a claim back from the hand that it is in |
//! | `lost_claims` | claims whose answer never came |
//! | `outcome` | `ResultMade`, `WorkFinished`, `Heartbeat`: what becomes of a claim |
//! | `upkeep` | the tick: lost leases, the recount of the backlog; `GetLoad`, `OthersHeard` |

mod admission;
mod callers;
mod cancel;
mod dispatch;
mod intake;
mod lost_claims;
mod outcome;
mod throughput;
mod upkeep;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, ActorFutureExt, Addr, Context, Handler, Recipient, ResponseActFuture, Supervised, WrapFuture};
use serde_json::json;

use crate::actors::key_values::{GetLive, KeyValues, SettingsChanged};
use crate::actors::supervision::{Backoff, Details, InitResult, Lifeline, ParkedReply, Scale, Service};
use crate::actors::task_db::{COMMIT_DEADLINE, GetBacklog, GetUsage, Recover, TaskDb};
use crate::config::Live;
use crate::domain::pace::Pace;
use crate::domain::task::Claim;
use crate::stores::tasks::{Backlog, CallerUsage};

pub use admission::{Admission, AdmissionLimits, Permit, Refusal, RefusalReason};
pub use cancel::CancelTask;
pub use dispatch::{GetWork, Work};
pub use intake::{Admit, CheckAdmission, CheckDispatch, Drain, EstimateEnd, TaskInserted};
pub use outcome::{Heartbeat, Late, NotAdded, Outcome, ResultMade, WorkFinished, WorkerLeft};
pub use upkeep::{FirstMeasured, GetLoad, Load, OthersHeard};

/// What stays the same over restarts: whom the master asks, and its settings.
#[derive(Clone)]
pub struct MasterDeps {
    /// The tasks.
    pub task_db: Addr<TaskDb>,
    /// The settings that may change while the server runs.
    pub key_values: Addr<KeyValues>,
    /// The supervisor of the workers; `None` on a server that has none.
    pub workers: Option<Recipient<Scale>>,
    /// Tells the other servers what was measured here.
    pub nodes: Recipient<FirstMeasured>,
    /// How much unfinished work the server holds.
    pub admission: AdmissionLimits,
    /// How long a claim lasts without a heartbeat.
    pub lease: Duration,
    /// The waits before a task is tried again.
    pub backoff: Backoff,
}

/// A claim that a worker has in hand.
#[derive(Debug)]
struct InHand {
    claim: Claim,
    /// How often the task was handed out in this run, refunded attempts included.
    tries: u32,
    /// When its worker was last heard of.
    heard: Instant,
    /// When it was handed out, if it was in this life of the master.
    since: Option<Instant>,
    /// Tells the worker when this is no more: the claim was taken back, or this life of the master is over.
    hold: Lifeline,
}

impl InHand {
    /// The first try of a claim, heard of now.
    fn new(claim: Claim) -> Self {
        Self { claim, tries: 1, heard: Instant::now(), since: None, hold: Lifeline::new() }
    }
}

/// The actor. Everything beside `deps` is rebuilt from the store at every start.
pub struct Master {
    deps: MasterDeps,
    live: Arc<Live>,
    admission: Admission,
    throughput: throughput::Throughput,
    dispatch: dispatch::Dispatch,
    in_hand: HashMap<String, InHand>,
    /// Tells the workers when this life of the master, and with it what they have in hand, is forgotten.
    lifeline: Lifeline,
    /// Outcomes on their way to the database.
    settling: Vec<Claim>,
    drained: Vec<ParkedReply<Drain>>,
    /// How often leases are looked for that have ended.
    lease_looks: Pace,
}

impl Master {
    /// A master that knows nothing yet.
    #[must_use]
    pub fn new(deps: MasterDeps, live: Arc<Live>) -> Self {
        Self {
            admission: Admission::new(deps.admission),
            deps,
            live,
            throughput: throughput::Throughput::default(),
            dispatch: dispatch::Dispatch::default(),
            in_hand: HashMap::new(),
            lifeline: Lifeline::new(),
            settling: Vec::new(),
            drained: Vec::new(),
            lease_looks: Pace::new(Duration::ZERO, upkeep::LONGEST_LOOK),
        }
    }

    /// Takes the settings over and scales the pool to them.
    fn follow(&mut self, live: Arc<Live>) {
        self.live = live;
        if let Some(workers) = &self.deps.workers {
            workers.do_send(Scale { count: self.live.workers() as usize });
        }
    }

    /// How many workers this server is to have.
    fn workers(&self) -> u32 {
        if self.deps.workers.is_some() { self.live.workers() } else { 0 }
    }
}

impl Actor for Master {
    type Context = Context<Self>;
}

impl Supervised for Master {}

impl Service for Master {
    /// Reads everything back from the store. No worker has work in hand now: they start after the master and stop before it.
    fn init(&mut self, context: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        self.keep_up(context);
        let read = read_back(self.deps.clone());
        Box::pin(read.into_actor(self).map(|read, master, _| {
            let (live, backlog, usage) = read?;
            master.admission.recount(backlog, usage);
            master.follow(live);
            Ok(())
        }))
    }

    /// Gives back what the workers, stopped by now, left unfinished.
    fn terminate(&mut self, within: Duration, _: &mut Context<Self>) -> ResponseActFuture<Self, ()> {
        let recovered = self.deps.task_db.send(Recover).timeout(within);
        Box::pin(recovered.into_actor(self).map(|recovered, _, _| match recovered {
            Ok(Ok(tasks)) => log::info!(tasks; "tasks in hand released"),
            _ => log::warn!("tasks in hand not released; the next start does it"),
        }))
    }

    fn inspect(&self) -> Details {
        let backlog = self.admission.backlog();
        let details = json!({
            "queue_depth": backlog.tasks.saturating_sub(self.in_hand.len() as u64),
            "unfinished_tasks": backlog.tasks,
            "unfinished_bytes": backlog.bytes,
            "uploading": self.admission.uploading(),
            "refused": self.admission.refused(),
            "in_hand": self.in_hand.len(),
            "workers_waiting": self.dispatch.waiting(),
            "draining": self.admission.is_draining(),
        });
        details.as_object().cloned().unwrap_or_default()
    }
}

/// Recovers the tasks that a former life left in progress, and reads what the master goes by.
async fn read_back(deps: MasterDeps) -> Result<(Arc<Live>, Backlog, Vec<CallerUsage>), Box<dyn std::error::Error>> {
    let recovered = deps.task_db.send(Recover).timeout(COMMIT_DEADLINE).await??;
    log::info!(tasks = recovered; "tasks in progress returned to the queue");
    let backlog = deps.task_db.send(GetBacklog).timeout(COMMIT_DEADLINE).await??;
    let usage = deps.task_db.send(GetUsage).timeout(COMMIT_DEADLINE).await??;
    Ok((deps.key_values.send(GetLive).timeout(COMMIT_DEADLINE).await?, backlog, usage))
}

impl Handler<SettingsChanged> for Master {
    type Result = ();

    fn handle(&mut self, SettingsChanged(live): SettingsChanged, _: &mut Context<Self>) {
        self.follow(live);
    }
}
