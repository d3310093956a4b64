//! What an attempt makes, on its way into the storage and onto the task: one result after the other, while the child makes others.

use tokio::sync::mpsc;

use crate::actors::master::{Outcome, ResultMade, Work};
use crate::actors::storage::{PutBlob, Source};
use crate::actors::workers::attempt::{STORAGE_DEADLINE, away};
use crate::actors::workers::{REPORT_DEADLINE, WorkerDeps};
use crate::domain::error_code::ErrorCode;
use crate::domain::faults;
use crate::domain::probe::ImageProbe;
use crate::domain::task::{Failure, NewResult, TaskResult};
use crate::sandbox::{Made, OutputInfo};
use crate::stores::blobs::BlobStoreError;

/// Keeps every result that comes and shows it on the task, until nothing can come any more.
///
/// # Errors
/// The outcome of the attempt, if a result could not be kept: nothing that is made from then on counts.
pub(super) async fn keep_all(deps: &WorkerDeps, work: &Work, probe: &ImageProbe, mut made: mpsc::Receiver<Made>) -> Result<(), Outcome> {
    while let Some(made) = made.recv().await {
        let made = keep(deps, work, probe, made).await?;
        faults::point("worker.before_result");
        let added = deps.master.send(ResultMade { claim: work.claim, made }).timeout(REPORT_DEADLINE).await;
        if !matches!(added, Ok(Ok(()))) {
            let detail = "the result could not be shown: the claim was lost, or the task database is away";
            return Err(Outcome::Interrupted(Failure::new(ErrorCode::Unavailable, detail)));
        }
    }
    Ok(())
}

/// Makes one result durable under the name that only this claim has for it.
///
/// # Errors
/// The outcome of the attempt, if it could not be kept.
pub(super) async fn keep(deps: &WorkerDeps, work: &Work, probe: &ImageProbe, made: Made) -> Result<Box<NewResult>, Outcome> {
    let Made { variant, output, info } = made;
    if !info.warnings.is_empty() {
        log::warn!(task:% = work.claim.task, variant:% = variant, warnings:? = info.warnings; "the result lacks something");
    }
    faults::point("worker.before_put");
    let length = output.size();
    let put = PutBlob { key: work.claim.result_key(variant), source: Source::File { file: output.into_file(), length } };
    let blob = deps.storage.send(put).timeout(STORAGE_DEADLINE).await.map_err(away)?.map_err(not_kept)?;
    faults::point("worker.after_put");
    let OutputInfo { format, width, height, warnings, glance } = info;
    let result = TaskResult { claim_no: work.claim.claim_no, blob, format, width, height, warnings };
    Ok(Box::new(NewResult { variant, result, probe: ImageProbe { glance, ..probe.clone() } }))
}

/// The result cannot be kept.
fn not_kept(error: BlobStoreError) -> Outcome {
    match error {
        BlobStoreError::TooLarge { max } => {
            Outcome::Failed(Failure::new(ErrorCode::OutputTooLarge, format!("the result is larger than the {max} bytes allowed")))
        }
        BlobStoreError::Full => Outcome::Interrupted(Failure::new(ErrorCode::StorageFull, "the storage is full")),
        other => Outcome::Interrupted(Failure::new(ErrorCode::Unavailable, other.to_string())),
    }
}
