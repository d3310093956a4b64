//! Parked replies: a handler answers later, when it has something, and sees whether the asker still waits.
//!
//! A `ResponseActFuture` could wait as well, but it cannot tell that its asker has gone, and what it answers is lost then.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::dev::{MessageResponse, OneshotSender};
use actix::{Actor, Message};

/// What a handler returns to keep its asker waiting.
pub struct Parked<M: Message>(Slot<M>);

/// The other end of a [`Parked`]: what the asker waits for. Dropping it tells the asker that no answer will come.
pub struct ParkedReply<M: Message>(Slot<M>);

type Slot<M> = Arc<Mutex<Stage<M>>>;

enum Stage<M: Message> {
    /// The handler has not returned yet.
    Handling,
    /// The asker waits.
    Waiting(OneshotSender<M::Result>),
    /// The answer was there before the handler returned.
    Answered(M::Result),
    /// Answered, or nobody asked for a reply.
    Over,
}

/// A reply to keep, and what the handler returns meanwhile.
#[must_use]
pub fn parked<M: Message>() -> (Parked<M>, ParkedReply<M>) {
    let slot = Arc::new(Mutex::new(Stage::Handling));
    (Parked(Arc::clone(&slot)), ParkedReply(slot))
}

/// Nothing panics while the lock is held.
fn lock<M: Message>(slot: &Slot<M>) -> MutexGuard<'_, Stage<M>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<A: Actor, M: Message> MessageResponse<A, M> for Parked<M> {
    fn handle(self, _: &mut A::Context, asker: Option<OneshotSender<M::Result>>) {
        let mut stage = lock(&self.0);
        *stage = match (mem::replace(&mut *stage, Stage::Over), asker) {
            (Stage::Handling, Some(asker)) => Stage::Waiting(asker),
            (Stage::Answered(answer), Some(asker)) => {
                // An asker that is gone by now does not want it.
                let _ = asker.send(answer);
                Stage::Over
            }
            _ => Stage::Over,
        };
    }
}

impl<M: Message> ParkedReply<M> {
    /// Whether nobody waits any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &*lock(&self.0) {
            Stage::Handling => false,
            Stage::Waiting(asker) => asker.is_closed(),
            Stage::Answered(_) | Stage::Over => true,
        }
    }

    /// Answers.
    ///
    /// # Errors
    /// Gives the answer back when nobody waits any more.
    pub fn send(self, answer: M::Result) -> Result<(), M::Result> {
        let mut stage = lock(&self.0);
        match mem::replace(&mut *stage, Stage::Over) {
            Stage::Waiting(asker) => asker.send(answer),
            Stage::Handling => {
                *stage = Stage::Answered(answer);
                Ok(())
            }
            Stage::Answered(_) | Stage::Over => Err(answer),
        }
    }
}

impl<M: Message> Drop for ParkedReply<M> {
    /// Without this the slot that [`Parked`] shares would keep the asker waiting.
    fn drop(&mut self) {
        let mut stage = lock(&self.0);
        if matches!(*stage, Stage::Waiting(_)) {
            *stage = Stage::Over;
        }
    }
}

#[cfg(test)]
mod tests {
    use actix::{Actor, Context, Handler, Message};

    use super::{Parked, ParkedReply, parked};

    #[derive(Message)]
    #[rtype(result = "u8")]
    struct Ask;

    #[derive(Message)]
    #[rtype(result = "bool")]
    struct Answer(u8);

    #[derive(Default)]
    struct Patient {
        asked: Option<ParkedReply<Ask>>,
        at_once: bool,
    }

    impl Actor for Patient {
        type Context = Context<Self>;
    }

    impl Handler<Ask> for Patient {
        type Result = Parked<Ask>;

        fn handle(&mut self, _: Ask, _: &mut Context<Self>) -> Self::Result {
            let (parked, reply) = parked();
            if self.at_once {
                assert_eq!(reply.send(7), Ok(()));
            } else {
                self.asked = Some(reply);
            }
            parked
        }
    }

    impl Handler<Answer> for Patient {
        type Result = bool;

        fn handle(&mut self, Answer(answer): Answer, _: &mut Context<Self>) -> bool {
            self.asked.take().is_some_and(|asked| !asked.is_closed() && asked.send(answer).is_ok())
        }
    }

    /// Whether somebody waits.
    #[derive(Message)]
    #[rtype(result = "bool")]
    struct Probe;

    impl Handler<Probe> for Patient {
        type Result = bool;

        fn handle(&mut self, _: Probe, _: &mut Context<Self>) -> bool {
            self.asked.as_ref().is_some_and(|asked| !asked.is_closed())
        }
    }

    #[actix::test]
    async fn the_answer_comes_later_or_at_once() {
        let later = Patient::default().start();
        let (answer, told) = futures::join!(later.send(Ask), later.send(Answer(3)));
        assert_eq!((answer.expect("alive"), told.expect("alive")), (3, true));
        let at_once = Patient { at_once: true, ..Patient::default() }.start();
        assert_eq!(at_once.send(Ask).await.expect("alive"), 7);
    }

    #[actix::test]
    async fn an_asker_that_is_gone_is_noticed() {
        let patient = Patient::default().start();
        let mut asked = Box::pin(patient.send(Ask));
        // Delivered and handled, since mailboxes keep the order.
        assert!(futures::poll!(&mut asked).is_pending());
        assert!(patient.send(Probe).await.expect("alive"), "somebody waits");
        drop(asked);
        assert!(!patient.send(Answer(1)).await.expect("alive"), "nobody waits any more");
    }
}
