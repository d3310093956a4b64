//! The real work of a child: `imaging` on the files of a job. What the pixels go through is not decided here.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::process::ExitCode;

use super::messages::{Failure, Job, Probing};
use super::serve::{Tell, Work, serve};
use super::sys::keep_freed_memory;
use crate::domain::error_code::ErrorCode;
use crate::domain::pipeline::{Pipeline, cost};
use crate::imaging::{self, Assets, ImagingError};

/// The whole `main` of a child process of the server: serves the parent on standard input until it hangs up.
pub fn child_main() -> ExitCode {
    keep_freed_memory();
    serve(&mut Imaging)
}

/// Decodes, transforms and encodes.
struct Imaging;

impl Work for Imaging {
    type Image = Files;

    fn probe(&mut self, job: &Job, input: File, assets: Vec<File>) -> Result<(Probing, Files), Failure> {
        let files = Files { image: read(input)?, assets: assets.into_iter().map(read).collect::<Result<_, _>>()? };
        imaging::check_metadata(&files.image, &job.limits).map_err(|error| failure(&error))?;
        let info = imaging::probe(&files.image).map_err(|error| failure(&error))?;
        let details = imaging::details(&files.image).map_err(|error| failure(&error))?;
        let mut peak_bytes = cost::peak_bytes_of_all(&info, &pipelines(job));
        for (asset, bytes) in job.assets.iter().zip(&files.assets) {
            let needed = imaging::probe_asset(asset, bytes, &job.limits).map_err(|error| failure(&error))?;
            peak_bytes = peak_bytes.saturating_add(needed);
        }
        Ok((Probing { info, peak_bytes, details: Box::new(details) }, files))
    }

    /// A result that cannot be made does not keep the others from being made.
    fn run(&mut self, job: &Job, files: Files, outputs: &[File], made: &mut Tell<'_>) -> Result<(), Failure> {
        let assets = Assets::new(job.assets.iter().zip(files.assets.iter().map(Vec::as_slice)));
        let mut first_failure = Ok(());
        imaging::run_all(&files.image, &pipelines(job), &assets, &job.limits, outputs.iter().collect(), &mut |index, result| {
            let told = result.map_err(|error| failure(&error)).and_then(|info| made(index, info));
            if first_failure.is_ok() {
                first_failure = told.map_err(|failure| of_variant(job, index, failure));
            }
        })
        .map_err(|error| failure(&error))?;
        first_failure
    }
}

fn pipelines(job: &Job) -> Vec<&Pipeline> {
    job.variants.iter().map(|(_, pipeline)| pipeline).collect()
}

/// Says which of several results could not be made.
fn of_variant(job: &Job, index: usize, failure: Failure) -> Failure {
    match job.variants.iter().nth(index) {
        Some((name, _)) if job.variants.as_only().is_none() => Failure { detail: format!("{name}: {}", failure.detail), ..failure },
        _ => failure,
    }
}

/// The bytes of the files of a job, read once for both steps.
struct Files {
    image: Vec<u8>,
    /// In the order in which the job names them.
    assets: Vec<Vec<u8>>,
}

/// Reads a whole file, or says that it does not fit into the memory of this process.
fn read(mut input: File) -> Result<Vec<u8>, Failure> {
    let unreadable =
        |error: std::io::Error| Failure { code: ErrorCode::Internal, detail: format!("a file of the job cannot be read: {error}") };
    let length = usize::try_from(input.metadata().map_err(unreadable)?.len()).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(length)
        .map_err(|_| Failure { code: ErrorCode::MemoryBudgetExceeded, detail: format!("one file of the job alone has {length} bytes") })?;
    input.read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn failure(error: &ImagingError) -> Failure {
    let code = match error {
        // The file size limit of this process stands below that of the job.
        ImagingError::Write(error) if error.kind() == ErrorKind::FileTooLarge => ErrorCode::OutputTooLarge,
        _ => error.code(),
    };
    Failure { code, detail: error.to_string() }
}
