//! The child's side: sets its limits, then does one job after the other until the parent hangs up. One thread, no runtime,
//! blocking reads: while it waits there is nothing else to do.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use rustix::process::Pid;

use super::blocking_channel::BlockingChannel;
use super::messages::{Failure, Job, MAX_DETAIL, Probing, Report, Request};
use super::printable::printable;
use crate::domain::error_code::ErrorCode;
use crate::imaging::OutputInfo;

/// What a child does with an image. The server's children decode it; a test's may do anything.
///
/// A panic is caught and reported as a damaged image: valid files make decoders panic. An abort ends the child.
pub trait Work {
    /// What the second step needs of the first; dropped when the job is refused.
    type Image;

    /// Reads the header of the image, and those of the assets that the job names, and estimates what the job costs.
    ///
    /// # Errors
    /// If the job can be seen to fail already.
    fn probe(&mut self, job: &Job, input: File, assets: Vec<File>) -> Result<(Probing, Self::Image), Failure>;

    /// Does the job: writes each encoded result into the empty output at its variant's place, and tells `made` when it is complete.
    /// Success means that all were made.
    ///
    /// # Errors
    /// If a result cannot be made, or `made` refuses it; those that were made before, or are made nevertheless, hold.
    fn run(&mut self, job: &Job, image: Self::Image, outputs: &[File], made: &mut Tell<'_>) -> Result<(), Failure>;
}

/// Who is told that the result at a variant's place is complete. Refuses one that is too large.
pub type Tell<'t> = dyn FnMut(usize, OutputInfo) -> Result<(), Failure> + 't;

/// Serves the parent on standard input until it hangs up; the whole `main` of a child. Must be called on the main thread, before
/// any other thread exists.
///
/// Returns success when the parent has hung up, else a failure that has been told on standard error.
pub fn serve(work: &mut impl Work) -> ExitCode {
    match serve_jobs(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("child process: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve_jobs(work: &mut impl Work) -> io::Result<()> {
    let mut channel = BlockingChannel::on_stdin()?;
    match channel.receive()? {
        Some((Request::Start { parent, limits }, _)) => limits.apply(Pid::from_raw(parent))?,
        Some((other, _)) => return Err(out_of_order(&other)),
        None => return Ok(()),
    }
    channel.send(&Report::Ready)?;
    loop {
        match channel.receive()? {
            Some((Request::Job(job), descriptors)) => serve_job(work, &mut channel, &job, descriptors)?,
            Some((other, _)) => return Err(out_of_order(&other)),
            None => return Ok(()),
        }
    }
}

/// Both steps of one job. Its files are closed when this returns.
fn serve_job(work: &mut impl Work, channel: &mut BlockingChannel, job: &Job, descriptors: Vec<OwnedFd>) -> io::Result<()> {
    let mut files = descriptors.into_iter().map(File::from);
    let (Some(input), outputs) = (files.next(), files.by_ref().take(job.variants.iter().len()).collect::<Vec<_>>()) else {
        return Err(io::Error::other("a job came without its original"));
    };
    let assets: Vec<File> = files.collect();
    if (outputs.len(), assets.len()) != (job.variants.iter().len(), job.assets.len()) {
        return Err(io::Error::other("a job came without a file for each result and each asset"));
    }
    let image = match attempt(|| probe(work, job, input, assets)) {
        Ok((probing, image)) => {
            channel.send(&Report::Probed(probing))?;
            image
        }
        Err(end) => return channel.send(&end),
    };
    match channel.receive()? {
        Some((Request::Run, _)) => run(work, channel, job, image, &outputs),
        Some((Request::Refuse, _)) | None => Ok(()),
        Some((other, _)) => Err(out_of_order(&other)),
    }
}

fn probe<W: Work>(work: &mut W, job: &Job, input: File, assets: Vec<File>) -> Result<(Probing, W::Image), Failure> {
    let (probing, image) = work.probe(job, input, assets)?;
    match job.check(&probing.info) {
        Ok(()) => Ok((probing, image)),
        Err(exceeded) => Err(Failure { code: exceeded.limit.code(), detail: exceeded.to_string() }),
    }
}

/// The second step: reports every result as soon as it is complete.
fn run<W: Work>(work: &mut W, channel: &mut BlockingChannel, job: &Job, image: W::Image, outputs: &[File]) -> io::Result<()> {
    let mut left = outputs.len();
    let mut sent = Ok(());
    let end = attempt(|| {
        work.run(job, image, outputs, &mut |index, info| {
            check_size(&outputs[index], job)?;
            let (variant, _) = job.variants.iter().nth(index).expect("each output has a variant");
            left -= 1;
            let report = if left == 0 { Report::Done { variant, info } } else { Report::Made { variant, info } };
            if sent.is_ok() {
                sent = channel.send(&report);
            }
            Ok(())
        })
    });
    sent?;
    match end {
        _ if left == 0 => end.map_err(|_| io::Error::other("the work went wrong after its last result")),
        Err(report) => channel.send(&report),
        Ok(()) => Err(io::Error::other("the work ended without its last result")),
    }
}

fn check_size(output: &File, job: &Job) -> Result<(), Failure> {
    match output.metadata() {
        Ok(written) if written.len() <= job.limits.max_output_bytes => Ok(()),
        Ok(written) => Err(Failure {
            code: ErrorCode::OutputTooLarge,
            detail: format!("the result has {} bytes; at most {} are stored", written.len(), job.limits.max_output_bytes),
        }),
        Err(error) => Err(Failure { code: ErrorCode::Internal, detail: error.to_string() }),
    }
}

/// What a step made, or the report that ends the job. Nothing of a step that panicked is looked at again.
fn attempt<T>(step: impl FnOnce() -> Result<T, Failure>) -> Result<T, Report> {
    match catch_unwind(AssertUnwindSafe(step)) {
        // Bounded here too: a frame has no room for all that a decoder may say.
        Ok(made) => made.map_err(|Failure { code, detail }| Report::Failed(Failure { code, detail: printable(&detail, MAX_DETAIL) })),
        Err(_) => Err(Report::Panicked),
    }
}

fn out_of_order(request: &Request) -> io::Error {
    io::Error::other(format!("a request out of order: {request:?}"))
}
