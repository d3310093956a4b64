//! The workers: each owns one child process and does one task at a time, from `GetWork` to `WorkFinished`.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | the actor: its loop, its child, how it stops |
//! | `attempt` | one attempt at one task, and how it can end |
//! | `results` | what it makes, on its way to the task |
//! | `peak` | how much memory an attempt took |
//! | `budget` | the memory that all running jobs share |
//! | `inspector` | images that are looked at before they are kept |
//! | `spare` | the warm child that replaces one that was lost |

mod attempt;
mod budget;
mod inspector;
mod peak;
mod results;
mod spare;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix::{Actor, Addr, AsyncContext, Context, MailboxError, ResponseActFuture, Supervised, WrapFuture, fut};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::actors::master::{GetWork, Master, Outcome, Work, WorkFinished, WorkerLeft};
use crate::actors::storage::{CheckReach, Storage};
use crate::actors::supervision::{self, Details, Exit, InitResult, Service};
use crate::actors::workers::peak::Peak;
use crate::domain::faults;
use crate::domain::ids::TaskId;
use crate::sandbox::Child;

pub use budget::{MemoryBudget, MemoryPermit, NeverFits};
pub use inspector::{Inspector, NotInspected};
pub use spare::{Spare, TakeChild};

/// How long the master may take to make an outcome durable before the worker goes on without the answer.
const REPORT_DEADLINE: Duration = Duration::from_secs(60);

/// How long before it would be killed a worker that is to stop gives back what it still has in hand.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The pause before asking an actor again that is being restarted.
const AWAY: Duration = Duration::from_millis(20);

/// The pause before asking again whether the blobs can be reached.
const BLOBS_AWAY: Duration = Duration::from_secs(1);

/// How long to wait for a child of the spare before the worker counts as failed.
const CHILD_DEADLINE: Duration = Duration::from_secs(15);

/// What a worker needs, the same for all of them.
#[derive(Clone)]
pub struct WorkerDeps {
    /// Hands out the work.
    pub master: Addr<Master>,
    /// Keeps originals and results.
    pub storage: Addr<Storage>,
    /// Gives children.
    pub spare: Addr<Spare>,
    /// The memory of all running jobs.
    pub memory: MemoryBudget,
    /// How long one attempt may take.
    pub deadline: Duration,
    /// How often a claim is kept alive.
    pub heartbeat: Duration,
    /// After how many jobs a child is replaced.
    pub recycle_after: u64,
    /// The resident memory above which a child is replaced, in bytes.
    pub recycle_rss: u64,
}

/// The actor. A restarted worker begins with a new child and nothing in hand.
pub struct Worker {
    name: String,
    deps: WorkerDeps,
    status: Rc<RefCell<Status>>,
    stop: watch::Sender<bool>,
}

/// What a worker does right now.
#[derive(Debug, Default)]
struct Status {
    child: Option<u32>,
    task: Option<(TaskId, Instant)>,
    jobs: u64,
    children: u64,
}

impl Worker {
    /// A worker called `name`, unique among its siblings.
    #[must_use]
    pub fn new(name: String, deps: WorkerDeps) -> Self {
        Self { name, deps, status: Rc::default(), stop: watch::Sender::new(false) }
    }
}

impl Actor for Worker {
    type Context = Context<Self>;
}

impl Supervised for Worker {}

impl Service for Worker {
    fn init(&mut self, context: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        let hands =
            Hands { name: self.name.clone(), deps: self.deps.clone(), status: Rc::clone(&self.status), stop: self.stop.subscribe() };
        context.spawn(hands.work().into_actor(self));
        Box::pin(fut::ready(Ok(())))
    }

    /// Takes no further work and finishes the job in hand. What does not end in time is given back, its attempt refunded,
    /// and the child killed.
    fn terminate(&mut self, within: Duration, _: &mut Context<Self>) -> ResponseActFuture<Self, ()> {
        self.stop.send_replace(true);
        let stop = self.stop.clone();
        // The loop holds the only receiver: when it is gone, the loop has ended.
        let (master, worker) = (self.deps.master.clone(), self.name.clone());
        let ended = async move {
            if timeout(within.saturating_sub(LAST_WORDS), stop.closed()).await.is_err() {
                master.do_send(WorkerLeft { worker });
            }
        };
        Box::pin(ended.into_actor(self))
    }

    fn inspect(&self) -> Details {
        let status = self.status.borrow();
        let task = status.task.map(|(id, since)| json!({ "id": id, "running_ms": since.elapsed().as_millis() as u64 }));
        let details = json!({ "child_pid": status.child, "task": task, "jobs": status.jobs, "children": status.children });
        details.as_object().cloned().unwrap_or_default()
    }
}

/// The worker's loop: everything that it holds while it works.
struct Hands {
    name: String,
    deps: WorkerDeps,
    status: Rc<RefCell<Status>>,
    stop: watch::Receiver<bool>,
}

/// What ended a worker's wait.
enum Next {
    Work(Box<Work>),
    ChildDied,
    MasterAway,
    Stop,
}

impl Hands {
    /// Asks for work and does it, until told to stop.
    async fn work(self) {
        let mut kept = None;
        while let Some(mut child) = self.fit_child(kept).await {
            match self.next(&child).await {
                Next::Work(work) => self.do_one(&mut child, &work).await,
                // It is not fit any more, and replaced.
                Next::ChildDied => {}
                // The master restarts and takes its workers along; this only spans the moment in between.
                Next::MasterAway => sleep(AWAY).await,
                Next::Stop => break,
            }
            kept = Some(child);
        }
        // Work that was on its way at this moment is handed out again.
        self.deps.master.do_send(WorkerLeft { worker: self.name.clone() });
    }

    /// The child that was kept, or a new one if that is gone, worn out, or has grown. `None` when told to stop.
    async fn fit_child(&self, kept: Option<Child>) -> Option<Child> {
        if let Some(child) = kept.filter(|child| self.is_fit(child)) {
            return Some(child);
        }
        self.status.borrow_mut().child = None;
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => None,
            child = self.take_child() => Some(self.adopted(child)),
        }
    }

    async fn take_child(&self) -> Child {
        loop {
            match self.deps.spare.send(TakeChild).timeout(CHILD_DEADLINE).await {
                Ok(Ok(child)) => return child,
                // Not the fault of any image: the worker fails, and its supervisor decides what that means.
                Ok(Err(error)) => supervision::exit(Exit::InitFailed(error.to_string())),
                // The spare is being restarted.
                Err(_) => sleep(AWAY).await,
            }
        }
    }

    fn adopted(&self, child: Child) -> Child {
        let mut status = self.status.borrow_mut();
        status.child = Some(child.pid());
        status.children += 1;
        child
    }

    /// Waits for work.
    async fn next(&self, child: &Child) -> Next {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => Next::Stop,
            exit = child.exited() => {
                log::warn!(worker = self.name.as_str(), pid = child.pid(), exit:% = exit; "idle child died");
                Next::ChildDied
            }
            work = self.ask_for_work() => match work {
                Ok(work) => Next::Work(work),
                Err(_) => Next::MasterAway,
            },
        }
    }

    /// Asks the master, once the blobs can be reached: a task that is handed out while they cannot loses an attempt, or a refund.
    async fn ask_for_work(&self) -> Result<Box<Work>, MailboxError> {
        while let Ok(Err(_)) = self.deps.storage.send(CheckReach).timeout(CHILD_DEADLINE).await {
            sleep(BLOBS_AWAY).await;
        }
        self.deps.master.send(GetWork { worker: self.name.clone() }).await
    }

    fn is_fit(&self, child: &Child) -> bool {
        let grown = || child.memory().is_none_or(|memory| memory.resident > self.deps.recycle_rss);
        child.is_reusable() && child.jobs_done() < self.deps.recycle_after && !grown()
    }

    /// Does one task and reports how it ended.
    async fn do_one(&self, child: &mut Child, work: &Work) {
        faults::point("worker.attempt");
        self.status.borrow_mut().task = Some((work.claim.task, Instant::now()));
        let peak = Peak::begin(child);
        let outcome = tokio::select! {
            outcome = attempt::attempt(&self.deps, child, work) => outcome,
            () = self.taken_back(work) => None,
            () = peak.watch() => None,
        };
        if let Some(outcome) = outcome {
            faults::point("worker.report");
            self.report(work, outcome, peak.end()).await;
        }
        let mut status = self.status.borrow_mut();
        status.task = None;
        status.jobs += 1;
    }

    /// Resolves when the claim is taken back: the task was cancelled, the lease ended, or the master that handed the work out
    /// is down. The next master gives the claim back when it starts, and starts only when its workers are gone, so to finish the
    /// job would keep everybody waiting for nothing.
    async fn taken_back(&self, work: &Work) {
        work.hold.broken().await;
        log::info!(worker = self.name.as_str(), task:% = work.claim.task, claim:% = work.claim.claim_no; "job dropped; its claim was taken back");
    }

    /// Tells the master, and waits until the outcome is durable. What it never hears, it hands out again.
    async fn report(&self, work: &Work, outcome: Outcome, peak_memory: Option<u64>) {
        let report = WorkFinished { worker: self.name.clone(), claim: work.claim, outcome, peak_memory };
        let confirmed = tokio::select! {
            confirmed = self.deps.master.send(report).timeout(REPORT_DEADLINE) => confirmed.is_ok(),
            () = work.master.broken() => false,
        };
        if !confirmed {
            log::warn!(worker = self.name.as_str(), task:% = work.claim.task; "outcome not confirmed");
        }
    }
}
