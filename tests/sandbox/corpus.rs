//! Hostile files through the server's own child, under the limits that a server has: each gives an image or a clean error, within
//! its deadline and its memory. `make corpus` takes every file and prints how often each came out; `make test` every 40th.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use safelight::domain::error_code::ErrorCode;
use safelight::domain::limits::ImageLimits;
use safelight::domain::pipeline::Variants;
use safelight::sandbox::{Child, ChildLimits, ChildProgram, Failure, Job, Probe, Progress, SandboxError, Spawner};

use crate::real;

trials! {
    hostile_files_give_an_image_or_a_clean_error,
}

/// Set by `make corpus`: every file, and the bombs too.
const WHOLE: &str = "SAFELIGHT_CORPUS_WHOLE";
/// One file may take so long; the default of a server is several times that.
const DEADLINE: Duration = Duration::from_secs(20);
/// What the estimate of a job may come to (`workers.job_memory`), and what the child may have at all (`workers.address_space`).
const JOB_MEMORY: u64 = 1 << 30;
const ADDRESS_SPACE: u64 = 1536 << 20;
/// Beside the job: code, stacks, the allocator's own.
const OVERHEAD: u64 = 128 << 20;
/// Decodes in full, resamples, encodes.
const PIPELINE: &str = "resize:64x64,quality=best/png";

fn hostile_files_give_an_image_or_a_clean_error() {
    let whole = std::env::var_os(WHOLE).is_some();
    let Some(corpus) = corpus() else {
        println!("skipped: no corpus (SAFELIGHT_CORPUS)");
        return;
    };
    let bombs = tempfile::tempdir().unwrap();
    let mut paths = files(&corpus.join("bad"));
    assert!(!paths.is_empty(), "{} has no files", corpus.display());
    if whole {
        let made = Command::new("python3").arg(corpus.join("make_bombs.py")).arg(bombs.path()).status().unwrap();
        assert!(made.success(), "the bombs could not be made");
        paths.extend(files(bombs.path()));
    } else {
        paths = paths.into_iter().step_by(40).collect();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcomes = runtime.block_on(outcomes(&paths));
    for (outcome, names) in &outcomes {
        println!("{:6}  {outcome}", names.len());
    }
    println!("{:6}  files", paths.len());
    let unclean: Vec<_> = outcomes.iter().filter(|(outcome, _)| outcome.starts_with("unclean")).collect();
    assert!(unclean.is_empty(), "{unclean:#?}");
}

/// The names of the files by what came of them.
async fn outcomes(paths: &[PathBuf]) -> BTreeMap<String, Vec<String>> {
    let program = ChildProgram { path: std::env::current_exe().unwrap(), args: vec!["__child".into(), real::NAME.into()] };
    let limits = ChildLimits { address_space: ADDRESS_SPACE, ..ChildLimits::default() };
    let spawner = Spawner::start(program, limits).unwrap();
    let mut outcomes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut warm: Option<Child> = None;
    for path in paths {
        let mut child = match warm.take() {
            Some(child) if child.is_reusable() => child,
            _ => spawner.spawn().await.unwrap(),
        };
        let outcome = outcome(&mut child, path).await;
        outcomes.entry(outcome).or_default().push(path.file_name().unwrap().to_string_lossy().into_owned());
        warm = Some(child);
    }
    outcomes
}

async fn outcome(child: &mut Child, path: &Path) -> String {
    let end = tokio::time::timeout(DEADLINE, attempt(child, path)).await;
    let peak = child.memory().map_or(0, |memory| memory.peak);
    match end {
        Err(_) => format!("unclean: longer than {DEADLINE:?}"),
        Ok(_) if peak > JOB_MEMORY + OVERHEAD => format!("unclean: {} MiB of memory", peak >> 20),
        Ok(Ok(None)) => "an image".to_owned(),
        Ok(Ok(Some(failure))) if failure.code == ErrorCode::Internal => format!("unclean: {failure}"),
        Ok(Ok(Some(failure))) => failure.code.to_string(),
        Ok(Err(error)) => format!("unclean: {error}"),
    }
}

/// As a worker does it: what the job would need is known before it may run. `None` is an image.
async fn attempt(child: &mut Child, path: &Path) -> Result<Option<Failure>, SandboxError> {
    let job = Job { variants: Variants::only(PIPELINE.parse().unwrap()), assets: Vec::new(), limits: ImageLimits::default() };
    match child.probe(job, &fs::File::open(path).unwrap(), &[]).await? {
        Probe::Readable(probed) if probed.probing().peak_bytes > JOB_MEMORY => {
            let detail = format!("{} bytes", probed.probing().peak_bytes);
            probed.refuse().await?;
            Ok(Some(Failure { code: ErrorCode::MemoryBudgetExceeded, detail }))
        }
        Probe::Readable(probed) => match probed.run().await? {
            Progress::Made(..) => panic!("the job has one result"),
            Progress::Done(_) => Ok(None),
            Progress::Failed(failure) => Ok(Some(failure)),
        },
        Probe::Failed(failure) => Ok(Some(failure)),
    }
}

fn corpus() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    Some(std::env::var_os("SAFELIGHT_CORPUS").map_or_else(beside, PathBuf::from)).filter(|path| path.join("bad").is_dir())
}

/// Every file below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
