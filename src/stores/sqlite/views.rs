//! Tasks that were asked about of late, as they are: whoever waits for one asks again and again, and then costs no reading.
//!
//! What is kept here is never older than the last commit, in three steps that depend on nobody's memory:
//!
//! 1. SQLite itself tells of every row of a task that is changed (its update hook), before the change is committed; the view of it is
//!    forgotten then.
//! 2. Time is divided into eras: one ends when a batch of writes begins, the next begins when its fate is known, and nothing is answered before
//!    that. A view is kept only if it was read and is put here in the same era, so that no batch lies between.
//! 3. A connection that is replaced takes everything that is kept with it.
//!
//! Attempts have no hook, since their table has no row ids; none is changed without its task.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::ids::TaskId;
use crate::stores::tasks::TaskView;

/// How many views are kept at least; at most twice as many.
const KEPT: usize = 256;

/// What is kept. Held for moments only, by any thread.
#[derive(Default)]
pub(super) struct Views(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    /// How many batches have begun.
    era: u64,
    is_writing: bool,
    /// What was asked for since the last turn; when it is full it takes the place of the others.
    recent: Half,
    others: Half,
}

#[derive(Default)]
struct Half {
    views: HashMap<TaskId, Arc<TaskView>>,
    /// By the row that the hook names.
    rows: HashMap<u64, TaskId>,
}

impl Half {
    fn forget(&mut self, seq: u64) {
        if let Some(id) = self.rows.remove(&seq) {
            self.views.remove(&id);
        }
    }
}

/// When something was read.
#[derive(Clone, Copy)]
pub(super) struct Era(Option<u64>);

impl Views {
    /// The view of a task, if it is kept.
    pub(super) fn find(&self, id: TaskId) -> Option<Arc<TaskView>> {
        let mut shelf = self.shelf();
        if let Some(view) = shelf.recent.views.get(&id) {
            return Some(Arc::clone(view));
        }
        let view = shelf.others.views.get(&id).map(Arc::clone)?;
        shelf.put(Arc::clone(&view));
        Some(view)
    }

    /// The present era; to be asked before what is to be kept is read.
    pub(super) fn era(&self) -> Era {
        let shelf = self.shelf();
        Era((!shelf.is_writing).then_some(shelf.era))
    }

    /// Keeps what was read in an era, unless that is over.
    pub(super) fn keep(&self, read_in: Era, view: &TaskView) {
        let mut shelf = self.shelf();
        if !shelf.is_writing && read_in.0 == Some(shelf.era) {
            shelf.put(Arc::new(view.clone()));
        }
    }

    /// The row of a task is being changed.
    pub(super) fn forget(&self, seq: u64) {
        let mut shelf = self.shelf();
        shelf.recent.forget(seq);
        shelf.others.forget(seq);
    }

    /// Nothing is known of what the next connection will find.
    pub(super) fn forget_all(&self) {
        let mut shelf = self.shelf();
        (shelf.recent, shelf.others) = (Half::default(), Half::default());
    }

    /// A batch begins; until the reply is dropped nothing new is kept.
    pub(super) fn writing(&self) -> Writing<'_> {
        let mut shelf = self.shelf();
        shelf.era += 1;
        shelf.is_writing = true;
        Writing(self)
    }

    /// What is on the shelf is whole whenever it is let go, so it is so behind a poisoned lock.
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn put(&mut self, view: Arc<TaskView>) {
        if self.recent.views.len() >= KEPT {
            self.others = mem::take(&mut self.recent);
        }
        let (id, seq) = (view.task.id, view.task.seq);
        self.recent.rows.insert(seq, id);
        self.recent.views.insert(id, view);
    }
}

/// A batch of writes, until its fate is known.
pub(super) struct Writing<'v>(&'v Views);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.shelf().is_writing = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::blob::{BlobMeta, Sha256};
    use crate::domain::format::Format;
    use crate::domain::pipeline::Variants;
    use crate::domain::task::{NewTask, Task};
    use crate::domain::timestamp::Timestamp;

    fn view(seq: u64) -> TaskView {
        let variants = Variants::only("invert".parse().unwrap());
        let new = NewTask::new(TaskId::random(), variants, BlobMeta { len: 1, sha256: Sha256([7; 32]) }, Format::Png);
        TaskView { task: Task::create(new, seq, Timestamp(0)), attempts: Vec::new() }
    }

    #[test]
    fn what_was_read_is_kept_until_its_row_changes() {
        let (views, one, other) = (Views::default(), view(1), view(2));
        views.keep(views.era(), &one);
        views.keep(views.era(), &other);
        let _writing = views.writing();
        views.forget(1);
        assert_eq!(views.find(one.task.id), None);
        assert_eq!(views.find(other.task.id).as_deref(), Some(&other), "a batch that changes others");
    }

    #[test]
    fn what_was_read_before_or_during_a_batch_is_not_kept() {
        let (views, one) = (Views::default(), view(1));
        let before = views.era();
        let writing = views.writing();
        let during = views.era();
        views.keep(before, &one);
        views.keep(during, &one);
        assert_eq!(views.find(one.task.id), None, "while it is written");
        drop(writing);
        views.keep(before, &one);
        views.keep(during, &one);
        assert_eq!(views.find(one.task.id), None, "once it is written");
        views.keep(views.era(), &one);
        assert_eq!(views.find(one.task.id).as_deref(), Some(&one));
        views.forget_all();
        assert_eq!(views.find(one.task.id), None);
    }

    #[test]
    fn what_is_asked_for_again_and_again_stays_and_the_rest_is_bounded() {
        let (views, asked) = (Views::default(), view(1));
        views.keep(views.era(), &asked);
        for seq in 2..10 * KEPT as u64 {
            views.keep(views.era(), &view(seq));
            assert!(views.find(asked.task.id).is_some(), "at {seq}");
            let shelf = views.shelf();
            assert!(shelf.recent.views.len() + shelf.others.views.len() <= 2 * KEPT);
            assert!(shelf.recent.rows.len() + shelf.others.rows.len() <= 2 * KEPT);
        }
        views.forget(1);
        assert_eq!(views.find(asked.task.id), None, "from wherever it was kept");
    }
}
