//! The parent's end of the control channel: frames over a Unix socket, without blocking. Descriptors go out with a frame;
//! none ever comes in.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream as StdUnixStream;

use rustix::cmsg_space;
use rustix::net::{RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use tokio::io::Interest;
use tokio::net::UnixStream;

use super::frames::{FrameBuffer, FrameError};
use crate::domain::pipeline::{Pipeline, Variants};

/// The most descriptors that travel with one frame: the original, the outputs, the assets.
pub(super) const MAX_DESCRIPTORS: usize = 1 + Variants::MAX + Pipeline::MAX_ASSETS;

/// Why a frame was not sent or did not come.
#[derive(Debug)]
pub(super) enum NoFrame {
    /// The child's end is closed.
    Closed,
    /// The child sent descriptors; the kernel has closed them.
    Descriptors,
    /// The child sent bytes that are no frame.
    Garbage(FrameError),
    /// The server's side failed.
    Io(io::Error),
}

impl From<io::Error> for NoFrame {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// The parent's end of the socket on the child's standard input.
#[derive(Debug)]
pub(super) struct Channel {
    stream: UnixStream,
    incoming: FrameBuffer,
}

impl Channel {
    /// # Errors
    /// If the runtime cannot watch the socket.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(super) fn new(stream: StdUnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream: UnixStream::from_std(stream)?, incoming: FrameBuffer::new() })
    }

    /// Sends a whole frame; the descriptors travel with its first byte.
    pub(super) async fn send(&self, frame: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<(), NoFrame> {
        let (mut rest, mut descriptors) = (frame, descriptors);
        while !rest.is_empty() {
            let sent = self.stream.async_io(Interest::WRITABLE, || send_once(&self.stream, rest, descriptors)).await?;
            (rest, descriptors) = (&rest[sent..], &[]);
        }
        Ok(())
    }

    /// The payload of the next frame. May be dropped and called again: what has arrived is kept.
    pub(super) async fn receive(&mut self) -> Result<Vec<u8>, NoFrame> {
        loop {
            let (stream, incoming) = (&self.stream, &mut self.incoming);
            let n = stream.async_io(Interest::READABLE, || receive_once(stream, incoming.space())).await?;
            if let Some(payload) = self.count(&n)? {
                return Ok(payload);
            }
        }
    }

    /// The payload of the next frame if all of it has arrived already.
    pub(super) fn receive_now(&mut self) -> Result<Option<Vec<u8>>, NoFrame> {
        loop {
            let n = match receive_once(&self.stream, self.incoming.space()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                received => received?,
            };
            if let Some(payload) = self.count(&n)? {
                return Ok(Some(payload));
            }
        }
    }

    /// Whether the child said nothing since the last frame.
    pub(super) fn is_silent(&mut self) -> Result<bool, NoFrame> {
        Ok(self.receive_now()?.is_none() && !self.incoming.is_partial())
    }

    fn count(&mut self, received: &Chunk) -> Result<Option<Vec<u8>>, NoFrame> {
        match *received {
            Chunk { descriptors: true, .. } => Err(NoFrame::Descriptors),
            Chunk { bytes: 0, .. } => Err(NoFrame::Closed),
            Chunk { bytes, .. } => self.incoming.advance(bytes).map_err(NoFrame::Garbage),
        }
    }
}

/// What one `recvmsg` brought.
struct Chunk {
    bytes: usize,
    descriptors: bool,
}

/// Offers the kernel no room for descriptors: it closes those that the child sent, and says so.
fn receive_once(stream: &UnixStream, space: &mut [u8]) -> io::Result<Chunk> {
    let mut none = RecvAncillaryBuffer::default();
    let message = rustix::net::recvmsg(stream.as_fd(), &mut [IoSliceMut::new(space)], &mut none, RecvFlags::empty())?;
    Ok(Chunk { bytes: message.bytes, descriptors: message.flags.contains(ReturnFlags::CTRUNC) })
}

fn send_once(stream: &UnixStream, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "more descriptors than a frame carries"));
    }
    Ok(rustix::net::sendmsg(stream.as_fd(), &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?)
}
