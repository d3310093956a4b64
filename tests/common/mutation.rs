//! A safety mechanism is taken out, and named tests must notice: a proof that cannot fail is none.

use std::env;
use std::process::{Command, Output};

use safelight::domain::faults::Mechanism;

use crate::proof;

/// Runs each of the tests `witnesses` of this binary again, in a process in which the mechanism is gone: all that can run
/// here must fail. Those that need root or `strace` may be skipped.
pub(crate) fn assert_noticed(mechanism: Mechanism, witnesses: &[&str], shown_by: &str) {
    let mut noticed = Vec::new();
    for test in witnesses {
        let output = run_without(mechanism, test);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("running 1 test"), "there is no test {test}");
        if let Some(reason) = text.lines().find(|line| line.contains("skipped: ")) {
            println!("{test}: {reason}");
            continue;
        }
        assert_eq!(output.status.code(), Some(101), "{test} does not notice that {} is gone:\n{text}", mechanism.name());
        noticed.push(format!("`{}`", test.rsplit("::").next().unwrap_or(test)));
    }
    let found =
        if noticed.is_empty() { "skipped: no witness can run here".to_owned() } else { format!("noticed by {}", noticed.join(", ")) };
    proof::record(3, &format!("without {}", mechanism.name()), "1 mechanism removed", &found, shown_by, None);
}

fn run_without(mechanism: Mechanism, test: &str) -> Output {
    let mut command = Command::new(env::current_exe().expect("the test has a path"));
    command.args(["--exact", test, "--nocapture"]).env("SAFELIGHT_REMOVED", mechanism.name());
    // A witness is small, and what it finds is no row.
    command.env_remove("SAFELIGHT_CAMPAIGN").output().expect("the test runs again")
}
