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
    away: Option<(Instant, String)>,
}

impl Reach {
    /// Whether the store answered when it was asked last.
    pub(super) fn check(&self) -> Result<(), BlobStoreError> {
        match &self.away {
            None => Ok(()),
            Some((_, why)) => Err(BlobStoreError::Unavailable(why.clone())),
        }
    }

    fn answered(&mut self, answer: Result<(), BlobStoreError>, now: Instant) {
        match (answer, &self.away) {
            (Err(error), None) => {
                log::error!(error:%; "the blob store is away; uploads are refused and no work is begun until it is back");
                self.away = Some((now, error.to_string()));
            }
            (Ok(()), Some((since, _))) => {
                log::info!(away:? = now.duration_since(*since); "the blob store is back");
                self.away = None;
            }
            _ => {}
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
        reach.answered(Ok(()), now);
        assert!(reach.check().is_ok());
    }
}
