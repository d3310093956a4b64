//! The janitor: removes what nobody needs any more. It goes round again and again, and whatever it leaves the next round does. Of servers that
//! share a database one has the duty; the janitors of the others only finish the deletions that their own clients ask for.
//!
//! | file | what lives there |
//! |---|---|
//! | this one | the actor and its rounds |
//! | `deletion` | `FinishDeletion`: the blobs and the row of a task that was deleted |
//! | `expiry` | tasks whose retention is over |
//! | `scrub` | blobs that are read again and compared |
//! | `sweep` | blobs that nothing refers to |

mod deletion;
mod expiry;
mod scrub;
mod sweep;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, MailboxError, ResponseActFuture, Supervised, WrapFuture};
use serde_json::json;

use crate::actors::assets::Assets;
use crate::actors::storage::Storage;
use crate::actors::supervision::{Details, InitResult, Service};
use crate::actors::task_db::{TaskDb, Unsettled};
use crate::domain::faults;
use crate::stores::assets::AssetStoreError;
use crate::stores::blobs::{BlobEntry, BlobStoreError};
use crate::stores::nodes::Duty;
use crate::stores::tasks::TaskStoreError;

pub use deletion::FinishDeletion;
pub use scrub::ScrubPlan;

/// How long one question of a round may take; then the round ends, and the next one goes on.
const STEP_DEADLINE: Duration = Duration::from_secs(30);

/// How often the duty is asked for: a server that died is followed by another within so long.
const KEEP_DUTY: Duration = Duration::from_secs(1);

/// When the first scrub begins at the latest.
const FIRST_SCRUB: Duration = Duration::from_mins(5);

/// What the janitor needs; the same over restarts.
#[derive(Clone)]
pub struct JanitorDeps {
    /// The blobs.
    pub storage: Addr<Storage>,
    /// The tasks that own most of them.
    pub task_db: Addr<TaskDb>,
    /// The names of the others.
    pub assets: Addr<Assets>,
    /// Whether it is this server that cleans up.
    pub duty: Arc<dyn Duty>,
    /// The pause between two rounds.
    pub interval: Duration,
    /// How old a blob without a task must be while uploads run.
    pub grace: Duration,
    /// How what is kept is looked at.
    pub scrub: ScrubPlan,
    /// Set once the sweep of the server's start has begun: a restarted janitor must not repeat it.
    pub started: Arc<AtomicBool>,
}

impl JanitorDeps {
    /// Asked before each thing that is removed: where there are other servers, one of them may have taken over.
    fn on_duty(&self) -> Result<(), JanitorError> {
        if self.duty.is_held() { Ok(()) } else { Err(JanitorError::OffDuty) }
    }
}

/// What a round did.
#[derive(Debug, Default, Clone, Copy)]
struct Round {
    /// Tasks whose retention was over.
    expired: u64,
    /// Deletions that a crash or a failure had left unfinished.
    deleted: u64,
    /// Blobs that nothing referred to.
    swept: u64,
}

/// The actor.
pub struct Janitor {
    deps: JanitorDeps,
    /// Whether the duty was this server's when it was asked for last.
    on_duty: bool,
    /// It is being asked for.
    asking: bool,
    rounds: u64,
    total: Round,
    under_way: bool,
    /// Filled while a pass is under way.
    scrubbed: Rc<RefCell<scrub::Report>>,
}

impl Janitor {
    /// A janitor that has done nothing yet.
    #[must_use]
    pub fn new(deps: JanitorDeps) -> Self {
        Self { deps, on_duty: false, asking: false, rounds: 0, total: Round::default(), under_way: false, scrubbed: Rc::default() }
    }

    /// Goes round in the background, unless it is on its way.
    fn go_round(&mut self, context: &mut Context<Self>) {
        faults::point("janitor.round");
        if !self.under_way && self.deps.duty.is_held() {
            self.begin(None, context);
        }
    }

    /// Takes the duty, or confirms it.
    fn keep_duty(&mut self, context: &mut Context<Self>) {
        if !self.asking {
            self.asking = true;
            let held = self.deps.duty.hold();
            context.spawn(held.into_actor(self).map(|held, janitor, context| janitor.has_duty(held, context)));
        }
    }

    /// Whoever takes over goes on at once.
    fn has_duty(&mut self, held: bool, context: &mut Context<Self>) {
        self.asking = false;
        if held != self.on_duty {
            self.on_duty = held;
            log::info!(on_duty = held; "the duty of the janitor has changed hands");
            self.go_round(context);
        }
    }

    /// Begins a round; the one of the server's start goes by the names that were there before the first upload.
    fn begin(&mut self, found: Option<Vec<BlobEntry>>, context: &mut Context<Self>) {
        self.under_way = true;
        let deps = self.deps.clone();
        let round = async move { round(&deps, found).await };
        context.spawn(round.into_actor(self).map(|round, janitor, _| janitor.ended(round)));
    }

    /// Reads everything that is kept, and again after a pause.
    fn scrub(&mut self, context: &mut Context<Self>) {
        if !self.deps.duty.is_held() {
            context.run_later(self.deps.scrub.interval.min(FIRST_SCRUB), Self::scrub);
            return;
        }
        let (deps, report) = (self.deps.clone(), Rc::clone(&self.scrubbed));
        let pass = async move { scrub::pass(&deps, &report).await };
        context.spawn(pass.into_actor(self).map(|pass, janitor, context| {
            if let Err(error) = pass {
                log::warn!(error:% = error; "scrub stopped; the next one begins anew");
            }
            context.run_later(janitor.deps.scrub.interval, Self::scrub);
        }));
    }

    fn ended(&mut self, round: Result<Round, JanitorError>) {
        faults::point("janitor.ended");
        self.under_way = false;
        self.rounds += 1;
        match round {
            Ok(Round { expired: 0, deleted: 0, swept: 0 }) => {}
            Ok(Round { expired, deleted, swept }) => {
                self.total.expired += expired;
                self.total.deleted += deleted;
                self.total.swept += swept;
                log::info!(expired, deleted, swept; "janitor went round");
            }
            Err(error) => log::warn!(error:% = error; "round stopped; the next one goes on"),
        }
    }
}

/// Each step on its own: what one could not do must not keep the others from being done.
async fn round(deps: &JanitorDeps, found: Option<Vec<BlobEntry>>) -> Result<Round, JanitorError> {
    let expired = expiry::expire(deps).await;
    let deleted = deletion::finish_all(deps).await;
    let swept = match found {
        Some(found) => sweep::remove_orphans(deps, found, Duration::ZERO).await,
        None => sweep::sweep(deps).await,
    };
    Ok(Round { expired: expired?, deleted: deleted?, swept: swept? })
}

impl Actor for Janitor {
    type Context = Context<Self>;
}

impl Supervised for Janitor {}

impl Service for Janitor {
    /// Lists what is there before the server takes its first upload, and sweeps it while the server starts.
    fn init(&mut self, context: &mut Context<Self>) -> ResponseActFuture<Self, InitResult> {
        context.run_interval(self.deps.interval, Self::go_round);
        context.run_interval(KEEP_DUTY, Self::keep_duty);
        if self.deps.scrub.rate > 0 {
            // Soon: a server that is restarted every day shall have its blobs read, too.
            context.run_later(self.deps.scrub.interval.min(FIRST_SCRUB), Self::scrub);
        }
        let first = !self.deps.started.swap(true, Ordering::Relaxed);
        let deps = self.deps.clone();
        let found = async move {
            let on_duty = deps.duty.hold().await;
            let found = if first { sweep::list(&deps).await? } else { Vec::new() };
            Ok::<_, JanitorError>((on_duty, found))
        };
        Box::pin(found.into_actor(self).map(|found, janitor, context| {
            let (on_duty, found) = found?;
            janitor.on_duty = on_duty;
            if on_duty {
                janitor.begin(Some(found), context);
            }
            Ok(())
        }))
    }

    fn inspect(&self) -> Details {
        let Round { expired, deleted, swept } = self.total;
        let details = json!({ "on_duty": self.on_duty, "rounds": self.rounds, "expired": expired, "deletions_finished": deleted, "blobs_swept": swept, "scrub": self.scrubbed.borrow().json() });
        details.as_object().cloned().unwrap_or_default()
    }
}

/// Why the janitor left something to its next round.
#[derive(Debug, thiserror::Error)]
pub enum JanitorError {
    /// A service is being restarted, or did not answer in time.
    #[error("a service did not answer: {0}")]
    Mailbox(#[from] MailboxError),
    /// The blobs said no.
    #[error("{0}")]
    Blobs(#[from] BlobStoreError),
    /// The tasks said no.
    #[error("{0}")]
    Tasks(#[from] TaskStoreError),
    /// A task could not be changed.
    #[error("{0}")]
    Change(#[from] Unsettled),
    /// The assets said no.
    #[error("{0}")]
    Assets(#[from] AssetStoreError),
    /// It is not this server's business any more.
    #[error("the duty of the janitor is another server's, or not confirmed")]
    OffDuty,
}
