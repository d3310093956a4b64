//! The real work of a child: `imaging` on the files of a job. What the pixels go through is not decided here.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Read, Write};
use std::process::ExitCode;

use super::messages::{Failure, Job, Probing};
use super::serve::{Work, serve};
use crate::domain::error_code::ErrorCode;
use crate::domain::pipeline::cost;
use crate::imaging::{self, ImagingError, OutputInfo};

/// The whole `main` of a child process of the server: serves the parent on standard input until it hangs up.
pub fn child_main() -> ExitCode {
    serve(&mut Imaging)
}

/// Decodes, transforms and encodes.
struct Imaging;

impl Work for Imaging {
    /// The bytes of the original, read once for both steps.
    type Image = Vec<u8>;

    fn probe(&mut self, job: &Job, input: File) -> Result<(Probing, Vec<u8>), Failure> {
        let image = read(input)?;
        let info = imaging::probe(&image).map_err(|error| failure(&error))?;
        Ok((Probing { info, peak_bytes: cost::peak_bytes(&info, &job.pipeline) }, image))
    }

    fn run(&mut self, job: &Job, image: Vec<u8>, output: &File) -> Result<OutputInfo, Failure> {
        let mut output = BufWriter::new(output);
        let info = imaging::run(&image, &job.pipeline, &job.limits, &mut output).map_err(|error| failure(&error))?;
        output.flush().map_err(|error| failure(&ImagingError::Write(error)))?;
        Ok(info)
    }
}

/// Reads the whole original, or says that it does not fit into the memory of this process.
fn read(mut input: File) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| Failure { code: ErrorCode::Internal, detail: format!("the original cannot be read: {error}") };
    let length = usize::try_from(input.metadata().map_err(unreadable)?.len()).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(length)
        .map_err(|_| Failure { code: ErrorCode::MemoryBudgetExceeded, detail: format!("the original alone has {length} bytes") })?;
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
