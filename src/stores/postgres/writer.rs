//! The one that writes, in the order in which it was asked: a transaction for what is queued, answered after its commit.
//!
//! Changes of different tasks share a transaction, and its statements; everything else has one of its own. A transaction that another
//! server's came in the way of is run again. One whose commit was not answered is not: the caller is told that its outcome is unknown.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::try_join;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::error::Severity;

use crate::domain::faults;
use crate::domain::task::{Change, NewTask};
use crate::stores::postgres::Rules;
use crate::stores::postgres::changes::{self, Verdict};
use crate::stores::postgres::connection::Connections;
use crate::stores::postgres::fault::{Fault, with_cause};
use crate::stores::postgres::hints::Outbox;
use crate::stores::postgres::session::Session;

/// Changes that share one transaction at most.
const BATCH: usize = 256;

/// How often a transaction is begun when others come between.
const TRIES: usize = 8;

/// How long all of these tries may take together. With the commit it is less than anybody waits for an answer.
const TRANSACTION: Duration = Duration::from_secs(6);

/// How long a commit may take before its outcome counts as unknown.
const COMMIT: Duration = Duration::from_secs(3);

/// What is asked of the writer.
pub(super) enum Request {
    Change(Queued),
    Other(Box<dyn Job>),
}

impl Request {
    pub(super) fn change(change: Change) -> (Self, oneshot::Receiver<Result<Verdict, Fault>>) {
        let (reply, answer) = oneshot::channel();
        (Self::Change(Queued { change: Box::new(change), reply }), answer)
    }

    pub(super) fn other<T, W>(work: W) -> (Self, oneshot::Receiver<Result<T, Fault>>)
    where
        T: Send + 'static,
        W: for<'a> Fn(&'a Session, &'a Rules) -> BoxFuture<'a, Result<T, Fault>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        (Self::Other(Box::new(Single { work, done: None, reply })), answer)
    }
}

/// Something to be done in a transaction.
pub(super) trait Job: Send {
    /// Does it, and keeps what came of it back. It may be run again if the transaction was undone.
    fn run<'a>(&'a mut self, session: &'a Session, rules: &'a Rules) -> BoxFuture<'a, Result<(), Fault>>;
    /// Answers, now that the fate of the transaction is known.
    fn answer(self: Box<Self>, fate: Result<(), Fault>);
}

struct Single<T, W> {
    work: W,
    done: Option<T>,
    reply: oneshot::Sender<Result<T, Fault>>,
}

impl<T, W> Job for Single<T, W>
where
    T: Send + 'static,
    W: for<'a> Fn(&'a Session, &'a Rules) -> BoxFuture<'a, Result<T, Fault>> + Send + 'static,
{
    fn run<'a>(&'a mut self, session: &'a Session, rules: &'a Rules) -> BoxFuture<'a, Result<(), Fault>> {
        let Self { work, done, .. } = self;
        work(session, rules).map(move |result| result.map(|value| *done = Some(value))).boxed()
    }

    fn answer(self: Box<Self>, fate: Result<(), Fault>) {
        let not_run = || Fault::Unavailable("the request was not run".into());
        // The caller may have stopped waiting; the change stands.
        let Self { done, reply, .. } = *self;
        drop(reply.send(fate.and_then(|()| done.ok_or_else(not_run))));
    }
}

/// A change that waits for its transaction.
pub(super) struct Queued {
    change: Box<Change>,
    reply: oneshot::Sender<Result<Verdict, Fault>>,
}

/// Changes that go into one transaction.
struct Batch {
    queued: Vec<Queued>,
    verdicts: Vec<Verdict>,
    /// What no second change of the transaction may name: tasks, and the keys of uploads.
    names: HashSet<String>,
}

impl Batch {
    fn of(first: Queued) -> Self {
        Self { names: names(&first.change).into_iter().collect(), queued: vec![first], verdicts: Vec::new() }
    }

    /// Takes a change in, unless it must see what one before it has done.
    fn admit(&mut self, queued: Queued) -> Result<(), Queued> {
        let names = names(&queued.change);
        if self.queued.len() == BATCH || names.iter().any(|name| self.names.contains(name)) {
            return Err(queued);
        }
        self.names.extend(names);
        self.queued.push(queued);
        Ok(())
    }

    /// Takes in what waits, and returns the first that has to wait for the next transaction.
    fn fill(&mut self, requests: &mut mpsc::Receiver<Request>) -> Option<Request> {
        loop {
            match requests.try_recv() {
                Ok(Request::Change(queued)) => {
                    if let Err(queued) = self.admit(queued) {
                        return Some(Request::Change(queued));
                    }
                }
                Ok(other) => return Some(other),
                Err(_) => return None,
            }
        }
    }
}

fn names(change: &Change) -> Vec<String> {
    let key = match change {
        // They leave the row as it is, so that whatever else is told of the claim at the same time goes along with them.
        Change::Heartbeat { .. } | Change::NoteMemory { .. } => return Vec::new(),
        Change::Insert(NewTask { idempotency: Some(sent), caller, .. }) => Some(format!("{caller:?} {}", sent.key.as_str())),
        _ => None,
    };
    [change.task().to_string()].into_iter().chain(key).collect()
}

impl Job for Batch {
    fn run<'a>(&'a mut self, session: &'a Session, rules: &'a Rules) -> BoxFuture<'a, Result<(), Fault>> {
        async move {
            let changes: Vec<&Change> = self.queued.iter().map(|queued| &*queued.change).collect();
            self.verdicts = changes::apply(session, rules, &changes).await?;
            Ok(())
        }
        .boxed()
    }

    /// A refusal, too, is only true if what it was based on was committed.
    fn answer(self: Box<Self>, fate: Result<(), Fault>) {
        let mut verdicts = self.verdicts.into_iter();
        for queued in self.queued {
            let not_run = || Fault::Unavailable("the change was not run".into());
            drop(queued.reply.send(fate.clone().and_then(|()| verdicts.next().ok_or_else(not_run))));
        }
    }
}

/// The writer.
pub(super) struct Writer {
    pub(super) connections: Connections,
    pub(super) rules: Arc<Rules>,
    pub(super) commits: Arc<AtomicU64>,
    /// Where that goes which other servers may want to know.
    pub(super) outbox: Arc<Outbox>,
}

impl Writer {
    /// Serves until nobody can ask any more.
    pub(super) async fn serve(self, mut requests: mpsc::Receiver<Request>) {
        let mut held = None;
        loop {
            let next = match held.take() {
                None => requests.recv().await,
                held => held,
            };
            match next {
                None => return self.connections.close(),
                Some(Request::Other(mut job)) => {
                    let fate = self.settle(&mut *job).await;
                    job.answer(fate);
                }
                Some(Request::Change(first)) => {
                    let mut batch = Batch::of(first);
                    held = batch.fill(&mut requests);
                    self.change(batch).await;
                }
            }
        }
    }

    /// One change that the database does not take must not take the others along.
    async fn change(&self, mut batch: Batch) {
        let fate = self.settle(&mut batch).await;
        let by_one = matches!(fate, Err(Fault::Unavailable(_) | Fault::Corrupt(_) | Fault::Conflict(_)));
        if !by_one || batch.queued.len() == 1 {
            return Box::new(batch).answer(fate);
        }
        for queued in batch.queued {
            let mut alone = Batch::of(queued);
            let fate = self.settle(&mut alone).await;
            Box::new(alone).answer(fate);
        }
    }

    /// Runs a job until its fate is known.
    async fn settle(&self, job: &mut dyn Job) -> Result<(), Fault> {
        let until = Instant::now() + TRANSACTION;
        let mut fate = Err(Fault::Unavailable("not tried".into()));
        for _ in 0..TRIES {
            fate = self.attempt(job, until).await;
            if !matches!(fate, Err(Fault::Conflict(_))) || Instant::now() >= until {
                break;
            }
        }
        match &fate {
            Ok(()) => drop(self.commits.fetch_add(1, Ordering::Relaxed)),
            Err(fault) => log::error!(fault:%; "a transaction failed"),
        }
        fate
    }

    async fn attempt(&self, job: &mut dyn Job, until: Instant) -> Result<(), Fault> {
        if faults::soft("tasks.full") {
            return Err(Fault::Full);
        }
        let session = self.connections.get().await?;
        // Sent before the first statement of the job, and together with it.
        let begin = async { Ok::<_, Fault>(session.run("BEGIN").await?) };
        let work = async { try_join!(begin, job.run(&session, &self.rules)).map(drop) };
        let done = timeout_at(until, AssertUnwindSafe(work).catch_unwind()).await;
        let fault = match done {
            Ok(Ok(Ok(()))) => return self.commit(session).await,
            Ok(Ok(Err(fault))) => fault,
            Ok(Err(_)) => Fault::Broken("it failed with the request in hand".into()),
            Err(_) => Fault::Broken("it did not answer in time".into()),
        };
        let usable = !matches!(fault, Fault::Broken(_)) && matches!(timeout(COMMIT, session.run("ROLLBACK")).await, Ok(Ok(())));
        if !usable {
            session.discard();
        }
        Err(fault)
    }

    /// Others are told afterwards, and by another connection: what they look for must be there, and no change waits for them.
    async fn commit(&self, session: Session) -> Result<(), Fault> {
        let hints = session.hints();
        let fate = commit(session).await;
        if matches!(fate, Ok(()) | Err(Fault::UnknownOutcome(_))) {
            self.outbox.put(hints);
        }
        fate
    }
}

async fn commit(session: Session) -> Result<(), Fault> {
    faults::point("tasks.before_commit");
    if faults::soft("tasks.commit_fails") {
        session.discard();
        return Err(Fault::UnknownOutcome("a planted failure before the commit".into()));
    }
    let fault = match timeout(COMMIT, session.run("COMMIT")).await {
        Ok(Ok(())) if faults::soft("tasks.after_commit") => Fault::UnknownOutcome("a planted failure after the commit".into()),
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => not_committed(error),
        Err(_) => Fault::UnknownOutcome("the database did not answer the commit".into()),
    };
    session.discard();
    Err(fault)
}

/// An ordinary error undoes the transaction for certain. The end of the connection tells nothing.
fn not_committed(error: tokio_postgres::Error) -> Fault {
    match error.as_db_error().and_then(tokio_postgres::error::DbError::parsed_severity) {
        Some(Severity::Error) => error.into(),
        _ => Fault::UnknownOutcome(with_cause(&error)),
    }
}
