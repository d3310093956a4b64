//! One attempt at one task: open the original and the assets, probe, wait for memory, run, keep what comes of it. How results are kept
//! is the business of `results`; nothing here knows how a worker gets its tasks.

use std::fs::File;
use std::pin::pin;
use std::time::Duration;

use actix::MailboxError;
use futures::future::{Either, select};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use crate::actors::master::{Heartbeat, Outcome, Work};
use crate::actors::storage::GetBlob;
use crate::actors::workers::{WorkerDeps, results};
use crate::domain::asset::AssetRef;
use crate::domain::blob::BlobKey;
use crate::domain::error_code::ErrorCode;
use crate::domain::faults;
use crate::domain::pipeline::Variants;
use crate::domain::probe::ImageProbe;
use crate::domain::task::{Failure, NewResult};
use crate::sandbox::{Child, Job, Made, Probe, Probed, Progress, SandboxError};
use crate::stores::blobs::{BlobStoreError, OpenBlob};

/// How long storage may take to open an original or to make a result durable.
pub(super) const STORAGE_DEADLINE: Duration = Duration::from_secs(60);

/// Does the work with the child and tells how it ended; `None` if the claim was lost meanwhile, and with it the right
/// to say anything.
///
/// The child is killed whenever it is left in the middle of a job: at the deadline, and when the claim is lost.
pub(super) async fn attempt(deps: &WorkerDeps, child: &mut Child, work: &Work) -> Option<Outcome> {
    tokio::select! {
        outcome = process(deps, child, work) => Some(outcome),
        () = claim_lost(deps, work) => {
            log::warn!(task:% = work.claim.task, claim:% = work.claim.claim_no; "claim lost; work dropped");
            None
        }
    }
}

/// Keeps the claim alive; resolves when it is lost.
async fn claim_lost(deps: &WorkerDeps, work: &Work) {
    loop {
        sleep(deps.heartbeat).await;
        let heartbeat = Heartbeat { claim: work.claim };
        // A master that does not answer is being restarted: it takes this worker along, or the lease decides.
        if let Ok(Err(_)) = deps.master.send(heartbeat).timeout(deps.heartbeat).await {
            return;
        }
    }
}

/// The steps of the attempt; any of them may be the last.
async fn process(deps: &WorkerDeps, child: &mut Child, work: &Work) -> Outcome {
    match try_process(deps, child, work).await {
        Ok(last) => Outcome::Done(last),
        Err(outcome) => outcome,
    }
}

async fn try_process(deps: &WorkerDeps, child: &mut Child, work: &Work) -> Result<Box<NewResult>, Outcome> {
    let original = deps.storage.send(GetBlob { key: BlobKey::Original(work.task.id) }).timeout(STORAGE_DEADLINE);
    let original = original.await.map_err(away)?.map_err(not_opened)?;
    let variants = missing(work)?;
    let assets = variants.assets();
    let files = open_assets(deps, &assets).await?;
    let deadline = Instant::now() + deps.deadline;
    let job = Job { variants, assets, limits: work.limits };
    let probed = probe(child, job, &original, &files, deadline).await?;
    let known = ImageProbe::new(&probed.probing().info, (*probed.probing().details).clone());
    let memory = deps.memory.acquire(probed.probing().peak_bytes).await;
    let memory = match memory {
        Ok(memory) => memory,
        Err(never) => {
            // Whether the child hears it or dies, the verdict stands; a dead child is replaced.
            let _ = probed.refuse().await;
            return Err(Outcome::Failed(Failure::new(ErrorCode::MemoryBudgetExceeded, never.to_string())));
        }
    };
    faults::point("worker.before_run");
    // Waiting for memory was not the image's fault: the clock of the run starts now.
    let deadline = Instant::now() + deps.deadline;
    let (made, keeping) = mpsc::channel(Variants::MAX);
    let run = async {
        let last = run(probed, made, deadline).await;
        drop(memory);
        last
    };
    // Results are kept while the child makes others; those that are there count whatever becomes of the others.
    let last = match select(pin!(run), pin!(results::keep_all(deps, work, &known, keeping))).await {
        Either::Left((last, keeping)) => keeping.await.and(last)?,
        Either::Right((kept, run)) => {
            kept?;
            run.await?
        }
    };
    results::keep(deps, work, &known, last).await
}

/// What is still to be made: not what an earlier attempt has made.
fn missing(work: &Work) -> Result<Variants, Outcome> {
    let missing = work.task.missing().map(|(name, pipeline)| (name, pipeline.clone()));
    Variants::new(missing).map_err(|_| Outcome::Interrupted(Failure::new(ErrorCode::Internal, "every result is there already")))
}

/// Opens the files of the assets, each in the version that the task was accepted with.
async fn open_assets(deps: &WorkerDeps, assets: &[AssetRef]) -> Result<Vec<File>, Outcome> {
    let mut files = Vec::with_capacity(assets.len());
    for asset in assets {
        let gone = || Outcome::Failed(Failure::new(ErrorCode::AssetFailed, format!("the asset {asset} is not in the storage any more")));
        let key = BlobKey::Asset(asset.version.ok_or_else(gone)?);
        match deps.storage.send(GetBlob { key }).timeout(STORAGE_DEADLINE).await.map_err(away)? {
            Ok(open) => files.push(open.file),
            Err(BlobStoreError::NotFound) => return Err(gone()),
            Err(other) => return Err(not_opened(other)),
        }
    }
    Ok(files)
}

/// Hands the job to the child and has it read the headers.
async fn probe<'c>(child: &'c mut Child, job: Job, original: &OpenBlob, assets: &[File], deadline: Instant) -> Result<Probed<'c>, Outcome> {
    match timeout_at(deadline, child.probe(job, &original.file, assets)).await {
        Ok(Ok(Probe::Readable(probed))) => Ok(probed),
        Ok(Ok(Probe::Failed(failure))) => Err(Outcome::Failed(Failure::new(failure.code, failure.detail))),
        Ok(Err(error)) => Err(sandbox_failed(&error)),
        Err(_) => Err(too_late()),
    }
}

/// Lets the child decode, transform and encode; hands over every result but the last, which it returns.
async fn run(probed: Probed<'_>, made: mpsc::Sender<Made>, deadline: Instant) -> Result<Made, Outcome> {
    let mut progress = timeout_at(deadline, probed.run()).await;
    loop {
        match progress {
            Ok(Ok(Progress::Made(result, rest))) => {
                // Whoever keeps results has room for all of them, and ends before this only with an outcome of its own.
                let _ = made.try_send(result);
                progress = timeout_at(deadline, rest.next()).await;
            }
            Ok(Ok(Progress::Done(last))) => return Ok(last),
            Ok(Ok(Progress::Failed(failure))) => return Err(Outcome::Failed(Failure::new(failure.code, failure.detail))),
            Ok(Err(error)) => return Err(sandbox_failed(&error)),
            Err(_) => return Err(too_late()),
        }
    }
}

/// A child that died or misbehaved counts against the task; a server that could not serve it does not.
fn sandbox_failed(error: &SandboxError) -> Outcome {
    match error {
        SandboxError::Died(_) | SandboxError::Hostile(_) | SandboxError::Protocol(_) => {
            Outcome::Died(Failure::new(ErrorCode::WorkerDied, error.to_string()))
        }
        SandboxError::Spawn { .. } | SandboxError::NotReady(_) | SandboxError::Busy | SandboxError::Io(_) => {
            Outcome::Interrupted(Failure::new(ErrorCode::Unavailable, error.to_string()))
        }
    }
}

fn too_late() -> Outcome {
    Outcome::Died(Failure::new(ErrorCode::DeadlineExceeded, "the work ran past its deadline and was killed"))
}

/// Storage is being restarted.
pub(super) fn away(error: MailboxError) -> Outcome {
    Outcome::Interrupted(Failure::new(ErrorCode::Unavailable, format!("storage did not answer: {error}")))
}

/// The original cannot be read.
fn not_opened(error: BlobStoreError) -> Outcome {
    match error {
        BlobStoreError::NotFound => Outcome::Failed(Failure::new(ErrorCode::CorruptBlob, "the original is not in the storage any more")),
        other => Outcome::Interrupted(Failure::new(ErrorCode::Unavailable, other.to_string())),
    }
}
