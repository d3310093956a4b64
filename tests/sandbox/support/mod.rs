//! What the tests share: the runtime, jobs, and the health of this process before and after.

pub(crate) mod health;
pub(crate) mod log;
pub(crate) mod pidfd;

use std::fs::File;
use std::io::{Seek, Write};
use std::time::{Duration, Instant};

use safelight::domain::limits::ImageLimits;
use safelight::domain::pipeline::Variants;
use safelight::sandbox::{Child, ChildLimits, ChildProgram, Failure, Job, Probe, Progress, SandboxError, SealedOutput, Spawner};

/// No test may take longer, whatever hangs.
const TEST_BOUND: Duration = Duration::from_secs(60);

/// Runs a test on a runtime like that of an arbiter.
pub(crate) fn block_on<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(TEST_BOUND, test).await.expect("the test ends in time") })
}

/// Limits that a test reaches quickly.
pub(crate) fn limits() -> ChildLimits {
    ChildLimits { address_space: 512 << 20, file_size: 1 << 20, nice: 7 }
}

/// A spawner of the child program `name` of this binary.
pub(crate) fn spawner(name: &str) -> Spawner {
    let path = std::env::current_exe().unwrap();
    Spawner::start(ChildProgram { path, args: vec!["__child".into(), name.into()] }, limits()).unwrap()
}

/// A job that keeps the format, under limits that a test reaches quickly.
pub(crate) fn job() -> Job {
    let limits =
        ImageLimits { max_width: 1000, max_height: 1000, max_pixels: 100_000, max_output_bytes: 100_000, ..ImageLimits::default() };
    Job { variants: Variants::only("invert".parse().unwrap()), assets: Vec::new(), limits }
}

/// A file with these bytes; its position is at the end.
pub(crate) fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    assert_eq!(file.stream_position().unwrap(), bytes.len() as u64);
    file
}

/// Both steps of a job on these bytes.
pub(crate) async fn attempt<'c>(child: &'c mut Child, image: &[u8]) -> Result<Progress<'c>, SandboxError> {
    match child.probe(job(), &file(image), &[]).await? {
        Probe::Readable(probed) => probed.run().await,
        Probe::Failed(failure) => Ok(Progress::Failed(failure)),
    }
}

/// The output of a job that must succeed.
pub(crate) async fn done(child: &mut Child, image: &[u8]) -> SealedOutput {
    match attempt(child, image).await.unwrap() {
        Progress::Done(made) => made.output,
        Progress::Made(..) => panic!("others follow"),
        Progress::Failed(failure) => panic!("the job failed: {failure}"),
    }
}

/// The failure of a job that must fail.
pub(crate) async fn failed(child: &mut Child, image: &[u8]) -> Failure {
    match attempt(child, image).await.unwrap() {
        Progress::Failed(failure) => failure,
        Progress::Made(..) | Progress::Done(_) => panic!("the job succeeded"),
    }
}

/// All bytes of an output.
pub(crate) fn bytes(output: &SealedOutput) -> Vec<u8> {
    output.chunks(1000).collect::<Result<Vec<_>, _>>().unwrap().concat()
}

/// Waits until `condition` holds, which something outside of this thread brings about.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::yield_now();
    }
}
