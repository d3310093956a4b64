//! Upkeep: what the master does on its own: wakes for backoffs, takes lost leases back, recounts the backlog; how busy it is, and what it
//! hears of the other servers.

use std::time::{Duration, Instant};

use actix::{ActorFutureExt, AsyncContext, Context, Handler, Message, MessageResponse, WrapFuture};
use futures::future::{BoxFuture, join_all};

use crate::actors::master::outcome::Settled;
use crate::actors::master::{InHand, Master, Outcome};
use crate::actors::task_db::{GetBacklog, GetUsage, ListExpired};
use crate::domain::error_code::ErrorCode;
use crate::domain::faults;
use crate::domain::node::{Measured, Workforce};
use crate::domain::task::{Claim, Failure};

/// Asks how busy the server is.
#[derive(Message)]
#[rtype(result = "Load")]
pub struct GetLoad;

/// How busy a server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, MessageResponse)]
pub struct Load {
    /// How many workers it is to have.
    pub workers: u32,
    /// How many tasks are in their hands.
    pub busy: u32,
    /// Whether it is stopping.
    pub draining: bool,
    /// What was measured of their work.
    pub measured: Measured,
}

impl Handler<GetLoad> for Master {
    type Result = Load;

    fn handle(&mut self, _: GetLoad, _: &mut Context<Self>) -> Self::Result {
        let busy = u32::try_from(self.in_hand.len()).unwrap_or(u32::MAX);
        let measured = self.throughput.measured(Instant::now());
        Load { workers: self.workers(), busy, draining: self.admission.is_draining(), measured }
    }
}

/// News for whoever tells the other servers of this one: there is something that was measured, since the first task has ended.
#[derive(Message)]
#[rtype(result = "()")]
pub struct FirstMeasured;

/// News of the other servers: what all of them together can do.
#[derive(Message)]
#[rtype(result = "()")]
pub struct OthersHeard(pub Workforce);

impl Handler<OthersHeard> for Master {
    type Result = ();

    fn handle(&mut self, OthersHeard(others): OthersHeard, _: &mut Context<Self>) {
        self.throughput.hear(others);
    }
}

/// How often the store is asked for what no message told: the news are hints, this is the truth.
const TICK: Duration = Duration::from_secs(1);

/// How long a look for lost leases may take.
const LOOK: Duration = Duration::from_secs(5);

/// The longest pause between two such looks, whatever they took: a look that nobody answered took long, too. With a tick it is less than the
/// 5 s after which a lease that ended has been taken back.
pub(super) const LONGEST_LOOK: Duration = Duration::from_secs(3);

/// Lost leases taken back per tick.
const EXPIRED_PER_TICK: usize = 64;

impl Master {
    /// Starts the tick.
    pub(super) fn keep_up(&self, context: &mut Context<Self>) {
        context.run_interval(TICK, Self::tick);
    }

    /// Looks for work again after `delay`.
    pub(super) fn wake_in(&mut self, delay: Duration, context: &mut Context<Self>) {
        if delay.is_zero() {
            self.claim_for_waiting(context);
        } else {
            context.run_later(delay, Self::claim_for_waiting);
        }
    }

    fn tick(&mut self, context: &mut Context<Self>) {
        if faults::soft("master.tick") {
            return;
        }
        self.claim_for_waiting(context);
        self.look_for_lost_leases(context);
        let task_db = self.deps.task_db.clone();
        let count = async move { (task_db.send(GetBacklog).timeout(TICK).await, task_db.send(GetUsage).timeout(TICK).await) };
        context.spawn(count.into_actor(self).map(|counted, master, _| match counted {
            (Ok(Ok(backlog)), Ok(Ok(usage))) => master.admission.recount(backlog, usage),
            _ => master.admission.not_counted(),
        }));
    }

    /// Walks over all that is in progress, and in PostgreSQL over what was since the oldest view that anybody has of the database: while that
    /// takes long, it is done less often.
    fn look_for_lost_leases(&mut self, context: &mut Context<Self>) {
        let begun = Instant::now();
        if !self.lease_looks.begin(begun) {
            return;
        }
        let expired = self.deps.task_db.send(ListExpired { limit: EXPIRED_PER_TICK }).timeout(LOOK);
        context.spawn(expired.into_actor(self).map(move |expired, master, context| {
            master.lease_looks.end(Instant::now(), begun.elapsed());
            if let Ok(Ok(expired)) = expired {
                master.take_back(expired, context);
            }
        }));
    }

    /// Leases that ended: the workers are fenced off. But a worker that was heard of, whose heartbeats the database did not
    /// take (its disk is full), keeps its claim: the next heartbeat that can be written renews it.
    fn take_back(&mut self, expired: Vec<Claim>, context: &mut Context<Self>) {
        let silent = expired.into_iter().filter(|claim| !self.is_heard_of(*claim)).collect::<Vec<_>>();
        let lost: Vec<_> = silent.into_iter().map(|claim| self.lease_lost(claim)).collect();
        let lost = join_all(lost);
        context.spawn(lost.into_actor(self).map(|lost, master, context| lost.into_iter().for_each(|lost| master.settled(lost, context))));
    }

    fn is_heard_of(&self, claim: Claim) -> bool {
        self.in_hand.values().any(|in_hand| in_hand.claim == claim && in_hand.heard.elapsed() < self.deps.lease)
    }

    /// A worker that had the claim and fell silent counts against the task. A claim whose commit was in doubt is in no
    /// hand, and one whose outcome could not be written in none any more: that is the server's fault, not the image's.
    fn lease_lost(&mut self, claim: Claim) -> BoxFuture<'static, Settled> {
        log::warn!(task:% = claim.task, claim:% = claim.claim_no; "lease lost");
        let holder = self.in_hand.iter().find(|(_, in_hand)| in_hand.claim == claim).map(|(worker, _)| worker.clone());
        match holder.and_then(|worker| self.in_hand.remove(&worker)) {
            Some(in_hand) => {
                let reason = Failure::new(ErrorCode::WorkerDied, "the worker stopped reporting; its lease ended");
                self.settle_outcome(in_hand, Outcome::Died(reason))
            }
            None => {
                let reason = Failure::new(ErrorCode::Unavailable, "no worker had the claim in hand when its lease ended");
                self.settle_outcome(InHand::new(claim), Outcome::Interrupted(reason))
            }
        }
    }
}
