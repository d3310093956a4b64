//! The files of a task: its original and its results, opened for reading.

use std::fs::File;

use actix::{Context, Handler, Message, ResponseActFuture, WrapFuture};

use crate::actors::frontend::lookup::{failure, no_such_variant};
use crate::actors::frontend::questions::visible;
use crate::actors::frontend::{ASK_DEADLINE, Frontend, FrontendError, Services};
use crate::actors::storage::GetBlob;
use crate::domain::access::Caller;
use crate::domain::blob::{BlobKey, BlobMeta};
use crate::domain::faults;
use crate::domain::format::Format;
use crate::domain::ids::TaskId;
use crate::domain::pipeline::VariantName;
use crate::domain::task::{Task, TaskState};
use crate::domain::timestamp::Timestamp;
use crate::stores::blobs::BlobStoreError;

/// Which of a task's images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The one that was uploaded.
    Original,
    /// The result of a variant.
    Result(VariantName),
}

/// An image of a task, ready to be read.
#[derive(Debug)]
pub struct Image {
    /// The task.
    pub id: TaskId,
    /// Which of its images it is.
    pub part: Part,
    /// Its format.
    pub format: Format,
    /// Its length and digest.
    pub blob: BlobMeta,
    /// Its bytes, from the start.
    pub file: File,
    /// When it came to be, where that is told.
    pub modified: Option<Timestamp>,
    /// From when on it may be gone.
    pub expires_at: Option<Timestamp>,
}

/// Asks for an image of a task.
#[derive(Message)]
#[rtype(result = "Result<Image, FrontendError>")]
pub struct GetImage {
    /// Who asks.
    pub caller: Caller,
    /// The task.
    pub id: TaskId,
    /// Which of its images.
    pub part: Part,
}

impl Handler<GetImage> for Frontend {
    type Result = ResponseActFuture<Self, Result<Image, FrontendError>>;

    fn handle(&mut self, GetImage { caller, id, part }: GetImage, _: &mut Context<Self>) -> Self::Result {
        faults::point("frontend.get_image");
        Box::pin(get_image(self.services.clone(), caller, id, part).into_actor(self))
    }
}

async fn get_image(services: Services, caller: Caller, id: TaskId, part: Part) -> Result<Image, FrontendError> {
    let task = visible(&services, caller, id).await?;
    let Stored { key, format, blob, modified } = stored(&task, part)?;
    let open = match services.storage.send(GetBlob { key }).timeout(ASK_DEADLINE).await? {
        // Perhaps the task was deleted at this moment.
        Err(BlobStoreError::NotFound) => return Err(visible(&services, caller, id).await.err().unwrap_or(FrontendError::CorruptBlob)),
        open => open?,
    };
    // A blob of another length is not the one that was acknowledged.
    if open.len != blob.len {
        log::error!(blob:% = key, expected = blob.len, found = open.len; "blob has the wrong length");
        return Err(FrontendError::CorruptBlob);
    }
    Ok(Image { id, part, format, blob, file: open.file, modified, expires_at: task.expires_at })
}

/// A blob of a task, and what the row tells of it.
struct Stored {
    key: BlobKey,
    format: Format,
    blob: BlobMeta,
    modified: Option<Timestamp>,
}

/// A result can be had as soon as it is there, whatever becomes of the others.
fn stored(task: &Task, part: Part) -> Result<Stored, FrontendError> {
    let variant = match part {
        Part::Original => {
            let (key, modified) = (BlobKey::Original(task.id), Some(task.created_at));
            return Ok(Stored { key, format: task.input_format, blob: task.original, modified });
        }
        Part::Result(variant) => variant,
    };
    match (task.results.get(&variant), task.result_key(variant)) {
        (Some(result), Some(key)) => Ok(Stored { key, format: result.format, blob: result.blob, modified: task.ended_at }),
        _ if task.variants.get(variant).is_none() => Err(no_such_variant(task, variant)),
        _ if task.state == TaskState::Failed => Err(FrontendError::Failed(failure(task))),
        _ if task.state == TaskState::Cancelled => Err(FrontendError::Cancelled),
        _ => Err(FrontendError::InProgress),
    }
}
