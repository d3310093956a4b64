//! An upload that becomes a task: its bytes, and what is to be made of them, which may be said until the bytes have ended.

use actix_web::web::Bytes;
use std::time::Duration;
use tokio::sync::oneshot;

use crate::actors::frontend::parameters::{TaskSpec, Understood};
use crate::actors::frontend::reservations::Reservation;
use crate::actors::frontend::upload::{Upload, UploadedBody};
use crate::actors::frontend::{ASK_DEADLINE, FrontendError, Services};
use crate::actors::master::{EstimateEnd, Permit, TaskInserted};
use crate::actors::storage::{DeleteBlob, PutBlob, Source};
use crate::actors::task_db::{GetState, Unsettled, settle};
use crate::domain::access::KeyId;
use crate::domain::blob::BlobKey;
use crate::domain::faults;
use crate::domain::ids::TaskId;
use crate::domain::task::{Change, NewTask, Rejected, Task};
use crate::stores::blobs::BlobStoreError;
use crate::stores::tasks::TaskStoreError;

/// How long the master may take to estimate when a task will have ended; without an answer none is given.
const ESTIMATE_DEADLINE: Duration = Duration::from_millis(200);

/// A task that is durable.
#[derive(Debug, Clone)]
pub struct AcceptedTask {
    /// The task.
    pub task: Task,
    /// In which time it may have ended, where that can be told.
    pub ready_in: Option<Duration>,
    /// Whether it was sent before, under the same idempotency key.
    pub replayed: bool,
}

/// An upload that was admitted, acknowledged as a task. Dropping it unfinished aborts the upload and leaves nothing.
pub struct Submission {
    spec: TaskSpec,
    spec_in: oneshot::Sender<TaskSpec>,
    upload: Upload<AcceptedTask>,
}

/// Whose a submission is, its right to be one, and the key under which it may be sent again.
pub(super) struct Admitted {
    pub(super) caller: Option<KeyId>,
    pub(super) permit: Permit,
    pub(super) reservation: Option<Reservation>,
}

/// The other end of a [`Submission`].
pub(super) struct Submitted {
    spec: oneshot::Receiver<TaskSpec>,
    body: UploadedBody,
}

impl Submission {
    /// Both ends of a new submission, and where its verdict goes.
    pub(super) fn channel(spec: TaskSpec, length: Option<u64>) -> (Self, Submitted, oneshot::Sender<Result<AcceptedTask, FrontendError>>) {
        let (upload, body, verdict_in) = Upload::channel(length);
        let (spec_in, spec_out) = oneshot::channel();
        (Self { spec, spec_in, upload }, Submitted { spec: spec_out, body }, verdict_in)
    }

    /// Replaces what is to be made of the image.
    pub fn amend(&mut self, Understood(spec): Understood) {
        self.spec = spec;
    }

    /// Takes the next bytes of the image; waits while storage is busy.
    ///
    /// # Errors
    /// As [`Upload::write`].
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), FrontendError> {
        self.upload.write(bytes).await
    }

    /// What is to be made of the image will not change any more: what is left is an upload.
    #[must_use]
    pub fn into_upload(self) -> Upload<AcceptedTask> {
        // Whoever is gone says why by the verdict.
        let _ = self.spec_in.send(self.spec);
        self.upload
    }
}

/// Makes an upload durable: the bytes first, then the row, then the master is told. The key of the upload is reserved all the while.
///
/// # Errors
/// When the upload was not acknowledged. Whether a row exists is then unknown only after
/// [`Unsettled::Unknown`]; its original is kept, and swept if no row ever appears.
pub(super) async fn accept(services: Services, admitted: Admitted, submitted: Submitted) -> Result<AcceptedTask, FrontendError> {
    let Admitted { caller, permit, reservation } = admitted;
    let Submitted { spec, body: UploadedBody { length, chunks, format } } = submitted;
    let id = TaskId::random();
    let key = BlobKey::Original(id);
    let source = Source::Stream { chunks, announced: length, at_most: u64::MAX };
    // Its deadline is the client's: an upload that is dropped ends the stream.
    let original = services.storage.send(PutBlob { key, source }).await??;
    let input_format = format.await.map_err(|_| BlobStoreError::Aborted)?;
    let spec = spec.await.map_err(|_| BlobStoreError::Aborted)?;
    faults::point("frontend.before_insert");
    let idempotency = reservation.as_ref().map(|reservation| spec.idempotency(reservation.key(), original));
    let TaskSpec { variants, metadata, priority, retention, webhook } = spec;
    let task =
        NewTask { caller, metadata, retention, priority, webhook, idempotency, ..NewTask::new(id, variants, original, input_format) };
    match settle(&services.task_db, Change::Insert(task)).await {
        Ok(task) => {
            faults::point("frontend.after_insert");
            services.master.do_send(TaskInserted { id, bytes: original.len, permit });
            Ok(AcceptedTask { task, ready_in: estimate(&services).await, replayed: false })
        }
        Err(Unsettled::Refused(error)) => {
            services.storage.do_send(DeleteBlob { key });
            refused(&services, error).await
        }
        Err(Unsettled::Unknown) => Err(FrontendError::Unavailable),
    }
}

/// An upload that was sent before is answered with the task that it became.
async fn refused(services: &Services, error: TaskStoreError) -> Result<AcceptedTask, FrontendError> {
    let TaskStoreError::Rejected(Rejected::KeyTaken { by, same }) = error else { return Err(error.into()) };
    if !same {
        return Err(FrontendError::KeyReused { by });
    }
    // It may just have been deleted: then the next try makes a new one.
    let task = services.task_db.send(GetState { id: by }).timeout(ASK_DEADLINE).await??.ok_or(FrontendError::Unavailable)?;
    let ready_in = if task.state.is_open() { estimate(services).await } else { None };
    Ok(AcceptedTask { task, ready_in, replayed: true })
}

async fn estimate(services: &Services) -> Option<Duration> {
    services.master.send(EstimateEnd).timeout(ESTIMATE_DEADLINE).await.ok().flatten()
}
