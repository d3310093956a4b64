//! Reach: whether the store of blobs answers. Uploads are refused and no work is begun while it does not, so that nothing is promised or
//! tried in vain; it is asked again and again, and everything goes on by itself.

use std::time::{Duration, Instant};

use actix::{ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};

use crate::actors::storage::Storage;
use crate::domain::faults;
use crate::stores::blobs::BlobStoreError;

/// The pause between two questions.
const TICK: Duration = Duration::from_secs(1);

/// What is known of the way to the store.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Since when the store has not answered, and what is known of the reason.
    away: Option<Away>,
}

/// A store that does not answer.
#[derive(Debug)]
struct Away {
    since: Instant,
    why: String,
    /// Questions in a row that were not answered.
    unanswered: u64,
}

impl Reach {
    /// Whether the store answered when it was asked last.
    pub(super) fn check(&self) -> Result<(), BlobStoreError> {
        match &self.away {
            None => Ok(()),
            Some(away) => Err(BlobStoreError::Unavailable(away.why.clone())),
        }
    }

    /// How often in a row the store did not answer.
    pub(super) fn unanswered(&self) -> u64 {
        self.away.as_ref().map_or(0, |away| away.unanswered)
    }

    fn answered(&mut self, answer: Result<(), BlobStoreError>, now: Instant) {
        match (answer, &mut self.away) {
            (Err(error), None) => {
                log::error!(error:%; "the blob store is away; uploads are refused and no work is begun until it is back");
                self.away = Some(Away { since: now, why: error.to_string(), unanswered: 1 });
            }
            (Err(_), Some(away)) => away.unanswered += 1,
            (Ok(()), Some(away)) => {
                log::info!(away:? = now.duration_since(away.since); "the blob store is back");
                self.away = None;
            }
            (Ok(()), None) => {}
        }
    }
}

/// Asks whether the store of blobs answers.
#[derive(Message)]
#[rtype(result = "Result<(), BlobStoreError>")]
pub struct CheckReach;

impl Handler<CheckReach> for Storage {
    type Result = Result<(), BlobStoreError>;

    fn handle(&mut self, _: CheckReach, _: &mut Context<Self>) -> Self::Result {
        faults::point("storage.check_reach");
        self.reach.check()
    }
}

impl Storage {
    /// Asks the store, and again after each answer.
    pub(super) fn watch_reach(&mut self, context: &mut Context<Self>) {
        let check = self.store.check();
        context.spawn(check.into_actor(self).map(|answer, storage, context| {
            storage.reach.answered(answer, Instant::now());
            context.run_later(TICK, Self::watch_reach);
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_answer_counts() {
        let (mut reach, now) = (Reach::default(), Instant::now());
        assert!(reach.check().is_ok(), "nothing is known");
        reach.answered(Err(BlobStoreError::Unavailable("no route".into())), now);
        reach.answered(Err(BlobStoreError::Unavailable("still none".into())), now);
        assert!(reach.check().unwrap_err().to_string().contains("no route"));
        assert_eq!(reach.unanswered(), 2);
        reach.answered(Ok(()), now);
        assert!(reach.check().is_ok() && reach.unanswered() == 0);
    }
}
