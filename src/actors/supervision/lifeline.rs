//! A lifeline: what an actor gives out of its present life can tell when that life is over.
//!
//! An address outlives the actor behind it, panics included, so it cannot tell that whoever made a promise has forgotten it.
//! A lifeline lies in the actor's state and ends with it, like Erlang's links, whatever the life ended with.

use tokio::sync::watch;

/// Lies in the state of an actor, and breaks its links when that is dropped.
#[derive(Debug)]
pub struct Lifeline(watch::Sender<()>);

impl Lifeline {
    /// The line of a new life.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// A link to this life.
    #[must_use]
    pub fn link(&self) -> Link {
        Link(self.0.subscribe())
    }
}

impl Default for Lifeline {
    fn default() -> Self {
        Self::new()
    }
}

/// Tells when the life that it was given out in has ended.
#[derive(Debug, Clone)]
pub struct Link(watch::Receiver<()>);

impl Link {
    /// Resolves when that life has ended; at once if it had already.
    pub async fn broken(&self) {
        // Nothing is ever sent: the only change is the end.
        let _ = self.0.clone().changed().await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_link_breaks_with_the_life_it_is_of() {
        let (first, second) = (Lifeline::new(), Lifeline::new());
        let link = first.link();
        let broken = link.clone();
        drop(second);
        assert_eq!(link.broken().now_or_never(), None);
        drop(first);
        assert_eq!(link.broken().now_or_never(), Some(()));
        assert_eq!(broken.broken().now_or_never(), Some(()), "also for whoever asks later");
    }
}
