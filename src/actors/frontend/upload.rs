//! One upload: the handle that HTTP writes into, whatever its bytes are to become.

use std::time::Duration;

use actix_web::web::{Bytes, BytesMut};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::actors::frontend::FrontendError;
use crate::domain::format::Format;
use crate::stores::blobs::Chunk;

/// Chunks on their way to storage per upload; the client waits while they are written.
const CHUNKS_IN_FLIGHT: usize = 4;

/// How long storage may take for one chunk, or for making the whole durable, before the client is told to try again.
pub(super) const STORAGE_DEADLINE: Duration = Duration::from_secs(60);

/// The writing end of an upload that was admitted, acknowledged by a `T`. Dropping it unfinished aborts the upload and leaves nothing.
pub struct Upload<T> {
    /// First bytes, held back until they tell the format.
    head: BytesMut,
    format: Option<oneshot::Sender<Format>>,
    chunks: mpsc::Sender<Chunk>,
    verdict: oneshot::Receiver<Result<T, FrontendError>>,
}

/// The other end of an [`Upload`].
pub(super) struct UploadedBody {
    /// Its length in bytes, where the client announced it.
    pub(super) length: Option<u64>,
    pub(super) chunks: mpsc::Receiver<Chunk>,
    pub(super) format: oneshot::Receiver<Format>,
}

impl<T> Upload<T> {
    /// Both ends of a new upload, and where its verdict goes.
    pub(super) fn channel(length: Option<u64>) -> (Self, UploadedBody, oneshot::Sender<Result<T, FrontendError>>) {
        let (chunks_in, chunks) = mpsc::channel(CHUNKS_IN_FLIGHT);
        let (format_in, format) = oneshot::channel();
        let (verdict_in, verdict) = oneshot::channel();
        let upload = Self { head: BytesMut::new(), format: Some(format_in), chunks: chunks_in, verdict };
        (upload, UploadedBody { length, chunks, format }, verdict_in)
    }

    /// Takes the next bytes of the image; waits while storage is busy.
    ///
    /// # Errors
    /// When the first bytes are of no known format, or storage refused the upload.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), FrontendError> {
        if self.format.is_none() {
            return self.send(Chunk::Data(bytes)).await;
        }
        self.head.extend_from_slice(&bytes);
        match Format::sniff(&self.head) {
            Some(format) => self.start(format).await,
            None if self.head.len() < Format::SNIFF_LEN => Ok(()),
            None => Err(FrontendError::UnsupportedFormat),
        }
    }

    /// Ends the body and waits until the bytes, and the row that refers to them, are durable.
    ///
    /// # Errors
    /// When the body was empty or no image, or anything on the way to the acknowledgement failed.
    pub async fn finish(mut self) -> Result<T, FrontendError> {
        if self.format.is_some() {
            return Err(if self.head.is_empty() { FrontendError::EmptyBody } else { FrontendError::UnsupportedFormat });
        }
        self.send(Chunk::End).await?;
        self.verdict().await
    }

    /// The format is known: tells it and lets the held-back bytes go.
    async fn start(&mut self, format: Format) -> Result<(), FrontendError> {
        if let Some(tell) = self.format.take() {
            // A receiver that is gone shows in the next send.
            let _ = tell.send(format);
        }
        let head = self.head.split().freeze();
        self.send(Chunk::Data(head)).await
    }

    async fn send(&mut self, chunk: Chunk) -> Result<(), FrontendError> {
        match timeout(STORAGE_DEADLINE, self.chunks.send(chunk)).await {
            Ok(Ok(())) => Ok(()),
            // Storage hung up: the verdict says why.
            Ok(Err(_)) => Err(self.verdict().await.err().unwrap_or(FrontendError::Unavailable)),
            Err(_) => Err(FrontendError::Unavailable),
        }
    }

    async fn verdict(&mut self) -> Result<T, FrontendError> {
        match timeout(STORAGE_DEADLINE, &mut self.verdict).await {
            Ok(Ok(verdict)) => verdict,
            // The frontend was restarted, or the disk hangs: nothing was acknowledged.
            Ok(Err(_)) | Err(_) => Err(FrontendError::Unavailable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::TaskId;

    fn upload() -> (Upload<TaskId>, UploadedBody) {
        let (upload, body, _) = Upload::channel(None);
        (upload, body)
    }

    #[actix::test]
    async fn the_format_is_known_before_the_first_byte_is_stored() {
        let (mut upload, mut incoming) = upload();
        upload.write(Bytes::from_static(b"\x89PNG")).await.expect("too short to tell");
        assert!(incoming.chunks.try_recv().is_err());
        upload.write(Bytes::from_static(b"\r\n\x1a\nrest")).await.expect("a PNG");
        assert_eq!(incoming.format.await, Ok(Format::Png));
        assert!(matches!(incoming.chunks.try_recv(), Ok(Chunk::Data(head)) if head == b"\x89PNG\r\n\x1a\nrest"[..]));
    }

    #[actix::test]
    async fn text_and_emptiness_are_refused() {
        let (mut text, _incoming) = upload();
        let refused = text.write(Bytes::from_static(b"hello, I am no image, and I go on being none")).await;
        assert!(matches!(refused, Err(FrontendError::UnsupportedFormat)));
        let (empty, _incoming) = upload();
        assert!(matches!(empty.finish().await, Err(FrontendError::EmptyBody)));
        let (mut short, _incoming) = upload();
        short.write(Bytes::from_static(b"\x89PNG")).await.expect("too short to tell");
        assert!(matches!(short.finish().await, Err(FrontendError::UnsupportedFormat)));
    }
}
