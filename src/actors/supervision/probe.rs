//! Asking an actor about itself. However long it does not answer and however often it is asked, one question is on its way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::Details;

/// The questions to one child; shared by its supervisor and its cell.
#[derive(Clone, Default)]
pub(super) struct Probe(Arc<Mutex<Questions>>);

#[derive(Default)]
struct Questions {
    on_its_way: bool,
    askers: Vec<oneshot::Sender<Details>>,
}

impl Probe {
    /// Adds a question; `send` is called if none is on its way yet. Askers that have gone are forgotten.
    pub(super) fn ask(&self, send: impl FnOnce()) -> oneshot::Receiver<Details> {
        let (asker, answer) = oneshot::channel();
        let mut questions = self.lock();
        questions.askers.retain(|asker| !asker.is_closed());
        questions.askers.push(asker);
        if !questions.on_its_way {
            questions.on_its_way = true;
            send();
        }
        answer
    }

    /// Answers all who ask.
    pub(super) fn answer(&self, details: &Details) {
        for asker in self.take() {
            // An asker that did not wait is no error.
            let _ = asker.send(details.clone());
        }
    }

    /// Lets all who ask go without an answer: the life that was asked is over.
    pub(super) fn give_up(&self) {
        self.take();
    }

    fn take(&self) -> Vec<oneshot::Sender<Details>> {
        let mut questions = self.lock();
        questions.on_its_way = false;
        std::mem::take(&mut questions.askers)
    }

    fn lock(&self) -> MutexGuard<'_, Questions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_question_is_on_its_way_however_many_ask() {
        let (probe, mut sent) = (Probe::default(), 0);
        let answers: Vec<_> = (0..100).map(|_| probe.ask(|| sent += 1)).collect();
        probe.answer(&Details::from_iter([("count".to_owned(), 7.into())]));
        for mut answer in answers {
            assert_eq!(answer.try_recv().expect("an answer")["count"], 7);
        }
        let mut last = probe.ask(|| sent += 1);
        probe.give_up();
        assert!(last.try_recv().is_err());
        assert_eq!(sent, 2);
    }

    #[test]
    fn askers_that_have_gone_are_forgotten() {
        let probe = Probe::default();
        for _ in 0..100 {
            drop(probe.ask(|| ()));
        }
        assert_eq!(probe.lock().askers.len(), 1, "the last, which nobody has asked behind");
    }
}
