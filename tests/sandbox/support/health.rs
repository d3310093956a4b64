//! Whether this process is as healthy after a test as it was before: descriptors, children, and the next child works.

use std::fs;

use safelight::sandbox::{Child, Spawner};

use super::{bytes, done, eventually, spawner};
use crate::fake;

/// Runs `test` with a child of the program `name`, then checks that the parent took no harm.
pub(crate) async fn with_child(name: &str, test: impl AsyncFnOnce(Child)) {
    let (tested, honest) = (spawner(name), spawner(fake::NAME));
    prove_works(&honest).await;
    let before = descriptors();
    test(tested.spawn().await.unwrap()).await;
    eventually("every child is reaped", || children().is_empty());
    // Of the child that proved it, one may have been open still when they were counted.
    eventually("every descriptor is closed", || are_among(&descriptors(), before.clone()));
    prove_works(&honest).await;
}

/// A new child of `honest` does a job.
async fn prove_works(honest: &Spawner) {
    let mut child = honest.spawn().await.unwrap();
    assert_eq!(bytes(&done(&mut child, b"echo").await), b"BMecho");
    child.kill().await.unwrap();
}

/// What the open descriptors of this process refer to, sorted.
pub(crate) fn descriptors() -> Vec<String> {
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    let mut targets: Vec<_> =
        entries.filter_map(|entry| Some(fs::read_link(entry.ok()?.path()).ok()?.to_string_lossy().into_owned())).collect();
    targets.sort();
    targets
}

/// Whether each of `open` is one of `before`, each at most as often.
fn are_among(open: &[String], mut before: Vec<String>) -> bool {
    open.iter().all(|target| before.iter().position(|other| other == target).map(|at| before.swap_remove(at)).is_some())
}

/// The processes whose parent is this one, zombies among them.
pub(crate) fn children() -> Vec<u32> {
    let of_this_process = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name, which may hold anything: the state and the parent.
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?;
        (parent == std::process::id().to_string()).then_some(pid)
    };
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| of_this_process(entry.ok()?.file_name().to_str()?.parse().ok()?)).collect()
}
