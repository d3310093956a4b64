//! One node: does with the database what a server does, and instead of work it lets the time of a job pass.
//!
//! Its workers ask for tasks as those of a server do: one claim at a time for all that are free. A job is kept alive, and its end is told, by
//! the same changes. What a server asks besides (once a second what has lapsed and how much there is, after every change what has
//! happened and which deliveries are due) is asked as well.

use std::io::{BufRead, stdin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, OptionFuture};
use safelight::domain::blob::{BlobMeta, Sha256};
use safelight::domain::format::Format;
use safelight::domain::pipeline::VariantName;
use safelight::domain::task::{Change, Claim, EventNo, TaskResult};
use safelight::stores::events::{EventFilter, EventQuery, EventStore};
use safelight::stores::postgres::{PostgresDb, PostgresOptions};
use safelight::stores::tasks::{ClaimRequest, ClaimedTask, TaskStore, TaskStoreError};
use safelight::stores::webhooks::WebhookStore;
use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;
use tokio::sync::{Notify, mpsc};
use tokio::time::{interval, sleep, sleep_until, timeout};

use crate::Outcome;

/// How long a claim lasts and how often it is kept alive, as a server does unless it is told otherwise.
const LEASE: Duration = Duration::from_secs(20);
const HEARTBEAT: Duration = Duration::from_secs(5);

/// How often a server looks by itself.
const TICK: Duration = Duration::from_secs(1);

/// How long nodes run before anything is counted: connections are made and plans are chosen.
pub(crate) const WARMING: Duration = Duration::from_secs(3);

/// What a node is told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// The database
    #[arg(long)]
    pub(crate) url: String,
    /// The node's name
    #[arg(long)]
    pub(crate) name: String,
    /// Jobs at the same time
    #[arg(long)]
    pub(crate) workers: usize,
    /// How many milliseconds a job takes
    #[arg(long)]
    pub(crate) job: u64,
    /// For how many seconds it is counted
    #[arg(long)]
    pub(crate) seconds: u64,
    /// Somebody reads its events
    #[arg(long)]
    pub(crate) watched: bool,
}

/// What a node has counted.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Tasks that were finished, and are so durably.
    pub(crate) finished: u64,
    /// Claims that brought something.
    pub(crate) claims: u64,
    /// How long each of them took, with its commit, in microseconds.
    pub(crate) claim_us: Vec<u64>,
}

/// Says when it is ready, begins when it is told to on its standard input, and prints what it has counted.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let options = PostgresOptions { node: arguments.name.clone(), ..PostgresOptions::default() };
    let db = Arc::new(PostgresDb::open(&arguments.url, options)?);
    println!("ready");
    stdin().lock().read_line(&mut String::new())?;
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let report = runtime.block_on(Node::new(db, arguments).serve())?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

struct Node {
    db: Arc<PostgresDb>,
    job: Duration,
    watched: bool,
    counts_from: Instant,
    until: Instant,
    free: Vec<String>,
    /// Something became free or runnable since the last claim began.
    worth_asking: bool,
    changed: Arc<Notify>,
    report: Report,
}

/// A claim under way, and when it began.
type Claiming = BoxFuture<'static, (Instant, Result<Vec<ClaimedTask>, TaskStoreError>)>;

impl Node {
    fn new(db: Arc<PostgresDb>, arguments: &Arguments) -> Self {
        let counts_from = Instant::now() + WARMING;
        Self {
            db,
            job: Duration::from_millis(arguments.job),
            watched: arguments.watched,
            counts_from,
            until: counts_from + Duration::from_secs(arguments.seconds),
            free: (0..arguments.workers).map(|number| format!("worker-{number}")).collect(),
            worth_asking: true,
            changed: Arc::default(),
            report: Report::default(),
        }
    }

    async fn serve(mut self) -> Outcome<Report> {
        tokio::spawn(follow(Arc::clone(&self.db), Arc::clone(&self.changed), self.watched));
        let (ended, mut ends) = mpsc::unbounded_channel();
        let mut tick = interval(TICK);
        let mut claiming: Option<Claiming> = None;
        while Instant::now() < self.until {
            if claiming.is_none() && self.worth_asking && !self.free.is_empty() {
                claiming = Some(self.claim());
            }
            tokio::select! {
                Some((began, claimed)) = OptionFuture::from(claiming.as_mut()) => {
                    claiming = None;
                    self.hand_out(began, claimed?, &ended);
                }
                Some((worker, done)) = ends.recv() => self.ended(worker, done)?,
                _ = tick.tick() => self.tick(),
                () = sleep_until(self.until.into()) => {}
            }
        }
        Ok(self.report)
    }

    fn claim(&mut self) -> Claiming {
        self.worth_asking = false;
        let (began, request) = (Instant::now(), ClaimRequest { workers: self.free.clone(), lease: LEASE });
        self.db.claim(request).map(move |claimed| (began, claimed)).boxed()
    }

    fn hand_out(&mut self, began: Instant, claimed: Vec<ClaimedTask>, ended: &mpsc::UnboundedSender<(String, Outcome<()>)>) {
        if claimed.is_empty() {
            return;
        }
        if began >= self.counts_from {
            self.report.claims += 1;
            self.report.claim_us.push(began.elapsed().as_micros() as u64);
        }
        self.changed.notify_one();
        for ClaimedTask { worker, claim, .. } in claimed {
            self.free.retain(|free| *free != worker);
            let (db, job, ended) = (Arc::clone(&self.db), self.job, ended.clone());
            tokio::spawn(async move {
                let done = work(&db, claim, job).await;
                // At the end of the measurement nobody waits for it.
                drop(ended.send((worker, done.map_err(Into::into))));
            });
        }
    }

    fn ended(&mut self, worker: String, done: Outcome<()>) -> Outcome<()> {
        done?;
        self.report.finished += u64::from(Instant::now() >= self.counts_from);
        self.changed.notify_one();
        self.free.push(worker);
        self.worth_asking = true;
        Ok(())
    }

    fn tick(&mut self) {
        self.worth_asking = true;
        let db = Arc::clone(&self.db);
        tokio::spawn(async move { drop((db.expired(64).await, db.backlog().await, db.usage().await)) });
    }
}

/// A job: its time passes while it is kept alive, then its end is told.
async fn work(db: &PostgresDb, claim: Claim, job: Duration) -> Result<(), TaskStoreError> {
    let end = Instant::now() + job;
    while Instant::now() + HEARTBEAT < end {
        sleep(HEARTBEAT).await;
        db.apply(Change::Heartbeat { claim, lease: LEASE }).await?;
    }
    sleep_until(end.into()).await;
    // As the master does: nobody waits for this one.
    drop(db.apply(Change::NoteMemory { claim, peak: 50_000_000, lease: LEASE }));
    let blob = BlobMeta { len: 100_000, sha256: Sha256([7; 32]) };
    let result = TaskResult { claim_no: claim.claim_no, blob, format: Format::Jpeg, width: 400, height: 300, warnings: Vec::new() };
    db.apply(Change::AddResult { claim, variant: VariantName::RESULT, result, probe: None, lease: LEASE }).await?;
    Ok(())
}

/// What the webhooks of a server ask after every change, and the notifier of one that somebody watches: which deliveries are due, and what has
/// happened behind the last event.
async fn follow(db: Arc<PostgresDb>, changed: Arc<Notify>, watched: bool) {
    let mut told = db.span().await.map_or(EventNo(0), |span| span.latest);
    loop {
        drop(timeout(TICK, changed.notified()).await);
        let query = EventQuery { after: told, filter: EventFilter::default(), limit: 1000 };
        let page = OptionFuture::from(watched.then(|| EventStore::page(&*db, query)));
        let (page, _) = tokio::join!(page, db.due(2));
        told = page.and_then(Result::ok).and_then(|page| page.events.last().map(|event| event.no)).unwrap_or(told);
    }
}
