//! The child's end of the control channel: blocking frames on its standard input. Descriptors come in with a frame; none
//! ever goes out.

use std::io::{self, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::cmsg_space;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use super::channel::MAX_DESCRIPTORS;
use super::frames::{self, FrameBuffer};
use super::messages::{Report, Request};

/// The child's end of the socket.
pub(super) struct BlockingChannel {
    stream: UnixStream,
}

impl BlockingChannel {
    /// # Errors
    /// If standard input is not open.
    pub(super) fn on_stdin() -> io::Result<Self> {
        Ok(Self { stream: UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?) })
    }

    /// The next request and the descriptors that came with it; `None` when the parent has hung up.
    ///
    /// # Errors
    /// If standard input is no socket, or the parent sends what is not a request.
    pub(super) fn receive(&mut self) -> io::Result<Option<(Request, Vec<OwnedFd>)>> {
        let (mut frame, mut descriptors) = (FrameBuffer::new(), Vec::new());
        loop {
            let n = self.receive_once(frame.space(), &mut descriptors)?;
            if n == 0 {
                return if frame.is_partial() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(None) };
            }
            if let Some(payload) = frame.advance(n).map_err(io::Error::other)? {
                let request = frames::decode(&payload).map_err(io::Error::other)?;
                return Ok(Some((request, descriptors)));
            }
        }
    }

    /// # Errors
    /// If the parent has hung up.
    pub(super) fn send(&mut self, report: &Report) -> io::Result<()> {
        self.stream.write_all(&frames::encode(report).map_err(io::Error::other)?)
    }

    fn receive_once(&self, space: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> io::Result<usize> {
        let mut control = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut control);
        let message = rustix::io::retry_on_intr(|| {
            rustix::net::recvmsg(&self.stream, &mut [IoSliceMut::new(space)], &mut control, RecvFlags::CMSG_CLOEXEC)
        })?;
        for part in control.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = part {
                descriptors.extend(received);
            }
        }
        Ok(message.bytes)
    }
}
