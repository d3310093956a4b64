//! The parent's handle of a child process: one job after the other, each in two steps. Whether a probed job may run, and for
//! how long, is the caller's decision.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use std::{io, iter};

use super::channel::Channel;
use super::descriptors::{self, SealError, SealedOutput};
use super::error::SandboxError;
use super::exchange::{Exchange, unexpected};
use super::frames;
use super::limits::ChildLimits;
use super::messages::{Failure, Job, Probing, Report, Request};
use super::printable::printable;
use super::process::{Exit, Gauge, Memory, Process};
use super::spawn::Spawned;
use crate::domain::format::Format;
use crate::domain::pipeline::VariantName;
use crate::domain::probe::Details;
use crate::imaging::OutputInfo;

/// How long a child may take from its start to [`Report::Ready`].
const START_BOUND: Duration = Duration::from_secs(10);

/// A child process that is ready for jobs. Dropping it kills the process without waiting; it is reaped by the spawner's thread.
///
/// It belongs to the runtime on which it was spawned.
#[derive(Debug)]
pub struct Child {
    pub(super) process: Process,
    pub(super) channel: Channel,
    limits: ChildLimits,
    pub(super) jobs_done: u64,
    /// Cleared for good when the child panicked or was killed.
    pub(super) reusable: bool,
}

/// What the first step of a job came to.
#[derive(Debug)]
#[must_use]
pub enum Probe<'c> {
    /// The image is readable: run the job or refuse it.
    Readable(Probed<'c>),
    /// The job cannot be done. The child is ready for the next one.
    Failed(Failure),
}

/// How the second step of a job goes on.
#[derive(Debug)]
#[must_use]
pub enum Progress<'c> {
    /// A result is there; the child makes others.
    Made(Made, Running<'c>),
    /// The last result is there. The child is ready for the next job.
    Done(Made),
    /// What was not made cannot be made; the code tells whether trying again can help. The child is ready for the next job.
    Failed(Failure),
}

/// A result, sealed.
#[derive(Debug)]
pub struct Made {
    /// Which it is.
    pub variant: VariantName,
    /// The encoded image.
    pub output: SealedOutput,
    /// What the child says about it. Its format is checked against the job and the first bytes; the rest is only plausible.
    pub info: OutputInfo,
}

impl Child {
    /// Greets a process that was just started and waits until it is ready.
    pub(super) async fn start(spawned: Spawned, limits: ChildLimits) -> Result<Self, SandboxError> {
        let Spawned { process, channel } = spawned;
        let mut child = Self { process, channel: Channel::new(channel)?, limits, jobs_done: 0, reusable: true };
        let parent = rustix::process::getpid().as_raw_nonzero().get();
        let start = frames::encode(&Request::Start { parent, limits }).map_err(io::Error::other)?;
        let mut exchange = Exchange::begin(&mut child);
        let ready = async {
            exchange.send(&start, &[]).await?;
            exchange.receive().await
        };
        match tokio::time::timeout(START_BOUND, ready).await {
            Ok(Ok(Report::Ready)) => exchange.end(),
            Ok(Ok(other)) => return Err(unexpected(&other)),
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(SandboxError::NotReady(START_BOUND)),
        }
        Ok(child)
    }

    /// Hands a job to the child, which reads the header of the image. `input` and `assets` (one file for each that the job names) are
    /// opened anew for reading only, so their positions and modes do not matter.
    ///
    /// The deadline is the caller's: dropping this future before it resolves kills the child, and so does an error of the child's
    /// doing.
    ///
    /// # Errors
    /// If the child died or misbehaved; [`SandboxError::Io`] if the server could not open the files, after which the child is as
    /// good as before.
    pub async fn probe(&mut self, job: Job, input: &File, assets: &[File]) -> Result<Probe<'_>, SandboxError> {
        let frame = frames::encode(&Request::Job(job.clone())).map_err(io::Error::other)?;
        let input = descriptors::reopen_read_only(input)?;
        let outputs =
            job.variants.iter().map(|(name, _)| Ok((name, descriptors::new_output()?))).collect::<io::Result<BTreeMap<_, _>>>()?;
        let assets = assets.iter().map(descriptors::reopen_read_only).collect::<io::Result<Vec<_>>>()?;
        let files: Vec<_> = iter::once(&input).chain(outputs.values()).chain(&assets).map(AsFd::as_fd).collect();
        let mut exchange = Exchange::begin(self);
        exchange.expect_silence()?;
        exchange.send(&frame, &files).await?;
        match exchange.receive().await? {
            Report::Probed(mut probing) => match job.check(&probing.info) {
                Ok(()) => {
                    probing.details.texts_mut().for_each(|text| *text = printable(text, Details::MAX_TEXT));
                    Ok(Probe::Readable(Probed(Running { exchange, job: Box::new(job), outputs, probing })))
                }
                Err(exceeded) => Err(SandboxError::Hostile(format!("accepted an image beyond the limits of the job: {exceeded}"))),
            },
            other => exchange.fail(other).map(Probe::Failed),
        }
    }

    /// Kills the process and waits until it is reaped; `None` if the kernel cannot end it in time, in which case it is reaped later.
    pub async fn kill(self) -> Option<Exit> {
        self.process.end().await
    }

    /// Resolves when the process has ended and is reaped, for watching a child that has no job. The future does not borrow the child.
    pub fn exited(&self) -> impl Future<Output = Exit> + Send + use<> {
        self.process.exited()
    }

    /// The number of the process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// How many jobs came to a regular end: done, failed or refused.
    #[must_use]
    pub fn jobs_done(&self) -> u64 {
        self.jobs_done
    }

    /// What the process holds in memory; `None` once it has ended.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        self.gauge().memory()
    }

    /// Tells what the process holds in memory, also while it works.
    #[must_use]
    pub fn gauge(&self) -> Gauge {
        self.process.gauge()
    }

    /// Whether the child may be given another job: it runs, was not killed, and no decoder has panicked in it.
    #[must_use]
    pub fn is_reusable(&self) -> bool {
        self.reusable && self.process.is_running()
    }
}

/// A job whose image was probed. The child waits for [`Probed::run`] or [`Probed::refuse`]; dropping this kills it.
#[derive(Debug)]
#[must_use]
pub struct Probed<'c>(Running<'c>);

impl<'c> Probed<'c> {
    /// Format and size of the image, and the memory that the job will need. Both are the child's word: within the limits of the
    /// job, but a lie is answered by the address space limit only.
    #[must_use]
    pub fn probing(&self) -> &Probing {
        &self.0.probing
    }

    /// Lets the child do the job, and waits for its first result.
    ///
    /// The deadline is the caller's: dropping this future before it resolves kills the child, and so does any error.
    ///
    /// # Errors
    /// If the child died or misbehaved.
    pub async fn run(self) -> Result<Progress<'c>, SandboxError> {
        let mut running = self.0;
        running.exchange.request(&Request::Run).await?;
        running.next().await
    }

    /// Tells the child to forget the job.
    ///
    /// # Errors
    /// If the child died or misbehaved.
    pub async fn refuse(self) -> Result<(), SandboxError> {
        let mut exchange = self.0.exchange;
        exchange.request(&Request::Refuse).await?;
        exchange.end_job();
        Ok(())
    }
}

/// A job that the child is at. Dropping this kills it.
#[derive(Debug)]
#[must_use]
pub struct Running<'c> {
    exchange: Exchange<'c>,
    job: Box<Job>,
    /// Those of the results that were not made yet.
    outputs: BTreeMap<VariantName, OwnedFd>,
    /// What the child says about the image.
    probing: Probing,
}

impl<'c> Running<'c> {
    /// Waits for the child's next result, which is sealed and checked.
    ///
    /// The deadline is the caller's: dropping this future before it resolves kills the child, and so does any error.
    ///
    /// # Errors
    /// If the child died or misbehaved.
    pub async fn next(mut self) -> Result<Progress<'c>, SandboxError> {
        match self.exchange.receive().await? {
            Report::Made { variant, info } if self.outputs.len() > 1 => Ok(Progress::Made(self.made(variant, info).await?, self)),
            Report::Done { variant, info } if self.outputs.len() == 1 => {
                let made = self.made(variant, info).await?;
                self.exchange.end_job();
                Ok(Progress::Done(made))
            }
            other => self.exchange.fail(other).map(Progress::Failed),
        }
    }

    async fn made(&mut self, variant: VariantName, info: OutputInfo) -> Result<Made, SandboxError> {
        let (Some(output), Some(pipeline)) = (self.outputs.remove(&variant), self.job.variants.get(variant)) else {
            return Err(SandboxError::Hostile(format!("reported {variant}, which is made already or was never asked for")));
        };
        let output = seal(output).await?;
        let most = self.job.limits.max_output_bytes.min(self.exchange.child.limits.file_size);
        check(&output, &info, self.probing.info.output(pipeline).format(), most)?;
        Ok(Made { variant, output, info })
    }
}

/// Seals the output on a thread that may wait.
async fn seal(output: OwnedFd) -> Result<SealedOutput, SandboxError> {
    match tokio::task::spawn_blocking(move || SealedOutput::seal(output)).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(SealError::Hostile(what))) => Err(SandboxError::Hostile(what.into())),
        Ok(Err(SealError::Io(error))) => Err(error.into()),
        Err(stopped) => Err(io::Error::other(stopped).into()),
    }
}

/// An honest child has checked all of this itself, so a fault is a lie.
fn check(output: &SealedOutput, info: &OutputInfo, expected: Format, most: u64) -> Result<(), SandboxError> {
    if output.size() > most {
        return Err(SandboxError::Hostile(format!("reported an output of {} bytes; at most {most} were allowed", output.size())));
    }
    let found = Format::sniff(&output.head::<{ Format::SNIFF_LEN }>()?);
    if info.format != expected || found != Some(expected) {
        return Err(SandboxError::Hostile(format!("reported an output in {}, the job asked for {expected}", info.format)));
    }
    Ok(())
}
