//! The process that lives the life: this test binary again, told through its environment what to do.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use safelight::domain::error_code::ErrorCode;

use crate::blob_fixtures::body;
use crate::life::SITES;
use crate::life::services::Services;

const DIR: &str = "SAFELIGHT_TEST_LIFE_DIR";
const FAULT: &str = "SAFELIGHT_TEST_LIFE_FAULT";

/// How the process ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// At the end of the life.
    None,
    /// By SIGKILL.
    Killed,
}

/// Lives a life in `dir`, with a fault or, without one, counting the passages.
pub(crate) fn run(dir: &Path, fault: Option<&str>) -> Death {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "life::victim::victim", "--nocapture"]).env(DIR, dir).env(FAULT, fault.unwrap_or_default());
    let output = command.output().unwrap();
    match (output.status.signal(), output.status.success()) {
        (Some(9), _) => Death::Killed,
        (None, true) => Death::None,
        _ => panic!("{fault:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)),
    }
}

/// What an undisturbed life tells.
pub(crate) struct Outcome {
    pub(crate) passages: BTreeMap<String, u32>,
}

impl Outcome {
    pub(crate) fn read(dir: &Path) -> Self {
        let notes = Services::notes(dir);
        let passages = notes.iter().filter(|note| note[0] == "passed").map(|note| (note[1].clone(), note[2].parse().unwrap()));
        Self { passages: passages.collect() }
    }
}

/// Not a test of its own: does nothing unless [`run`] started it.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let services = Services::start(dir.as_ref());
    let fault = std::env::var(FAULT).unwrap();
    if let Some((site, action)) = fault.split_once('=') {
        fail::cfg(site, action).unwrap();
        live(&services);
    } else {
        let counters: Vec<_> = SITES.iter().map(|(site, _)| (site, count(site))).collect();
        live(&services);
        counters.iter().for_each(|(site, passed)| services.note(&format!("passed {site} {}", passed.load(Ordering::SeqCst))));
    }
}

fn count(site: &str) -> Arc<AtomicU32> {
    let counter = Arc::new(AtomicU32::new(0));
    let passed = Arc::clone(&counter);
    fail::cfg_callback(site, move || {
        passed.fetch_add(1, Ordering::SeqCst);
    })
    .unwrap();
    counter
}

/// One task straight through and out again, one that needs a second attempt and stays; its asset is replaced meanwhile, and another removed.
fn live(services: &Services) {
    let first = services.upload(&body(10_000), "swap_channels:bgr");
    let (task, claim) = services.claim().unwrap();
    services.work(&task, claim);
    work_all(services);

    services.put_asset("logo", &body(20_000));
    services.upload(&body(300_000), "watermark:logo");
    services.put_asset("logo", &body(25_000));
    let (_, claim) = services.claim().unwrap();
    services.release(claim, ErrorCode::WorkerDied, false);
    services.sweep();
    work_all(services);

    services.delete(first);

    services.put_asset("banner", &body(30_000));
    services.delete_asset("banner");
}

/// Works until nothing is runnable.
pub(crate) fn work_all(services: &Services) {
    while let Some((task, claim)) = services.claim() {
        services.work(&task, claim);
    }
}
