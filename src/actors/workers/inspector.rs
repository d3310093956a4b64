//! The inspector: has a file decoded once by a child of its own, to know that it is an image before anything relies on it.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::actors::workers::{CHILD_DEADLINE, MemoryBudget, Spare, TakeChild};
use crate::domain::error_code::ErrorCode;
use crate::domain::limits::ImageLimits;
use crate::domain::pipeline::cost::ImageInfo;
use crate::domain::pipeline::{Pipeline, Variants};
use crate::domain::task::Failure;
use crate::sandbox::{Child, Job, Probe, Probed, Progress, SandboxError};

/// How long a file may wait for its turn and for memory.
const WAIT: Duration = Duration::from_secs(30);

/// Files that are inspected at the same time; further ones wait.
const AT_ONCE: usize = 2;

/// The first frame, whole, and of the result as little as there can be.
const PIPELINE: &str = "input:frames=first/resize:1x1/png";

/// Inspects files; clones share their turns.
#[derive(Clone)]
pub struct Inspector {
    spare: Addr<Spare>,
    memory: MemoryBudget,
    deadline: Duration,
    turns: Arc<Semaphore>,
}

/// Why a file was not found to be an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotInspected {
    /// It is none that can be used.
    Unfit(Failure),
    /// The server could not tell; the log says why.
    Unavailable,
}

impl Inspector {
    /// Takes children from `spare` and memory from `memory`, and gives each file `deadline` to be decoded, a minute at most.
    #[must_use]
    pub fn new(spare: Addr<Spare>, memory: MemoryBudget, deadline: Duration) -> Self {
        Self { spare, memory, deadline: deadline.min(Duration::from_mins(1)), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// What the header of `file` tells, once the first frame was decoded whole.
    ///
    /// # Errors
    /// If the file is no image within `limits`, or that could not be found out. It takes less than three minutes.
    pub async fn inspect(&self, file: &File, limits: ImageLimits) -> Result<ImageInfo, NotInspected> {
        let turn = timeout(WAIT, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(NotInspected::Unavailable) };
        let child = self.spare.send(TakeChild).timeout(CHILD_DEADLINE).await.map_err(|_| NotInspected::Unavailable)?;
        let mut child = child.map_err(|error| unavailable(&error))?;
        // Not kept for tasks: what it has seen belongs to nobody yet.
        let inspected = self.decode(&mut child, file, limits).await;
        let _ = child.kill().await;
        inspected
    }

    async fn decode(&self, child: &mut Child, file: &File, limits: ImageLimits) -> Result<ImageInfo, NotInspected> {
        let pipeline: Pipeline = PIPELINE.parse().expect("the text is a pipeline, as a test shows");
        let job = Job { variants: Variants::only(pipeline), assets: Vec::new(), limits };
        let probed = match timeout(self.deadline, child.probe(job, file, &[])).await {
            Ok(Ok(Probe::Readable(probed))) => probed,
            Ok(Ok(Probe::Failed(failure))) => return Err(unfit(failure.code, failure.detail)),
            Ok(Err(error)) => return Err(died(&error)),
            Err(_) => return Err(too_late()),
        };
        let info = probed.probing().info;
        self.run(probed).await.map(|()| info)
    }

    async fn run(&self, probed: Probed<'_>) -> Result<(), NotInspected> {
        let memory = match timeout(WAIT, self.memory.acquire(probed.probing().peak_bytes)).await {
            Ok(Ok(memory)) => memory,
            Ok(Err(never)) => return Err(unfit(ErrorCode::MemoryBudgetExceeded, never.to_string())),
            Err(_) => return Err(NotInspected::Unavailable),
        };
        let end = timeout(self.deadline, probed.run()).await;
        drop(memory);
        match end {
            Ok(Ok(Progress::Made(..) | Progress::Done(_))) => Ok(()),
            Ok(Ok(Progress::Failed(failure))) => Err(unfit(failure.code, failure.detail)),
            Ok(Err(error)) => Err(died(&error)),
            Err(_) => Err(too_late()),
        }
    }
}

fn unfit(code: ErrorCode, detail: impl Into<String>) -> NotInspected {
    NotInspected::Unfit(Failure::new(code, detail))
}

fn too_late() -> NotInspected {
    unfit(ErrorCode::DeadlineExceeded, "decoding it took longer than this server waits for an image")
}

/// A child that died or misbehaved did so over the file.
fn died(error: &SandboxError) -> NotInspected {
    match error {
        SandboxError::Died(_) | SandboxError::Hostile(_) | SandboxError::Protocol(_) => unfit(ErrorCode::WorkerDied, error.to_string()),
        SandboxError::Spawn { .. } | SandboxError::NotReady(_) | SandboxError::Busy | SandboxError::Io(_) => unavailable(error),
    }
}

fn unavailable(error: &SandboxError) -> NotInspected {
    log::error!(error:% = error; "a file could not be inspected");
    NotInspected::Unavailable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pipeline_takes_one_frame_and_makes_next_to_nothing() {
        let pipeline: Pipeline = PIPELINE.parse().expect("a pipeline");
        assert_eq!(pipeline.steps().iter().fold((4000, 3000), |size, step| step.size_after(size)), (1, 1));
        assert_eq!(pipeline.input().frames, crate::domain::pipeline::Frames::One(0));
    }
}
