//! One conversation with a child: what is sent, what may come back, and that the child does not outlive a conversation that
//! went wrong. What is talked about is not decided here.

use std::io;
use std::os::fd::BorrowedFd;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};

use super::channel::NoFrame;
use super::child::Child;
use super::error::SandboxError;
use super::frames::{self, FrameError};
use super::messages::{Failure, MAX_DETAIL, Report, Request, is_verdict};
use super::printable::printable;
use super::process::Process;
use crate::domain::error_code::ErrorCode;

/// How long a child may live on after its end of the control channel was closed; an honest one does so by dying.
const CLOSED_BOUND: Duration = Duration::from_secs(1);

/// A conversation that has begun: unless it comes to a regular end, the child is in an unknown state and is killed.
#[derive(Debug)]
pub(super) struct Exchange<'c> {
    pub(super) child: &'c mut Child,
    ended: bool,
}

impl<'c> Exchange<'c> {
    pub(super) fn begin(child: &'c mut Child) -> Self {
        Self { child, ended: false }
    }

    /// The child is in a known state again.
    pub(super) fn end(mut self) {
        self.ended = true;
    }

    /// The child is ready for the next job.
    pub(super) fn end_job(self) {
        self.child.jobs_done += 1;
        self.end();
    }

    /// Before a job is handed out: a child that spoke without being asked must not get it.
    pub(super) fn expect_silence(&mut self) -> Result<(), SandboxError> {
        match self.child.channel.is_silent() {
            Ok(true) | Err(NoFrame::Closed) => Ok(()),
            Ok(false) => Err(SandboxError::Protocol("it spoke without being asked".into())),
            Err(other) => Err(error_of(other)),
        }
    }

    pub(super) async fn request(&mut self, request: &Request) -> Result<(), SandboxError> {
        let frame = frames::encode(request).map_err(io::Error::other)?;
        self.send(&frame, &[]).await
    }

    pub(super) async fn send(&mut self, frame: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<(), SandboxError> {
        let child = &*self.child;
        match select(pin!(child.channel.send(frame, descriptors)), pin!(child.process.exited())).await {
            Either::Left((Ok(()), _)) => Ok(()),
            Either::Left((Err(NoFrame::Closed), _)) => Err(closed(&child.process).await),
            Either::Left((Err(other), _)) => Err(error_of(other)),
            Either::Right((exit, _)) => Err(SandboxError::Died(exit)),
        }
    }

    /// The child's next report. A report that was sent before the child died counts.
    pub(super) async fn receive(&mut self) -> Result<Report, SandboxError> {
        let Child { process, channel, .. } = &mut *self.child;
        let first = match select(pin!(channel.receive()), pin!(process.exited())).await {
            Either::Left((received, _)) => Ok(received),
            Either::Right((exit, _)) => Err(exit),
        };
        let received = match first {
            Ok(received) => received,
            Err(exit) => channel.receive_now().ok().flatten().map(Ok).ok_or(SandboxError::Died(exit))?,
        };
        match received {
            Ok(payload) => frames::decode(&payload).map_err(|error| error_of(NoFrame::Garbage(error))),
            Err(NoFrame::Closed) => Err(closed(&self.child.process).await),
            Err(other) => Err(error_of(other)),
        }
    }

    /// Ends the exchange with the failure that `report` tells, if it tells one that a child may tell.
    pub(super) fn fail(self, report: Report) -> Result<Failure, SandboxError> {
        let failure = match report {
            Report::Failed(Failure { code, detail }) if is_verdict(code) => Failure { code, detail: printable(&detail, MAX_DETAIL) },
            Report::Failed(Failure { code, .. }) => return Err(SandboxError::Protocol(format!("it answered with the code {code}"))),
            Report::Panicked => {
                self.child.reusable = false;
                Failure { code: ErrorCode::CorruptImage, detail: "the decoder gave up on this image in the middle of its work".into() }
            }
            other => return Err(unexpected(&other)),
        };
        self.end_job();
        Ok(failure)
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.child.reusable = false;
            self.child.process.kill();
        }
    }
}

/// The error behind a closed channel: the child is dying, or it hangs up on purpose.
async fn closed(process: &Process) -> SandboxError {
    match tokio::time::timeout(CLOSED_BOUND, process.exited()).await {
        Ok(exit) => SandboxError::Died(exit),
        Err(_) => SandboxError::Hostile("closed its control channel and lived on".into()),
    }
}

pub(super) fn unexpected(report: &Report) -> SandboxError {
    SandboxError::Protocol(format!("its answer was `{}`, which is out of order", report.name()))
}

fn error_of(reason: NoFrame) -> SandboxError {
    match reason {
        NoFrame::Closed => SandboxError::Protocol("it closed its control channel".into()),
        NoFrame::Descriptors => SandboxError::Hostile("sent descriptors to the server".into()),
        NoFrame::Garbage(FrameError::Length(length)) => SandboxError::Protocol(format!("it announced a frame of {length} bytes")),
        NoFrame::Garbage(FrameError::Payload(error)) => SandboxError::Protocol(printable(&error.to_string(), MAX_DETAIL)),
        NoFrame::Io(error) => SandboxError::Io(error),
    }
}
